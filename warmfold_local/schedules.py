"""What EventBridge Scheduler puts into a target's input (user guide, "Context attributes")."""

import re
from datetime import UTC, datetime

_AT = re.compile(r"\s*at\((.+)\)\s*")


def scheduled_time(expression: str, fired_at: datetime) -> datetime:
    """The time a firing was due, not when the ticker came to it: a recurring one is due on a full
    minute, a one-time one when its expression says."""
    match = _AT.fullmatch(expression)
    if match is None:
        return fired_at.replace(second=0, microsecond=0)
    due = datetime.fromisoformat(match.group(1).strip())
    return due if due.tzinfo is not None else due.replace(tzinfo=UTC)


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
