"""Records of tuning jobs: found by name, brought up to date, with the trials they launched."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ResourceNotFound
from warmfold_local.sagemaker.jobs import JobKind
from warmfold_local.sagemaker.tuning_criteria import in_order_of_end, not_improving
from warmfold_local.sagemaker.tuning_trials import Trial, best_of, overview


@dataclass(frozen=True)
class ParentsTrials:
    """The trials of a warm start's parents."""

    trials: tuple[Trial, ...] = ()


def progress(record: Record, now: datetime) -> dict[str, Any]:
    """What a Describe answer says of the trials so far, and of the time used.

    "RuntimeInSeconds: the wall clock runtime in seconds used by your hyperparameter tuning job".
    """
    trials = record["_trials"]
    details: dict[str, Any] = {
        "NumberOfTrainingJobsObjectiveNotImproving": not_improving(in_order_of_end(trials))
    }
    if "_converged" in record:
        details["ConvergenceDetectedTime"] = record["_converged"]
    members = {
        **overview(trials),
        "ConsumedResources": {
            "RuntimeInSeconds": int((now - record["CreationTime"]).total_seconds())
        },
        "TuningJobCompletionDetails": details,
    }
    overall = _overall_best(record, trials)
    return members if overall is None else {**members, "OverallBestTrainingJob": overall}


TUNING = JobKind(
    label="Hyperparameter tuning job",
    resource="hyper-parameter-tuning-job",
    member="HyperParameterTuningJob",
    folder="tuning",
    event="SageMaker HyperParameter Tuning Job State Change",
    ended="HyperParameterTuningEndTime",
    closing=lambda record, _, now: progress(record, now) if "_trials" in record else {},
)


def find_tuning(cloud: Cloud, name: str) -> Record:
    """Raises ``ResourceNotFound`` with the service's text (seen in amazon-sagemaker-examples)."""
    record = cloud.table(TUNING.label).find(name)
    if record is None:
        raise ResourceNotFound(
            f"Amazon SageMaker can't find a tuning job called {name}. Type another name."
        )
    return record


def current(cloud: Cloud, record: Record) -> Record:
    """A copy of the record at this moment; a job that runs is shown with its progress."""
    with cloud.lock:
        running = "_trials" in record and TUNING.ended not in record
        return {**record, **(progress(record, cloud.now()) if running else {})}


def _overall_best(record: Record, trials: Iterable[Trial]) -> dict[str, Any] | None:
    """Over the job and its parents, for an IdenticalDataAndAlgorithm warm start only."""
    if record.get("WarmStartConfig", {}).get("WarmStartType") != "IdenticalDataAndAlgorithm":
        return None
    parents: ParentsTrials | None = record.get("_parents")
    if parents is None:  # after a restart: what was known of them stays as it is
        return None
    best = best_of([*parents.trials, *trials])
    if best is None:
        return None
    return {**best.summary(), "TuningJobName": str(best.record["TuningJobArn"]).rpartition("/")[2]}
