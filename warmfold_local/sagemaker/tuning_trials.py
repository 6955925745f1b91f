"""Trials of a tuning job as the API shows them: summaries, counters, the best one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from warmfold_local.sagemaker.jobs import Job
from warmfold_local.sagemaker.metrics import metric_value
from warmfold_local.sagemaker.tuning_search import Suggestion


@dataclass(frozen=True)
class Objective:
    metric: str
    maximize: bool

    def better(self, score: float, other: float) -> bool:
        return score > other if self.maximize else score < other


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training job that a tuning job launched."""

    suggestion: Suggestion
    objective: Objective
    job: Job

    @property
    def score(self) -> float | None:
        """The last objective value of a completed job; without one the trial does not count."""
        if self.job.status != "Completed":
            return None
        return metric_value(self.job.record["FinalMetricDataList"], self.objective.metric)

    @property
    def objective_status(self) -> str:
        if self.job.status in ("InProgress", "Stopping"):
            return "Pending"
        return "Failed" if self.score is None else "Succeeded"

    def summary(self) -> dict[str, Any]:
        """A ``HyperParameterTrainingJobSummary``."""
        record, score = self.job.record, self.score
        members = {
            "TunedHyperParameters": dict(self.suggestion.hyperparameters),
            "ObjectiveStatus": self.objective_status,
        }
        if score is not None:
            members["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "Type": "Maximize" if self.objective.maximize else "Minimize",
                "MetricName": self.objective.metric,
                "Value": score,
            }
        return {**record, **members, "_score": score}


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the best score; the earlier one of equals; ``None`` without any score."""
    best: Trial | None = None
    for trial in trials:
        if trial.score is None:
            continue
        if best is None or best.score is None or trial.objective.better(trial.score, best.score):
            best = trial
    return best


def overview(trials: Sequence[Trial]) -> dict[str, Any]:
    """The members of a tuning job's record that its trials decide."""
    best = best_of(trials)
    seconds = sum(t.job.record.get("TrainingTimeInSeconds", 0) for t in trials)
    members: dict[str, Any] = {
        "TrainingJobStatusCounters": _status_counters(trials),
        "ObjectiveStatusCounters": {
            status: sum(t.objective_status == status for t in trials)
            for status in ("Succeeded", "Pending", "Failed")
        },
        "ConsumedResources": {"RuntimeInSeconds": seconds},
        "TuningJobCompletionDetails": {
            "NumberOfTrainingJobsObjectiveNotImproving": not_improving(trials)
        },
    }
    return members if best is None else {**members, "BestTrainingJob": best.summary()}


def not_improving(trials: Sequence[Trial]) -> int:
    """How many scored trials there are since the best one."""
    best = best_of(trials)
    scored = [trial for trial in trials if trial.score is not None]
    return 0 if best is None else len(scored) - 1 - scored.index(best)


def _status_counters(trials: Sequence[Trial]) -> dict[str, int]:
    """Retryable is an internal error of the service; what the user's code did is not."""
    counters = dict.fromkeys(
        ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0
    )
    for trial in trials:
        counters[_counter(trial)] += 1
    return counters


def _counter(trial: Trial) -> str:
    status = trial.job.status
    if status == "Failed":
        internal = str(trial.job.record.get("FailureReason")).startswith("InternalServerError")
        return "RetryableError" if internal else "NonRetryableError"
    return status if status in ("Completed", "Stopped") else "InProgress"
