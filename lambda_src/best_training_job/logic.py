"""Which trial wins, as plain data in and out; nothing here calls AWS.

Automatic model tuning's own ``BestTrainingJob`` is not trusted: a trial that was raced out after
some folds exits 0 with a pessimistic objective, and only trials with all folds may win.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from warmfold_lambda.errors import LambdaError

Direction = Literal["Maximize", "Minimize"]

FILE_NAME = "selected_trial.json"
# The format that the trainer image reads; a test holds it against the images' own reader.
FORMAT = 1

FOLDS_COMPLETED = "training:folds_completed"
ROUNDS = "training:rounds"
TRAINING_SCORE = "training:score"
SCORE = "validation:score"
SCORE_SPREAD = "validation:score_std"

# Keys of the hyperparameter map that are not the algorithm's: SageMaker's own and the platform's.
_RESERVED_PREFIXES = ("_tuning_", "sagemaker_", "warmfold_")
_REASON_LIMIT = 160
# A pipeline step keeps 1,024 characters of a failure reason; Lambda's own words come before it.
_SUMMARY_LIMIT = 900


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One tuning job of the execution and the algorithm that it tunes."""

    name: str
    algorithm: str
    job_name: str


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A training job of a tuning job. ``objective`` is ``None`` if none was reported."""

    candidate: Candidate
    name: str
    status: str
    created: datetime
    objective: float | None = None
    failure_reason: str = ""

    @property
    def eligible(self) -> bool:
        """Completed with an objective that can be compared: NaN and infinity cannot."""
        return (
            self.status == "Completed"
            and self.objective is not None
            and math.isfinite(self.objective)
        )


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The content of ``selected_trial.json``; scores are means over ``folds`` folds."""

    candidate: str
    algorithm: str
    hyperparameters: dict[str, str]
    rounds: int
    metric: str
    score: float
    score_std: float
    training_score: float
    folds: int
    fold_scores: tuple[float, ...]
    tuning_job_name: str
    training_job_name: str
    trials_completed: int
    format: int = FORMAT

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


class NoTrialCompletedError(LambdaError):
    """No trial of any candidate has a score over all folds."""


def fold_metric(fold: int) -> str:
    """Name of one fold's validation score; folds count from 1."""
    return f"validation:fold_{fold}_score"


def best_first(trials: Iterable[Trial], direction: Direction) -> list[Trial]:
    """The trials that may win, best objective first; ties go to the earlier one."""
    sign = -1.0 if direction == "Maximize" else 1.0
    eligible = [trial for trial in trials if trial.eligible]
    return sorted(eligible, key=lambda t: (sign * (t.objective or 0.0), t.created, t.name))


def final_metrics(description: Mapping[str, Any]) -> dict[str, float]:
    """Metric values of a ``DescribeTrainingJob`` answer, by name."""
    listed = description.get("FinalMetricDataList", [])
    return {metric["MetricName"]: float(metric["Value"]) for metric in listed}


def has_all_folds(metrics: Mapping[str, float], folds: int) -> bool:
    return metrics.get(FOLDS_COMPLETED) == folds


def select(
    trial: Trial,
    description: Mapping[str, Any],
    *,
    folds: int,
    metric: str,
    trials_completed: int,
) -> Selection:
    """The file's content for a trial that has all folds.

    Raises ``LambdaError`` if a metric is missing that a trial with all folds always reports: the
    image and this function are then of different versions.
    """
    metrics = final_metrics(description)
    wanted = [ROUNDS, TRAINING_SCORE, SCORE, SCORE_SPREAD]
    wanted += [fold_metric(fold) for fold in range(1, folds + 1)]
    missing = [name for name in wanted if name not in metrics]
    if missing:
        raise LambdaError(
            f"training job {trial.name} completed all {folds} folds but has no final metric "
            f"{', '.join(missing)}: deploy Lambdas and images from the same commit"
        )
    return Selection(
        candidate=trial.candidate.name,
        algorithm=trial.candidate.algorithm,
        hyperparameters=algorithm_hyperparameters(description.get("HyperParameters", {})),
        rounds=round(metrics[ROUNDS]),
        metric=metric,
        score=metrics[SCORE],
        score_std=metrics[SCORE_SPREAD],
        training_score=metrics[TRAINING_SCORE],
        folds=folds,
        fold_scores=tuple(metrics[fold_metric(fold)] for fold in range(1, folds + 1)),
        tuning_job_name=trial.candidate.job_name,
        training_job_name=trial.name,
        trials_completed=trials_completed,
    )


def algorithm_hyperparameters(values: Mapping[str, str]) -> dict[str, str]:
    """Static and tuned values that belong to the algorithm, without JSON quotes."""
    return {
        key: unquote(value)
        for key, value in values.items()
        if not key.startswith(_RESERVED_PREFIXES)
    }


def unquote(value: str) -> str:
    """Undo one level of JSON quoting, which the SageMaker SDK's estimators add to strings."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            inner = json.loads(value)
        except ValueError:
            return value
        return inner if isinstance(inner, str) else value
    return value


def nothing_to_select(
    candidates: Sequence[Candidate], trials: Sequence[Trial], folds: int
) -> NoTrialCompletedError:
    """Why no trial can win, candidate by candidate, short enough for a failure reason."""
    lines = [_outcome(candidate, trials, folds) for candidate in candidates]
    text = f"no trial completed all {folds} folds. " + "; ".join(lines)
    return NoTrialCompletedError(
        text if len(text) <= _SUMMARY_LIMIT else text[: _SUMMARY_LIMIT - 1] + "…"
    )


def _outcome(candidate: Candidate, trials: Sequence[Trial], folds: int) -> str:
    own = [trial for trial in trials if trial.candidate == candidate]
    if not own:
        return f"{candidate.job_name}: no training job"
    counts = Counter(_explain(trial, folds) for trial in own)
    parts = [f"{count} × {text}" for text, count in counts.most_common()]
    return f"{candidate.job_name}: {', '.join(parts)}"


def _explain(trial: Trial, folds: int) -> str:
    if trial.eligible:
        return f"Completed without all {folds} folds"
    if trial.status == "Completed":
        return "Completed without a finite objective"
    reason = " ".join(trial.failure_reason.split())[:_REASON_LIMIT]
    return f"{trial.status} ({reason})" if reason else trial.status
