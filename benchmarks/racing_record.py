"""Trains whole searches, all folds of all trials, and keeps what a race would have seen.

``python -m benchmarks.racing_record FOLDER [TABLE ...]`` writes one file a table (each takes
minutes); ``benchmarks.racing_replay`` then plays racing rules on them without training anything.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray

from benchmarks.credit_data import credit_data, feature_set, schema
from benchmarks.loans_data import loans
from warmfold_trainer.algorithms.lightgbm_trees import LightGbmTrees
from warmfold_trainer.algorithms.protocol import FoldModel
from warmfold_trainer.cores import available_cores
from warmfold_trainer.cross_validation import TrialData, combined, fit_fold, trial_data
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.metric import find_metric
from warmfold_trainer.settings import read_settings

TRIALS = 40
FOLDS = 5
MAX_ROUNDS = 400


@dataclass(frozen=True, kw_only=True)
class Search:
    """``sampler``: "random" trials may be replayed in any order, those of "tpe" only in theirs."""

    data: Callable[[], FeatureSet]
    sampler: str
    seed: int


def _credit(rows: int, seed: int) -> FeatureSet:
    return feature_set(credit_data(rows, seed), schema(), folds=FOLDS, seed=seed)


def _loans() -> FeatureSet:
    data, description = loans()
    return feature_set(data, description, folds=FOLDS)


TABLES = {
    "credit_10k_random_0": Search(data=lambda: _credit(10_000, 0), sampler="random", seed=0),
    "credit_10k_random_1": Search(data=lambda: _credit(10_000, 1), sampler="random", seed=1),
    "credit_10k_tpe_0": Search(data=lambda: _credit(10_000, 0), sampler="tpe", seed=0),
    "loans_random_0": Search(data=_loans, sampler="random", seed=0),
    "loans_tpe_0": Search(data=_loans, sampler="tpe", seed=0),
    "credit_50k_tpe_0": Search(data=lambda: _credit(50_000, 0), sampler="tpe", seed=0),
    "credit_50k_random_0": Search(data=lambda: _credit(50_000, 0), sampler="random", seed=0),
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Per trial (t) and fold (f), in the order in which they were trained.

    ``provisional`` is (t, f) a fold's own best score, ``final`` (t, f) that at the trial's common
    rounds, ``seconds`` (t, f) CPU time.
    """

    provisional: NDArray[np.float64]
    final: NDArray[np.float64]
    seconds: NDArray[np.float64]

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> "Table":
        with np.load(path) as arrays:
            return cls(**{name: arrays[name] for name in cls.__annotations__})


def record(search: Search) -> Table:
    """Two folds at a time on two cores, one thread each; CPU seconds are the thread's own."""
    given = {"max_rounds": str(MAX_ROUNDS)}
    table = trial_data(
        LightGbmTrees(),
        search.data(),
        read_settings(given, "lightgbm", "classification"),
        seed=search.seed,
        task="classification",
        keep_folds=True,
    )
    rows: list[dict[str, NDArray[np.float64]]] = []

    def objective(trial: optuna.Trial) -> float:
        rows.append(_trial(table, {**given, **sampled(trial)}))
        return float(rows[-1]["final"].mean())

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=_sampler(search))
    study.optimize(objective, n_trials=TRIALS)
    stacked = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return Table(**stacked)


def sampled(trial: optuna.Trial) -> dict[str, str]:
    """One point of the search space."""
    return {
        "learning_rate": f"{trial.suggest_float('learning_rate', 0.01, 0.3, log=True):.6g}",
        "num_leaves": str(trial.suggest_int("num_leaves", 4, 127, log=True)),
        "min_data_in_leaf": str(trial.suggest_int("min_data_in_leaf", 5, 200, log=True)),
        "feature_fraction": f"{trial.suggest_float('feature_fraction', 0.3, 1.0):.6g}",
        "bagging_fraction": f"{trial.suggest_float('bagging_fraction', 0.5, 1.0):.6g}",
        "lambda_l2": f"{trial.suggest_float('lambda_l2', 1e-3, 30, log=True):.6g}",
    }


def _sampler(search: Search) -> optuna.samplers.BaseSampler:
    if search.sampler == "random":
        return optuna.samplers.RandomSampler(seed=search.seed)
    return optuna.samplers.TPESampler(seed=search.seed)


def _trial(table: TrialData, given: dict[str, str]) -> dict[str, NDArray[np.float64]]:
    settings = read_settings(given, "lightgbm", "classification")
    metric = find_metric("auc")

    def fold(number: int) -> tuple[FoldModel, float]:
        begun = time.thread_time()
        model = fit_fold(table, settings, metric, number, threads=1)
        return model, time.thread_time() - begun

    with ThreadPoolExecutor(available_cores()) as threads:
        done = list(threads.map(fold, range(1, FOLDS + 1)))
    models = [model for model, _ in done]
    result = combined(table.data, models, metric, workers=available_cores())
    return {
        "provisional": np.array(result.provisional_scores),
        "final": np.array(result.fold_scores),
        "seconds": np.array([seconds for _, seconds in done]),
    }


def main(folder: str, *names: str) -> int:
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name in names or TABLES:
        begun = time.perf_counter()
        table = record(TABLES[name])
        table.save(target / f"{name}.npz")
        print(
            f"{name}: {table.seconds.sum():.0f} CPU s in {time.perf_counter() - begun:.0f} s, "
            f"best {table.final.mean(axis=1).max():.5f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
