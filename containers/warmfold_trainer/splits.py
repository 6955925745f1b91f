"""Hold-out and folds: stratified, fixed by seed and data order, the same on every machine.

Random order comes from PCG64's raw output, whose stream numpy keeps stable between versions (the
methods of ``numpy.random.Generator`` may change).
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError

HOLDOUT = 0

# Different streams of one seed for different purposes.
_HOLDOUT_STREAM = 1
_FOLD_STREAM = 2


def assign_folds(
    target: NDArray[np.uint8], *, folds: int, holdout_fraction: float, seed: int
) -> NDArray[np.int16]:
    """Per row: ``HOLDOUT`` or its fold, 1 to ``folds``.

    Each class's share of the hold-out is its rounded fraction of rows, and its fold sizes differ
    by at most 1. Raises ``UserError`` if a class would be missing from hold-out or a fold.
    """
    assignment = np.zeros(len(target), dtype=np.int16)
    dealt = 0
    for label in (0, 1):
        rows = _shuffled(np.flatnonzero(target == label), seed, _HOLDOUT_STREAM, label)
        held_out = int(len(rows) * holdout_fraction + 0.5)
        _check_class(label, len(rows), held_out, folds, holdout_fraction)
        train = _shuffled(np.sort(rows[held_out:]), seed, _FOLD_STREAM, label)
        # The second class goes on dealing where the first stopped: fold totals are even, too.
        assignment[train] = (dealt + np.arange(len(train))) % folds + 1
        dealt += len(train)
    return assignment


def fold_hash(assignment: NDArray[np.int16]) -> str:
    """Hex SHA-256 of every row's place: two trials with the same hash are comparable."""
    return hashlib.sha256(assignment.astype("<i2").tobytes()).hexdigest()


def _shuffled(rows: NDArray[np.intp], seed: int, stream: int, label: int) -> NDArray[np.intp]:
    bits = np.random.PCG64(np.random.SeedSequence([seed, stream, label]))
    return rows[np.argsort(bits.random_raw(len(rows)), kind="stable")]


def _check_class(label: int, rows: int, held_out: int, folds: int, fraction: float) -> None:
    name = "positive" if label else "negative"
    if held_out == 0 or held_out == rows:
        raise UserError(
            f"a hold-out fraction of {fraction} leaves {'no' if held_out == 0 else 'only'} "
            f"hold-out rows of the {name} class, which has {rows}: change the fraction or add data"
        )
    if rows - held_out < folds:
        raise UserError(
            f"{folds} folds need at least {folds} rows of each class, but the {name} class has "
            f"{rows - held_out} left for training ({rows} less {held_out} held out): use fewer "
            "folds or add data"
        )
