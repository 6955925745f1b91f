"""Trials of a tuning job as the API shows them: summaries, counters, the best one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from warmfold_local.cloud import Record
from warmfold_local.sagemaker.metrics import metric_value
from warmfold_shapes.constraints import service_model

# Why a tuning job stopped a trial: it is unlikely to win, or has used all of Hyperband's resource.
StopCause = Literal["Early", "MaxResource"]
STOPPED_BY_TUNING = "StoppedByTuning"


@dataclass(frozen=True)
class Objective:
    metric: str
    maximize: bool

    def better(self, score: float, other: float) -> bool:
        return score > other if self.maximize else score < other


@dataclass(frozen=True)
class Trial:
    """One training job that a tuning job launched, by its record."""

    record: Record
    objective: Objective

    @property
    def name(self) -> str:
        return str(self.record["TrainingJobName"])

    @property
    def status(self) -> str:
        return str(self.record["TrainingJobStatus"])

    @property
    def score(self) -> float | None:
        """The last objective value; ``None`` while the trial runs, or if it does not count.

        A trial that failed, timed out or was stopped by somebody does not count; one that the
        tuning job itself stopped does, with what it had printed by then.
        """
        stopped = self.status == "Stopped" and self.record.get(STOPPED_BY_TUNING) is not None
        if self.status != "Completed" and not stopped:
            return None
        return metric_value(self.record["FinalMetricDataList"], self.objective.metric)

    @property
    def can_win(self) -> bool:
        """Whether it ran to its end: a trial that was stopped early is never the best one."""
        return self.score is not None and self.record.get(STOPPED_BY_TUNING) != "Early"

    @property
    def objective_status(self) -> str:
        if self.status in ("InProgress", "Stopping"):
            return "Pending"
        return "Failed" if self.score is None else "Succeeded"

    def stored(self) -> Record:
        """What survives a restart; see ``store.encoding``."""
        return {
            "name": self.name,
            "metric": self.objective.metric,
            "maximize": self.objective.maximize,
        }

    def summary(self) -> dict[str, Any]:
        """A ``HyperParameterTrainingJobSummary``, and ``_score`` to sort by."""
        score = self.score
        shape: Any = service_model("sagemaker").shape_for("HyperParameterTrainingJobSummary")
        members = {key: self.record[key] for key in shape.members if key in self.record}
        members |= {"ObjectiveStatus": self.objective_status, "_score": score}
        if score is not None:
            members["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "Type": "Maximize" if self.objective.maximize else "Minimize",
                "MetricName": self.objective.metric,
                "Value": score,
            }
        return members


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the best score; the earlier one of equals; ``None`` without any score."""
    best: Trial | None = None
    best_score: float | None = None
    for trial in trials:
        score = trial.score
        if score is None or not trial.can_win:
            continue
        if best_score is None or trial.objective.better(score, best_score):
            best, best_score = trial, score
    return best


def overview(trials: Sequence[Trial]) -> dict[str, Any]:
    """The members of a tuning job's record that its trials decide."""
    best = best_of(trials)
    objectives = [trial.objective_status for trial in trials]
    members: dict[str, Any] = {
        "TrainingJobStatusCounters": _status_counters(trials),
        "ObjectiveStatusCounters": {
            status: objectives.count(status) for status in ("Succeeded", "Pending", "Failed")
        },
    }
    return members if best is None else {**members, "BestTrainingJob": best.summary()}


def _status_counters(trials: Sequence[Trial]) -> dict[str, int]:
    """Retryable is an internal error of the service; what the user's code did is not."""
    counters = dict.fromkeys(
        ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0
    )
    for trial in trials:
        counters[_counter(trial)] += 1
    return counters


def _counter(trial: Trial) -> str:
    if trial.status == "Failed":
        internal = str(trial.record.get("FailureReason")).startswith("InternalServerError")
        return "RetryableError" if internal else "NonRetryableError"
    return trial.status if trial.status in ("Completed", "Stopped") else "InProgress"
