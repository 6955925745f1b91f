"""One trial: cross-validate one hyperparameter set and report it, the objective last."""

import json
import logging
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from warmfold_contract import metrics
from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import ALGORITHM, METRIC, PLATFORM_KEYS, encode
from warmfold_contract.hyperparameters import SEED as SEED_KEY
from warmfold_contract.paths import TRAIN_CHANNEL, Paths
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.cross_validation import CrossValidation, available_cores, cross_validate
from warmfold_trainer.feature_set import FeatureSet, read_feature_set
from warmfold_trainer.scores import ScoreError, metric_named
from warmfold_trainer.settings import SEED, read_settings, required

LOGGER = logging.getLogger(__name__)

CROSS_VALIDATION_FILE = "cross_validation.json"
OUT_OF_FOLD_FILE = "out_of_fold.csv"


def run_trial(paths: Paths, given: Mapping[str, str]) -> None:
    """Raises ``UserError``. Files are written when all folds are done, then the metrics."""
    metric = metric_named(required(given, METRIC, "the hyperparameter"))
    seed = int(SEED.parse(required(given, SEED_KEY, "the hyperparameter")))
    algorithm = algorithm_named(required(given, ALGORITHM, "the hyperparameter"))
    own = {name: value for name, value in given.items() if name not in PLATFORM_KEYS}
    settings = read_settings(own, algorithm.hyperparameters, owner=algorithm.name)
    data = read_feature_set(paths.channel(TRAIN_CHANNEL), with_folds=True)
    LOGGER.info(
        "cross-validating %d rows in %d folds on %d cores", data.rows, data.folds, available_cores()
    )
    try:
        result = cross_validate(algorithm, data, settings, metric, seed=seed, on_fold=_report_fold)
    except ScoreError as error:
        raise UserError(
            f"the trial has no finite score ({error}); its hyperparameters do not suit the data"
        ) from error
    lines = closing_lines(result)
    _write_results(
        paths,
        data,
        result,
        {
            "algorithm": algorithm.name,
            "metric": metric.name,
            "seed": seed,
            "hyperparameters": encode(settings),
        },
    )
    # All is done and written: a stop that arrives now no longer makes this trial a failed one.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _print(lines)


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


def _report_fold(fold: int, score: float) -> None:
    _print(
        [
            metrics.format_metric(metrics.fold_metric(fold), score),
            metrics.format_metric(metrics.FOLDS_COMPLETED, fold),
        ]
    )


def _print(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _write_results(
    paths: Paths, data: FeatureSet, result: CrossValidation, trial: Mapping[str, Any]
) -> None:
    summary = {
        **trial,
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
    text = json.dumps(summary, indent=2, sort_keys=True) + "\n"
    _write(paths.output_data / OUT_OF_FOLD_FILE, _out_of_fold_csv(data, result))
    _write(paths.model / CROSS_VALIDATION_FILE, text)


def _out_of_fold_csv(data: FeatureSet, result: CrossValidation) -> str:
    fold = np.zeros(data.rows, dtype=np.int16) if data.fold is None else data.fold
    rows = zip(data.row_id.tolist(), fold.tolist(), result.out_of_fold.tolist(), strict=True)
    lines = (f"{row_id},{number},{score:.9g}\n" for row_id, number, score in rows)
    return "row_id,fold,score\n" + "".join(lines)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
