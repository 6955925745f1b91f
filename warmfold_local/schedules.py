"""EventBridge Scheduler: when a schedule is due, by its time zone, and what its target is handed.

User guide, "Schedule types": expressions are evaluated in the schedule's time zone. A cron time
that a clock change leaves out is skipped, one that comes twice is taken once; a rate counts hours
on the clock, whatever the zone.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_AT = re.compile(r"\s*at\((.+)\)\s*")

# Cron times that a change of clocks leaves out follow each other within one day.
_MOST_SKIPPED = 24 * 60

# The next time on the wall clock that a cron expression allows, after another one.
NextWall = Callable[[datetime], datetime | None]


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A schedule's expression in its zone: one of a moment, an interval, and cron times."""

    at: datetime | None = None
    interval_seconds: float | None = None
    next_wall: NextWall | None = None
    zone: ZoneInfo

    def due(self, last: datetime | None, created: datetime) -> datetime | None:
        """The firing after ``last``, or the first one; ``None`` if there is none (any more)."""
        if self.at is not None:
            return self.at if last is None else None
        since = created if last is None else last
        if self.interval_seconds is not None:
            return since + timedelta(seconds=self.interval_seconds)
        return None if self.next_wall is None else next_cron(self.next_wall, self.zone, since)


def zone_of(schedule: Mapping[str, Any]) -> ZoneInfo:
    """UTC unless it says otherwise. Raises ``ValueError`` for what is no time zone."""
    name = schedule.get("ScheduleExpressionTimezone") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone of the tz database") from error


def moment(expression: str, zone: ZoneInfo) -> datetime | None:
    """The time of an ``at(…)`` expression; ``None`` for any other."""
    match = _AT.fullmatch(expression)
    if match is None:
        return None
    try:
        due = datetime.fromisoformat(match.group(1).strip())
    except ValueError:
        return None
    return (due if due.tzinfo is not None else due.replace(tzinfo=zone)).astimezone(UTC)


def next_cron(next_wall: NextWall, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first time after ``after`` at which the zone's clock shows one that cron allows."""
    wall: datetime | None = after.astimezone(zone).replace(tzinfo=None)
    for _ in range(_MOST_SKIPPED):
        wall = None if wall is None else next_wall(wall)
        if wall is None:
            return None
        instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        there_is = instant.astimezone(zone).replace(tzinfo=None) == wall
        if there_is and instant > after:
            return instant
    return None


def scheduled_time(schedule: Mapping[str, Any], fired_at: datetime) -> datetime:
    """The time a firing was due, not when the ticker came to it: a recurring one is due on a full
    minute, a one-time one when its expression says."""
    due = moment(schedule["ScheduleExpression"], zone_of(schedule))
    return fired_at.replace(second=0, microsecond=0) if due is None else due


def fill_context(text: str, *, due: datetime, schedule_arn: str, execution_id: str) -> str:
    """``text`` with Scheduler's keywords replaced; the local cloud makes one attempt only."""
    values = {
        "scheduled-time": f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "schedule-arn": schedule_arn,
        "execution-id": execution_id,
        "attempt-number": "1",
    }
    for keyword, value in values.items():
        text = text.replace(f"<aws.scheduler.{keyword}>", value)
    return text
