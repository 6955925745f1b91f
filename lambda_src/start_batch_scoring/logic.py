"""Names, days and URIs of one daily run, as plain data in and out; nothing here calls AWS."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from warmfold_lambda.errors import InputError
from warmfold_lambda.registry import Package


@dataclass(frozen=True, kw_only=True)
class Run:
    """One day's scoring: what the pipeline is started with."""

    day: date
    input_uri: str
    output_uri: str
    manifest_uri: str

    def parameters(self, model_name: str) -> dict[str, str]:
        """Pipeline parameters by name."""
        return {
            "ModelName": model_name,
            "InputUri": self.input_uri,
            "OutputUri": self.output_uri,
            "ManifestUri": self.manifest_uri,
            "Day": self.day.isoformat(),
        }


def parse_scheduled_time(text: str) -> datetime:
    """EventBridge Scheduler's ``<aws.scheduler.scheduled-time>``: ISO 8601 with its UTC offset.

    Raises ``InputError`` for anything else, a time without an offset included: which day it falls
    on would be a guess.
    """
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"input.scheduled_time is {text!r}, not an ISO 8601 time such as 2026-03-29T04:00:00Z"
        ) from error
    if value.tzinfo is None:
        raise InputError(f"input.scheduled_time is {text!r}: it needs an offset, such as Z")
    return value.astimezone(UTC)


def local_day(scheduled: datetime, time_zone: ZoneInfo) -> date:
    """The calendar day on which the schedule fired where the business is."""
    return scheduled.astimezone(time_zone).date()


def plan_run(bucket: str, model: str, day: date) -> Run:
    """The day's URIs; prefixes end in a slash, since the pipeline appends ``run=…`` as it is."""
    root = f"s3://{bucket}/{model}/batch"
    output = f"{root}/output/day={day.isoformat()}/"
    return Run(
        day=day,
        input_uri=f"{root}/input/day={day.isoformat()}/",
        output_uri=output,
        manifest_uri=f"{output}manifest.json",
    )


def model_name(prefix: str, package: Package) -> str:
    """One SageMaker model a package version."""
    return f"{prefix}-v{package.version}"


def request_token(pipeline: str, run: Run, package: Package, scheduled: datetime) -> str:
    """The ``ClientRequestToken`` (32 to 128 characters) that makes a repeated start the same one.

    A retry of the scheduler repeats day, version and time; a rerun that an operator asks for
    has another time, and a newly approved version gets a run of its own.
    """
    parts = (pipeline, run.day.isoformat(), str(package.version), scheduled.isoformat())
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{run.day.isoformat()}-v{package.version}-{digest[:40]}"
