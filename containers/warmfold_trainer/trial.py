"""One trial: cross-validate one hyperparameter set and report it, the objective last."""

import json
import logging
import os
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from warmfold_contract import metrics
from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import (
    CV_FAN_OUT,
    CV_IN_JOB,
    CV_STRATEGY,
    INCUMBENTS_URI,
    RACING,
    RACING_OFF,
    encode,
)
from warmfold_contract.paths import Paths
from warmfold_contract.settings import NumberSetting, Settings
from warmfold_trainer.candidate import Candidate, read_candidate
from warmfold_trainer.cores import available_cores
from warmfold_trainer.cross_validation import CrossValidation, cross_validate, trial_data
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.metric import Metric
from warmfold_trainer.metric_log import print_metrics
from warmfold_trainer.out_of_fold import write_out_of_fold
from warmfold_trainer.racing import FinishedTrial, PairedRace, Race, RacedOut
from warmfold_trainer.scores import ScoreError
from warmfold_trainer.settings import required

if TYPE_CHECKING:
    from warmfold_trainer.incumbent_store import IncumbentStore

LOGGER = logging.getLogger(__name__)

CROSS_VALIDATION_FILE = "cross_validation.json"

# Set by SageMaker in every training container.
TRAINING_JOB_NAME = "TRAINING_JOB_NAME"

Z = NumberSetting(name=RACING, minimum=0, maximum=10)


def run_trial(paths: Paths, given: Mapping[str, str]) -> None:
    """Raises ``UserError``. Files are written when all folds are done, then the metrics.

    A trial that its race stops is no failure: it reports a score worse than the best trial's,
    and how many folds it has, by which it is known to be incomplete; it leaves no files.
    """
    candidate = read_candidate(given)
    settings = candidate.settings()
    z = racing_z(required(given, RACING, "the hyperparameter"))
    data = candidate.data(paths)
    incumbents = None if z is None else _incumbents(given, candidate, data)
    race = _race(incumbents, z, candidate.metric)
    try:
        result = _cross_validated(paths, given, candidate, settings, data, race)
    except ScoreError as error:
        raise UserError(
            f"the trial has no finite score ({error}); its hyperparameters do not suit the data"
        ) from error
    if isinstance(result, RacedOut):
        lines = raced_lines(result)
        LOGGER.info("%s", result.reason)
    else:
        lines = closing_lines(result)
        write_results(paths, data, result, summary(candidate, settings))
    # All is done and written: a stop that arrives now no longer makes this trial a failed one.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print_metrics(lines)
    if incumbents is not None and isinstance(result, CrossValidation):
        incumbents.add(finished_trial(result))


def racing_z(text: str) -> float | None:
    """``None``: racing is off. Raises ``UserError`` for anything else but a number."""
    return None if text == RACING_OFF else Z.parse(text)


def finished_trial(result: CrossValidation) -> FinishedTrial:
    """What other trials race against."""
    return FinishedTrial(provisional_scores=result.provisional_scores, score=result.score)


def closing_lines(result: CrossValidation) -> list[str]:
    """Metric lines in their promised order, the objective last.

    SageMaker keeps a metric's last value: the folds' scores, provisional until now, are repeated.
    Raises ``ValueError`` for a value that is not finite, before anything is printed.
    """
    folds = [
        (metrics.fold_metric(number), score)
        for number, score in enumerate(result.fold_scores, start=1)
    ]
    values = [
        *folds,
        (metrics.ROUNDS, result.rounds),
        (metrics.FOLDS_COMPLETED, len(folds)),
        (metrics.TRAINING_SCORE, result.training_score),
        (metrics.SCORE_SPREAD, result.score_std),
        (metrics.OBJECTIVE, result.score),
    ]
    return [metrics.format_metric(name, value) for name, value in values]


def raced_lines(result: RacedOut) -> list[str]:
    """Metric lines of a trial that was stopped; its folds' scores are already reported."""
    return [
        metrics.format_metric(metrics.FOLDS_COMPLETED, len(result.fold_scores)),
        metrics.format_metric(metrics.OBJECTIVE, result.score),
    ]


def write_results(
    paths: Paths, data: FeatureSet, result: CrossValidation, summary: Mapping[str, Any]
) -> None:
    """Scores to the model folder, out-of-fold scores to the output; ``summary`` says of what."""
    values = {
        **summary,
        "format": 1,
        "score": result.score,
        "score_std": result.score_std,
        "training_score": result.training_score,
        "fold_scores": result.fold_scores,
        "fold_training_scores": result.fold_training_scores,
        "rounds": result.rounds,
        "fold_best_rounds": result.fold_best_rounds,
        "data_fingerprint": data.data_fingerprint,
        "fold_hash": data.fold_hash,
    }
    text = json.dumps(values, indent=2, sort_keys=True) + "\n"
    write_out_of_fold(paths.output_data, data, result.out_of_fold)
    paths.model.mkdir(parents=True, exist_ok=True)
    (paths.model / CROSS_VALIDATION_FILE).write_text(text, encoding="utf-8", newline="\n")


def summary(candidate: Candidate, settings: Settings) -> dict[str, Any]:
    """What was cross-validated."""
    return {
        "algorithm": candidate.algorithm.name,
        "task": candidate.task,
        "feature_set": candidate.feature_set,
        "metric": candidate.metric.name,
        "seed": candidate.seed,
        "hyperparameters": encode(settings),
    }


def _cross_validated(
    paths: Paths,
    given: Mapping[str, str],
    candidate: Candidate,
    settings: Settings,
    data: FeatureSet,
    race: Race | None,
) -> CrossValidation | RacedOut:
    strategy = required(given, CV_STRATEGY, "the hyperparameter")
    if strategy == CV_FAN_OUT:
        # It may call AWS; a trial that trains its own folds never loads it.
        from warmfold_trainer.fan_out.run import cross_validate_by_jobs

        return cross_validate_by_jobs(
            paths, given, data, candidate.metric, on_fold=report_fold, race=race
        )
    if strategy != CV_IN_JOB:
        raise UserError(f"{CV_STRATEGY} is {strategy!r}: use {CV_IN_JOB!r} or {CV_FAN_OUT!r}")
    LOGGER.info(
        "cross-validating %d rows in %d folds on %d cores", data.rows, data.folds, available_cores()
    )
    trial = trial_data(
        candidate.algorithm, data, settings, seed=candidate.seed, task=candidate.task
    )
    return cross_validate(trial, settings, candidate.metric, on_fold=report_fold, race=race)


def report_fold(fold: int, score: float) -> None:
    """A fold's provisional score, as soon as it is known."""
    print_metrics(
        [
            metrics.format_metric(metrics.fold_metric(fold), score),
            metrics.format_metric(metrics.FOLDS_COMPLETED, fold),
        ]
    )


def _race(
    incumbents: "IncumbentStore | None", z: float | None, metric: Metric
) -> PairedRace | None:
    if incumbents is None or z is None:
        return None
    return PairedRace(incumbents, z=z, greater_is_better=metric.greater_is_better)


def _incumbents(
    given: Mapping[str, str], candidate: Candidate, data: FeatureSet
) -> "IncumbentStore":
    # boto3 takes a quarter of a second to import: only a trial that races has it.
    from warmfold_trainer.incumbent_store import IncumbentStore

    return IncumbentStore(
        uri=required(given, INCUMBENTS_URI, "the hyperparameter"),
        training_job=required(os.environ, TRAINING_JOB_NAME, "the environment variable"),
        comparable={
            "metric": candidate.metric.name,
            "fold_hash": data.fold_hash,
            "data_fingerprint": data.data_fingerprint,
        },
    )
