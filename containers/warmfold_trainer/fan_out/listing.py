"""The jobs of one trial's folds, as SageMaker lists them."""

from functools import partial
from typing import Any

from warmfold_trainer.fan_out.calls import Caller, CallError, FanOutError, Waiting
from warmfold_trainer.fan_out.folds import JobSummary
from warmfold_trainer.fan_out.names import fold_prefix
from warmfold_trainer.fan_out.trial import Jobs


def listed(
    caller: Caller, jobs: Jobs[Any], trial_name: str, within_seconds: float
) -> Waiting[dict[str, JobSummary]]:
    """All jobs of the trial's folds by name, by one filtered list of few pages, each of which has
    ``within_seconds``.

    Raises ``FanOutError`` when a page is refused or its time is over.
    """
    prefix, token = fold_prefix(trial_name), None
    found: dict[str, JobSummary] = {}
    while True:
        try:
            page, token = yield from caller.call(
                "ListTrainingJobs",
                partial(jobs.list_page, prefix, token),
                within_seconds=within_seconds,
            )
        except CallError as error:
            raise FanOutError(
                f"ListTrainingJobs is refused: {error}; the trial's role, and the policy of its "
                "VPC endpoint if it has one, must allow sagemaker:ListTrainingJobs"
            ) from error
        found |= {job.name: job for job in page if job.name.startswith(prefix)}
        if token is None:
            return found
