"""Fitting any algorithm on the small tables, for both tasks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.tasks import CLASSIFICATION, REGRESSION, Task
from warmfold_trainer.algorithms.protocol import (
    FinalModel,
    FoldModel,
    PreparedTable,
    RoundScore,
    Table,
)
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.metric import find_metric
from warmfold_trainer.settings import read_settings

DATA = feature_set()
ALGORITHMS = ("lightgbm", "xgboost", "linear")
TRAIN, VALIDATION = np.arange(0, 200), np.arange(200, 300)

# A number that the same features explain, far from 0 and on a scale of its own.
NUMBERS = 1000.0 + 50.0 * np.nan_to_num(DATA.features[:, 0]).astype(np.float64)
QUICK = {"max_rounds": "30", "early_stopping_rounds": "5"}


def table(task: Task = CLASSIFICATION, *, numbers: bool | None = None) -> Table:
    """``numbers``: the target is a number; by default where the task is a regression."""
    as_numbers = task == REGRESSION if numbers is None else numbers
    return Table(
        features=DATA.features,
        target=NUMBERS if as_numbers else DATA.target,
        schema=DATA.schema.features,
        task=task,
    )


def prepared(
    name: str, rows: Table, given: Mapping[str, str] | None = None, *, seed: int = 3
) -> PreparedTable:
    quick = {} if name == "linear" else QUICK
    settings = read_settings({**quick, **(given or {})}, name, rows.task)
    return algorithm_named(name).bin(rows, settings, seed=seed).with_settings(settings)


def fold(
    name: str,
    rows: Table,
    metric: str = "auc",
    given: Mapping[str, str] | None = None,
    *,
    seed: int = 3,
) -> FoldModel:
    ready = prepared(name, rows, given, seed=seed)
    return ready.fit_fold(TRAIN, VALIDATION, score_of(rows, metric))


def final(
    name: str,
    rows: Table,
    given: Mapping[str, str] | None = None,
    *,
    rounds: int = 12,
    threads: int = 1,
) -> FinalModel:
    return prepared(name, rows, given).fit_final(rounds, threads=threads)


def score_of(rows: Table, metric: str) -> RoundScore:
    known = find_metric(metric)
    target: Any = rows.target[VALIDATION]
    return RoundScore(
        function=lambda predicted: known.function(target, predicted),
        greater_is_better=known.greater_is_better,
    )
