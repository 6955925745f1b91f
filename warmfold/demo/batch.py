"""The daily batch: the day's applicants into the bucket, then started by the schedule's target."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from warmfold.runs.aws import Aws, Deployment, split_s3_uri
from warmfold.runs.read import latest_execution
from warmfold.runs.wait import wait_for

# A one-time schedule must lie in the future when it is created.
_AHEAD_SECONDS = 2.0
_TIMEOUT_SECONDS = 90.0


@dataclass(frozen=True, kw_only=True)
class Firing:
    """A one-time schedule with the deployed daily schedule's target."""

    name: str
    scheduled_at: datetime
    day: str
    previous_execution: str | None


def put_applicants(aws: Aws, deployment: Deployment, day: str, lines: str) -> str:
    """Write the day's applicants (JSON Lines) where the scoring run looks; the URI."""
    bucket, prefix = split_s3_uri(deployment.batch["BatchInputUri"])
    key = f"{prefix}/day={day}/applicants.jsonl"
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=lines.encode("utf-8"))
    return f"s3://{bucket}/{key}"


def fire_daily_schedule(aws: Aws, deployment: Deployment, applicants: str) -> Firing:
    """Have EventBridge Scheduler invoke the daily schedule's target once, seconds from now.

    Same target, same input, same role, same group. ``applicants`` (JSON Lines) are put in place
    first.
    """
    scheduler = aws.client("scheduler")
    outputs = deployment.batch
    daily = scheduler.get_schedule(
        Name=outputs["ScheduleName"], GroupName=outputs["ScheduleGroupName"]
    )
    at = (datetime.now(UTC) + timedelta(seconds=_AHEAD_SECONDS)).replace(microsecond=0)
    zone = ZoneInfo(daily.get("ScheduleExpressionTimezone", "UTC"))
    day = at.astimezone(zone).date().isoformat()
    put_applicants(aws, deployment, day, applicants)
    firing = Firing(
        name=f"{outputs['ScheduleName'][:40]}-once-{at:%Y%m%dT%H%M%S}",
        scheduled_at=at,
        day=day,
        previous_execution=latest_execution(aws, outputs["ScoringPipelineName"]),
    )
    scheduler.create_schedule(
        Name=firing.name,
        GroupName=outputs["ScheduleGroupName"],
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="UTC",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=daily["Target"],
    )
    return firing


def wait_for_scoring(aws: Aws, deployment: Deployment, firing: Firing) -> str:
    """ARN of the scoring run that the schedule has started."""
    pipeline = deployment.batch["ScoringPipelineName"]

    def look() -> str | None:
        newest = latest_execution(aws, pipeline)
        return newest if newest != firing.previous_execution else None

    return wait_for(
        look,
        what=f"start of {pipeline} by schedule {firing.name}",
        timeout_seconds=_TIMEOUT_SECONDS,
        poll_seconds=aws.poll_seconds,
        hint="" if aws.state_dir is None else str(aws.state_dir / "server.log"),
    )


def manifest_uri(deployment: Deployment, day: str) -> str:
    """Where the day's manifest stands once its predictions are published."""
    return f"{deployment.batch['BatchOutputUri'].rstrip('/')}/day={day}/manifest.json"
