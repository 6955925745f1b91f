"""Grouped splits: whole groups, dealt greedily so that sizes and classes come out even."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.tasks import Task
from warmfold_trainer.shuffling import HOLDOUT_STREAM, fold_stream, random_numbers

# Per group what is to be balanced: its rows, and in a classification its rows of each class.
# Integers, so that every machine finds the same minima.
_Counts = NDArray[np.int64]


def hold_out_groups(
    group: NDArray[np.intp], target: NDArray[Any], task: Task, fraction: float, seed: int
) -> NDArray[np.intp]:
    """Rows of whole groups, about ``fraction`` of all; raises ``UserError`` for none or all."""
    group = np.unique(group, return_inverse=True)[1]
    counts = _counts(group, target, task)
    weights = _weights(counts).tolist()
    held = [0] * len(weights)
    seen = [0] * len(weights)
    chosen = []
    for number in _large_first(counts, (seed, HOLDOUT_STREAM)).tolist():
        sizes = counts[number].tolist()
        seen = [before + size for before, size in zip(seen, sizes, strict=True)]
        change = 0.0
        for weight, size, have, all_seen in zip(weights, sizes, held, seen, strict=True):
            change += weight * size * (2 * (have - fraction * all_seen) + size)
        if change < 0:
            chosen.append(number)
            held = [before + size for before, size in zip(held, sizes, strict=True)]
    if len(chosen) in (0, len(counts)):
        raise UserError(
            f"a hold-out fraction of {fraction} takes {len(chosen)} of {len(counts)} groups, "
            "which are held out whole: change the fraction or add groups"
        )
    return np.flatnonzero(np.isin(group, chosen))


def deal_groups(
    group: NDArray[np.intp],
    target: NDArray[Any],
    task: Task,
    *,
    folds: int,
    seed: int,
    repeat: int,
) -> NDArray[np.int16]:
    """Per row its group's fold, 1 to ``folds``; raises ``UserError`` for fewer groups than folds.

    Each group goes where it adds least to the unevenness: fold sizes differ by about the largest
    group at most.
    """
    known, group = np.unique(group, return_inverse=True)
    if len(known) < folds:
        raise UserError(
            f"{folds} folds need at least {folds} groups, but {len(known)} are left for training: "
            "use fewer folds or add groups"
        )
    counts = _counts(group, target, task)
    weighted = counts * _weights(counts)
    loads = np.zeros((folds, counts.shape[1]), dtype=np.int64)
    fold = np.empty(len(counts), dtype=np.int16)
    for number in _large_first(counts, fold_stream(seed, repeat, 0)).tolist():
        lightest = int((loads @ weighted[number]).argmin())
        loads[lightest] += counts[number]
        fold[number] = lightest + 1
    return fold[group]


def _counts(group: NDArray[np.intp], target: NDArray[Any], task: Task) -> _Counts:
    sizes = np.bincount(group)
    if task == "regression":
        return sizes[:, np.newaxis].astype(np.int64)
    positive = np.bincount(group[target == 1], minlength=len(sizes))
    return np.stack([sizes, positive, sizes - positive], axis=1).astype(np.int64)


def _weights(counts: _Counts) -> _Counts:
    """A rare class's rows count as much as all of a common one's; squared, as in a variance."""
    totals = np.maximum(counts.sum(axis=0), 1)
    weights: _Counts = totals.max() ** 2 // totals**2
    return weights


def _large_first(counts: _Counts, stream: tuple[int, ...]) -> NDArray[np.intp]:
    """Groups by the power of two of their rows, the largest first, random within one power."""
    power = np.frexp(counts[:, 0].astype(np.float64))[1]
    return np.lexsort((random_numbers(len(counts), stream), -power))
