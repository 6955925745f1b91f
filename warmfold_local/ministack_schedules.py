"""ministack's Scheduler, led by the rules of `schedules`: time zones, and keywords in the input.

Beside `ministack_seam`, and under the same rule: its private interface, of a pinned version.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from warmfold_local.schedules import Expression, fill_context, moment, scheduled_time, zone_of

logger = logging.getLogger("warmfold_local")

_TICK_SECONDS = 1

Key = tuple[str, str, str]
Schedule = dict[str, Any]


def lead_schedules(now: Callable[[], float] = time.time) -> "Ticker":
    """Let ministack's ticker ask us what is due, every second instead of every ten, refuse a time
    zone that is none, and fill the keywords in a target's input, which it hands on as they are."""
    from ministack.services import eventbridge, scheduler
    from ministack.services.cloudformation import provisioners

    ticker = Ticker(now)
    scheduler._tick_schedules = ticker.tick
    scheduler._SCHEDULE_TICK_INTERVAL = _TICK_SECONDS
    scheduler._create_schedule = _with_a_time_zone(scheduler._create_schedule)
    scheduler._update_schedule = _with_a_time_zone(scheduler._update_schedule)
    eventbridge._invoke_target = _filling(eventbridge._invoke_target)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
    for verb in ("create", "update"):
        handlers[verb] = _completing(handlers[verb], verb)
    return ticker


class Ticker:
    """Fires what is due. When each schedule fired last does not outlive the process."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last: dict[Key, datetime] = {}
        self._refused: set[Key] = set()

    def tick(self) -> None:
        from ministack.core import responses
        from ministack.services import scheduler

        before = responses.get_account_id(), responses.get_region()
        now = datetime.fromtimestamp(self._now(), UTC)
        try:
            for key, schedule in list(scheduler._schedules._data.items()):
                self._consider(key, schedule, now)
        finally:
            responses.set_request_account_id(before[0])
            responses.set_request_region(before[1])

    def _consider(self, key: Key, schedule: Schedule, now: datetime) -> None:
        from ministack.services import scheduler

        end, start = (scheduler._to_epoch(schedule.get(name)) for name in ("EndDate", "StartDate"))
        if schedule.get("State") != "ENABLED" or (start is not None and now.timestamp() < start):
            return
        if end is not None and now.timestamp() > end:
            self._complete(key, schedule)
            return
        expression = self._expression(key, schedule)
        if expression is None:
            return
        if expression.next_wall is not None and key not in self._last:
            self._last[key] = now  # what a restart or the night before missed is not made up for
        created = datetime.fromtimestamp(schedule.get("CreationDate", now.timestamp()), UTC)
        due = expression.due(self._last.get(key), created)
        if due is None or now < due:
            return
        self._last[key] = now
        _fire(key, schedule, now)
        if expression.at is not None:
            self._complete(key, schedule)

    def _complete(self, key: Key, schedule: Schedule) -> None:
        """A one-time schedule has fired, or a recurring one is past its EndDate."""
        from ministack.services import scheduler

        if schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler._schedules._data.pop(key, None)
            self._last.pop(key, None)

    def _expression(self, key: Key, schedule: Schedule) -> Expression | None:
        """``None`` for one that cannot be read, which is said once."""
        try:
            return parse_expression(schedule)
        except ValueError as error:
            if key not in self._refused:
                self._refused.add(key)
                logger.warning("schedule %s never fires: %s", key[2], error)
            return None


def parse_expression(schedule: Schedule) -> Expression:
    """Raises ``ValueError`` for what is none."""
    from ministack.services import eventbridge

    text, zone = schedule.get("ScheduleExpression", ""), zone_of(schedule)
    at = moment(text, zone)
    if at is not None:
        return Expression(at=at, zone=zone)
    interval = eventbridge._parse_rate_seconds(text)
    if interval is not None:
        return Expression(interval_seconds=float(interval), zone=zone)
    fields = eventbridge._parse_cron_fields(text)
    if fields is None:
        raise ValueError(f"{text!r} is no at(), rate() or cron() expression")

    def next_wall(wall: datetime) -> datetime | None:
        found = eventbridge._cron_next_fire(fields, wall.replace(tzinfo=UTC))
        return None if found is None else found.replace(tzinfo=None)

    return Expression(next_wall=next_wall, zone=zone)


def _fire(key: Key, schedule: Schedule, now: datetime) -> None:
    """Under the schedule's own account and region."""
    from ministack.core import responses
    from ministack.services import eventbridge

    target = schedule.get("Target") or {}
    if not target.get("Arn"):
        return
    account, region, name = key
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    event = {
        "EventId": responses.new_uuid(),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": now.timestamp(),
        "Resources": [schedule.get("Arn", "")],
        "Account": account,
        "Region": region,
    }
    try:
        eventbridge._invoke_target(target, event, schedule)
    except Exception:
        logger.exception("the target of schedule %s could not be called", name)


def _filling(invoke: Callable[..., Any]) -> Callable[..., Any]:
    def invoke_filled(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], *rest: Any
    ) -> Any:
        if event["Source"] == "aws.scheduler" and "Input" in target:
            due = scheduled_time(rule, datetime.fromtimestamp(event["Time"], UTC))
            filled = fill_context(
                target["Input"], due=due, schedule_arn=rule["Arn"], execution_id=event["EventId"]
            )
            target = {**target, "Input": filled}
        return invoke(target, event, rule, *rest)

    return invoke_filled


def _completing(handler: Callable[..., Any], verb: str) -> Callable[..., Any]:
    """CloudFormation's handler, and the properties that it leaves out."""
    from ministack.services import scheduler

    def complete(identifier: str, *given: Any) -> Any:
        properties = given[0] if verb == "create" else given[1]
        zone_of(properties)  # else the stack fails with its words
        name, attributes = handler(identifier, *given)
        group = properties.get("GroupName", "default")
        record = scheduler._schedules[f"{group}/{name}"]
        record["ScheduleExpressionTimezone"] = properties.get("ScheduleExpressionTimezone", "UTC")
        for member in ("StartDate", "EndDate", "KmsKeyArn"):
            record[member] = properties.get(member)
        return name, attributes

    return complete


def _with_a_time_zone(write: Callable[..., Any]) -> Callable[..., Any]:
    """Scheduler answers ``ValidationException`` for a zone that it does not know."""

    from ministack.services import scheduler

    def checked(name: str, body: dict[str, Any]) -> Any:
        try:
            zone_of(body)
        except ValueError as error:
            return scheduler._error(400, "ValidationException", str(error))
        return write(name, body)

    return checked
