"""Managed spot training: what it asks for, and how a job goes on whose capacity was taken back."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from warmfold_local.cloud import Record
from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.training_states import interrupting, restarting

_POLL_SECONDS = 0.1


class Interrupted(Exception):
    """The capacity of a running job was taken back; there is other after ``wait_seconds``."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"other capacity in {wait_seconds} seconds")
        self.wait_seconds = wait_seconds


def is_spot(record: Record) -> bool:
    return record.get("EnableManagedSpotTraining") is True


def check_spot(request: dict[str, Any]) -> None:
    """Raises ``ValidationError``. Sources: API reference, StoppingCondition; messages that users
    of the service report; developer guide, train-warm-pools, for warm pools, in our own words."""
    stopping = request["StoppingCondition"]
    longest = stopping.get("MaxWaitTimeInSeconds")
    if not is_spot(request):
        if longest is not None:
            raise ValidationError(
                "Invalid MaxWaitTimeInSeconds. It is only supported when "
                "EnableManagedSpotTraining is set to true"
            )
        return
    if longest is None or longest < stopping["MaxRuntimeInSeconds"]:
        raise ValidationError(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )
    if request["ResourceConfig"].get("KeepAlivePeriodInSeconds"):
        raise ValidationError(
            "KeepAlivePeriodInSeconds cannot be used with EnableManagedSpotTraining: warm pools "
            "are not of spot capacity."
        )


def wait_left(record: Record, now: datetime) -> float:
    """Seconds until ``MaxWaitTimeInSeconds`` is over, counted from the job's creation; infinite
    for a job that is not on spot capacity."""
    if not is_spot(record):
        return float("inf")
    spent = (now - record["CreationTime"]).total_seconds()
    return float(record["StoppingCondition"]["MaxWaitTimeInSeconds"] - spent)


def through_interruptions(job: Job, run: Callable[[Job], Final]) -> Final:
    """``run``, again from the start after every interruption, while the waiting time lasts.

    Raises what ``run`` raises, and ``JobStopped`` if the job is stopped while it waits.
    """
    while True:
        try:
            return run(job)
        except Interrupted as interrupted:
            _change(job, interrupting(job.record, job.cloud.now()))
            job.remove_files()
            if not _capacity_in_time(job, interrupted.wait_seconds):
                return Final("Stopped", {"SecondaryStatus": "MaxWaitTimeExceeded"})
        _change(job, restarting(job.record, job.cloud.now()))


def _change(job: Job, members: dict[str, Any]) -> None:
    job.update(**members)
    job.publish()


def _capacity_in_time(job: Job, wait_seconds: float) -> bool:
    ready = time.monotonic() + wait_seconds
    while time.monotonic() < ready:
        job.check_stop()
        if wait_left(job.record, job.cloud.now()) <= 0:
            return False
        time.sleep(_POLL_SECONDS)
    return True
