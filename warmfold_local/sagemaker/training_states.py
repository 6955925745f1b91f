"""``SecondaryStatus`` and ``SecondaryStatusTransitions``: how far a training job has come."""

import math
from datetime import datetime
from typing import Any

from warmfold_local.cloud import Record

# Private members: seconds before interruptions of spot capacity, and whether it is waited for.
_EARLIER, _WAITS = "_earlier_seconds", "_waits_for_spot"

_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    # AWS's words for the last two are not documented.
    "Interrupted": "Spot capacity was taken back. Waiting for other capacity",
    "MaxWaitTimeExceeded": "Training job waiting time exceeded MaxWaitTimeInSeconds provided",
}


def opening(now: datetime) -> dict[str, Any]:
    """The members of a job that was just created."""
    return with_transition({}, "Starting", now)


def restarting(record: Record, now: datetime) -> dict[str, Any]:
    """The members of a job that starts over after an internal error; its metrics are gone.

    "When the job is retried, it's SecondaryStatus is changed to STARTING" (API reference,
    RetryStrategy).
    """
    again = with_transition(record, "Starting", now)
    return {**again, "FinalMetricDataList": []}


def started(now: datetime) -> dict[str, Any]:
    """The members of a job that has its instances: from now on it is billed."""
    return {"TrainingStartTime": now, _WAITS: False}


def interrupting(record: Record, now: datetime) -> dict[str, Any]:
    """The members of a job whose spot capacity is gone; what it ran so far is billed."""
    spent = _billed_seconds(record, now)
    return {**with_transition(record, "Interrupted", now), _EARLIER: spent, _WAITS: True}


def with_transition(record: Record, status: str, now: datetime) -> dict[str, Any]:
    """The members that change when a job enters a secondary status."""
    past = list(record.get("SecondaryStatusTransitions", []))
    if past:
        past[-1] = {"EndTime": now, **past[-1]}
    entered = {"Status": status, "StartTime": now, "StatusMessage": _MESSAGES[status]}
    return {"SecondaryStatus": status, "SecondaryStatusTransitions": [*past, entered]}


def closing(record: Record, members: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The members of the last state: its secondary status, and the time to be billed.

    Billed is what lies between start and end, so data transfers too, but not the waiting for an
    instance (API reference, DescribeTrainingJob). What spot capacity saves is not modelled.
    """
    last = members.get("SecondaryStatus", members["TrainingJobStatus"])
    states = with_transition(record, last, now)
    states["SecondaryStatusTransitions"][-1]["EndTime"] = now
    states.pop("SecondaryStatus") if "SecondaryStatus" in members else None
    if record.get("TrainingStartTime") is None:
        return states
    seconds = max(1, math.ceil(_billed_seconds(record, now)))
    return {**states, "TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}


def _billed_seconds(record: Record, now: datetime) -> float:
    """From start to end, without the waiting between interruptions of spot capacity."""
    earlier = float(record.get(_EARLIER, 0.0))
    started = record.get("TrainingStartTime")
    if started is None or record.get(_WAITS):
        return earlier
    return earlier + float((now - started).total_seconds())
