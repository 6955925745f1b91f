"""``python -m benchmarks.plan_constants``: what ``warmfold plan`` estimates a trial's time with.

CPU seconds of one trial of each algorithm with its default hyperparameters, at two sizes of the
credit-like data, as JSON: from the two follow the time of a round that does not depend on the data
and the time for each value (rows x features). CPU time, because it does not depend on how many
cores there are, and little on what else runs.
"""

import json
import statistics
import sys
import time

from benchmarks.credit_data import credit_data, feature_set, schema
from warmfold_contract.algorithms import HYPERPARAMETERS
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.cross_validation import cross_validate, trial_data
from warmfold_trainer.metric import find_metric
from warmfold_trainer.settings import read_settings

ROWS = (10_000, 50_000)
FOLDS = 5
ROUNDS = 100
REPEATS = 3


def main() -> int:
    print(json.dumps({name: measured(name) for name in HYPERPARAMETERS}, indent=2))
    return 0


def measured(algorithm: str) -> dict[str, float]:
    """``seconds_per_round`` and ``seconds_per_value``, of one round of one fold."""
    small, large = (fold_round_seconds(algorithm, rows) for rows in ROWS)
    values = [training_values(rows) for rows in ROWS]
    per_value = (large - small) / (values[1] - values[0])
    return {
        "seconds_per_round": max(small - per_value * values[0], 0.0),
        "seconds_per_value": per_value,
        **{
            f"trial_cpu_seconds_{r}": s * rounds(algorithm) * FOLDS
            for r, s in zip(ROWS, (small, large), strict=True)
        },
    }


def rounds(algorithm: str) -> int:
    return 1 if algorithm == "linear" else ROUNDS


def training_values(rows: int) -> float:
    """Rows that a fold trains on, times features."""
    return rows * (FOLDS - 1) / FOLDS * len(schema().features)


def fold_round_seconds(algorithm: str, rows: int) -> float:
    """CPU seconds of a trial, binning included, by folds and rounds: median of a few."""
    data = feature_set(credit_data(rows), schema(), folds=FOLDS)
    given = (
        {}
        if algorithm == "linear"
        else {"max_rounds": f"{ROUNDS}", "early_stopping_rounds": f"{ROUNDS}"}
    )
    settings = read_settings(given, algorithm, "classification")
    known = algorithm_named(algorithm)
    found = []
    for _ in range(REPEATS):
        begun = time.process_time()
        trial = trial_data(known, data, settings, seed=1, task="classification")
        cross_validate(trial, settings, find_metric("auc"), on_fold=lambda _fold, _score: None)
        found.append(time.process_time() - begun)
    return statistics.median(found) / FOLDS / rounds(algorithm)


if __name__ == "__main__":
    sys.exit(main())
