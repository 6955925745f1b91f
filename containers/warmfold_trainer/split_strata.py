"""Stratified splits: by class, or by the rank of a regression's target."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_trainer.shuffling import HOLDOUT_STREAM, fold_stream, random_numbers, shuffled

Rows = NDArray[np.intp]


def hold_out_classes(target: NDArray[np.uint8], fraction: float, seed: int) -> Rows:
    """The rounded share of each class's rows; raises ``UserError`` for none or all of them."""
    held_out = []
    for label in (0, 1):
        rows = shuffled(np.flatnonzero(target == label), (seed, HOLDOUT_STREAM, label))
        count = _rounded_share(len(rows), fraction, f"rows of the {_class_name(label)} class")
        held_out.append(rows[:count])
    return np.concatenate(held_out)


def deal_classes(
    target: NDArray[np.uint8], folds: int, seed: int, repeat: int
) -> NDArray[np.int16]:
    """Per row its fold, 1 to ``folds``; each class's fold sizes differ by at most 1.

    Raises ``UserError`` for a class with fewer rows than folds.
    """
    fold = np.empty(len(target), dtype=np.int16)
    dealt = 0
    for label in (0, 1):
        rows = shuffled(np.flatnonzero(target == label), fold_stream(seed, repeat, label))
        if len(rows) < folds:
            raise UserError(
                f"{folds} folds need at least {folds} rows of each class, but the "
                f"{_class_name(label)} class has {len(rows)} left for training: use fewer folds "
                "or add data"
            )
        # The second class goes on dealing where the first stopped: fold totals are even, too.
        fold[rows] = (dealt + np.arange(len(rows))) % folds + 1
        dealt += len(rows)
    return fold


def hold_out_ranks(target: NDArray[np.float64], fraction: float, seed: int) -> Rows:
    """One random row out of each of as many equal ranges of rank as rows are to be held out."""
    count = _rounded_share(len(target), fraction, "rows")
    order = _by_rank(target, (seed, HOLDOUT_STREAM))
    bounds = np.arange(count + 1) * len(target) // count
    picks = random_numbers(count, (seed, HOLDOUT_STREAM, 1)) % np.diff(bounds).astype(np.uint64)
    return order[bounds[:-1] + picks.astype(np.intp)]


def deal_ranks(
    target: NDArray[np.float64], folds: int, seed: int, repeat: int
) -> NDArray[np.int16]:
    """Per row its fold, 1 to ``folds``: of each ``folds`` neighbours in rank one goes to each.

    Raises ``UserError`` for fewer rows than folds.
    """
    rows = len(target)
    if rows < folds:
        raise UserError(
            f"{folds} folds need at least {folds} rows, but {rows} are left for training: use "
            "fewer folds or add data"
        )
    order = _by_rank(target, fold_stream(seed, repeat, 0))
    noise = random_numbers(rows, fold_stream(seed, repeat, 1))
    within = np.lexsort((noise, np.arange(rows) // folds))
    fold = np.empty(rows, dtype=np.int16)
    fold[order[within]] = np.arange(rows) % folds + 1
    return fold


def _by_rank(target: NDArray[Any], stream: tuple[int, ...]) -> Rows:
    """Rows in order of the target, equal ones in random order."""
    return np.lexsort((random_numbers(len(target), stream), target))


def _rounded_share(rows: int, fraction: float, what: str) -> int:
    count = int(rows * fraction + 0.5)
    if count in (0, rows):
        raise UserError(
            f"a hold-out fraction of {fraction} leaves {'no' if count == 0 else 'only'} hold-out "
            f"{what}, of which there are {rows}: change the fraction or add data"
        )
    return count


def _class_name(label: int) -> str:
    return "positive" if label else "negative"
