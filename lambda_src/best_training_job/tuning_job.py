"""A candidate that was tuned by automatic model tuning: each trial is a training job."""

import json
from collections.abc import Mapping
from typing import Any

from best_training_job.aws import Jobs
from best_training_job.logic import (
    Candidate,
    Direction,
    Outcome,
    Trial,
    Winner,
    best_first,
    output_uri,
)
from warmfold_lambda.errors import LambdaError

FOLDS_COMPLETED = "training:folds_completed"
ROUNDS = "training:rounds"
TRAINING_SCORE = "training:score"
SCORE = "validation:score"
SCORE_SPREAD = "validation:score_std"

# Left by a trial in its model folder; it says on which folds the scores were made.
CROSS_VALIDATION_FILE = "cross_validation.json"

# How a trial says that its folds are jobs of their own.
_STRATEGY = "warmfold_cv_strategy"
_FAN_OUT = "fan_out"

# Keys of the hyperparameter map that are not the algorithm's: SageMaker's own and the platform's.
_RESERVED_PREFIXES = ("_tuning_", "sagemaker_", "warmfold_")


def outcome(candidate: Candidate, jobs: Jobs, *, folds: int, direction: Direction) -> Outcome:
    """Describes trials best first until one has all folds: one call when nothing was raced."""
    trials = list(jobs.trials_of(candidate))
    for trial in best_first(trials, direction):
        description = jobs.describe(trial.name)
        metrics = final_metrics(description)
        if metrics.get(FOLDS_COMPLETED) == folds:
            fold_hash = jobs.document(description, CROSS_VALIDATION_FILE).get("fold_hash")
            won = winner(trial, description, folds=folds, fold_hash=str(fold_hash))
            strategy = unquote(description.get("HyperParameters", {}).get(_STRATEGY, ""))
            fold_jobs = jobs.folds_of(candidate) if strategy == _FAN_OUT else []
            return Outcome(candidate=candidate, trials=trials, winner=won, folds=fold_jobs)
    return Outcome(candidate=candidate, trials=trials, winner=None)


def fold_metric(fold: int) -> str:
    """Name of one fold's validation score; folds count from 1."""
    return f"validation:fold_{fold}_score"


def final_metrics(description: Mapping[str, Any]) -> dict[str, float]:
    """Metric values of a ``DescribeTrainingJob`` answer, by name."""
    listed = description.get("FinalMetricDataList", [])
    return {metric["MetricName"]: float(metric["Value"]) for metric in listed}


def winner(trial: Trial, description: Mapping[str, Any], *, folds: int, fold_hash: str) -> Winner:
    """A trial that has all folds.

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
    return Winner(
        trial=trial,
        training_job_name=trial.name,
        output_uri=output_uri(description),
        hyperparameters=algorithm_hyperparameters(description.get("HyperParameters", {})),
        rounds=round(metrics[ROUNDS]),
        score_std=metrics[SCORE_SPREAD],
        training_score=metrics[TRAINING_SCORE],
        fold_scores=tuple(metrics[fold_metric(fold)] for fold in range(1, folds + 1)),
        fold_hash=fold_hash,
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
