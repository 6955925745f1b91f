"""A candidate that was searched inside one training job: its trials are rows of a file."""

from collections.abc import Mapping
from datetime import datetime
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

# Written by the trainer image (`warmfold_contract.trials`; a test holds the two together).
TRIALS_FILE = "trials.json"
FORMAT = 1


def outcome(
    candidate: Candidate, jobs: Jobs, *, folds: int, metric: str, direction: Direction
) -> Outcome:
    """Raises ``LambdaError`` if the job did not complete, or searched by other folds or another
    metric than the execution's."""
    description = jobs.describe(candidate.job_name)
    status = description["TrainingJobStatus"]
    if status != "Completed":
        reason = " ".join(str(description.get("FailureReason", "")).split())
        raise LambdaError(f"search job {candidate.job_name} is {status}, not Completed. {reason}")
    values = jobs.document(description, TRIALS_FILE)
    _check(values, candidate, {"format": FORMAT, "folds": folds, "metric": metric})
    try:
        rows = {_trial(candidate, row, folds): row for row in values["trials"]}
        ranked = best_first(rows, direction)
        won = None
        if ranked:
            place = output_uri(description)
            won = _winner(ranked[0], rows[ranked[0]], values["fold_hash"], place)
    except (KeyError, TypeError, ValueError) as error:
        raise LambdaError(
            f"{TRIALS_FILE} of {candidate.job_name} is incomplete ({type(error).__name__}: "
            f"{error}): deploy Lambdas and images from the same commit"
        ) from error
    return Outcome(candidate=candidate, trials=list(rows), winner=won)


def _check(values: Mapping[str, Any], candidate: Candidate, expected: Mapping[str, Any]) -> None:
    for name, value in expected.items():
        if values.get(name) != value:
            raise LambdaError(
                f"{TRIALS_FILE} of {candidate.job_name} has {name} {values.get(name)!r}, not "
                f"{value!r}: all candidates of an execution must be compared alike"
            )


def _trial(candidate: Candidate, row: Mapping[str, Any], folds: int) -> Trial:
    score = row["score"]
    return Trial(
        candidate=candidate,
        name=row["name"],
        status=row["status"],
        created=datetime.fromisoformat(row["started"]),
        objective=None if score is None else float(score),
        all_folds=row["folds_completed"] == folds == len(row["fold_scores"]),
        failure_reason=row["reason"],
    )


def _winner(trial: Trial, row: Mapping[str, Any], fold_hash: str, place: str) -> Winner:
    return Winner(
        trial=trial,
        training_job_name=trial.candidate.job_name,
        output_uri=place,
        hyperparameters={key: str(value) for key, value in row["hyperparameters"].items()},
        rounds=int(row["rounds"]),
        score_std=float(row["score_std"]),
        training_score=float(row["training_score"]),
        fold_scores=tuple(float(score) for score in row["fold_scores"]),
        fold_hash=fold_hash,
    )
