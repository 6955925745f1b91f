"""Hold-out and folds: fixed by seed and data order, the same on every machine.

- ``stratified``: both classes, or a regression's low and high targets, are spread evenly.
- ``grouped``: whole groups, sizes and classes as even as the groups allow.
- ``time``: the latest rows are held out; the others are cut into ``folds + 1`` blocks in order of
  time, and fold *j* validates block *j* after training on all blocks before it (block 0 is only
  ever trained on). Rows of one moment are never parted.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.tasks import Task
from warmfold_trainer.split_checks import check_classes, check_groups, check_target
from warmfold_trainer.split_groups import deal_groups, hold_out_groups
from warmfold_trainer.split_strata import (
    deal_classes,
    deal_ranks,
    hold_out_classes,
    hold_out_ranks,
)
from warmfold_trainer.split_time import deal_blocks, hold_out_latest

Assignment = Literal["stratified", "grouped", "time"]
ASSIGNMENTS: tuple[Assignment, ...] = get_args(Assignment)

# A row's place among the folds if it is never trained on.
HOLDOUT = -1


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """``holdout_fraction`` of the rows is kept from training; ``folds`` are those of a repeat."""

    folds: int
    holdout_fraction: float
    seed: int
    repeats: int = 1
    assignment: Assignment = "stratified"


@dataclass(frozen=True, kw_only=True)
class SplitRows:
    """What rows are split by: ``group`` is a code a row, ``time`` a finite number."""

    target: NDArray[Any]
    task: Task = "classification"
    group: NDArray[np.intp] | None = None
    time: NDArray[np.float64] | None = None

    def taken(self, rows: NDArray[np.intp]) -> "SplitRows":
        """Some of the rows."""
        return SplitRows(
            target=self.target[rows],
            task=self.task,
            group=None if self.group is None else self.group[rows],
            time=None if self.time is None else self.time[rows],
        )


def assign_folds(rows: SplitRows, plan: SplitPlan) -> NDArray[np.int16]:
    """Per row and repeat: ``HOLDOUT``, or its fold from 1 (by time: its block from 0).

    The hold-out is that of all repeats, and does not depend on the number of folds. Raises
    ``UserError`` for a plan that the rows cannot carry: too few rows, rows of a class, groups or
    moments; a fold or hold-out of one class; a declared group on both sides of a split.
    """
    if rows.task == "regression":
        check_target(rows.target)
    places = np.full((len(rows.target), plan.repeats), HOLDOUT, dtype=np.int16)
    kept = np.ones(len(rows.target), dtype=bool)
    kept[_held_out(rows, plan)] = False
    train = np.flatnonzero(kept)
    for repeat in range(plan.repeats):
        places[train, repeat] = _dealt(rows.taken(train), plan, repeat)
        if rows.task == "classification":
            check_classes(rows.target, places[:, repeat], HOLDOUT)
        if rows.group is not None:
            check_groups(rows.group, places[:, repeat])
    return places


def fold_rows(
    place: NDArray[np.int16], number: int, assignment: Assignment
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Training and validation rows of one fold, out of the training rows' places in a repeat."""
    trains = place < number if assignment == "time" else place != number
    return np.flatnonzero(trains), np.flatnonzero(place == number)


def fold_hash(assignment: NDArray[np.int16]) -> str:
    """Hex SHA-256 of every row's place: two trials with the same hash are comparable."""
    return hashlib.sha256(assignment.astype("<i2").tobytes()).hexdigest()


def _held_out(rows: SplitRows, plan: SplitPlan) -> NDArray[np.intp]:
    if plan.assignment == "time":
        return hold_out_latest(_needed(rows.time, "time"), plan.holdout_fraction)
    if plan.assignment == "grouped":
        group = _needed(rows.group, "group")
        return hold_out_groups(group, rows.target, rows.task, plan.holdout_fraction, plan.seed)
    by = hold_out_classes if rows.task == "classification" else hold_out_ranks
    return by(rows.target, plan.holdout_fraction, plan.seed)


def _dealt(rows: SplitRows, plan: SplitPlan, repeat: int) -> NDArray[np.int16]:
    if plan.assignment == "time":
        return deal_blocks(_needed(rows.time, "time"), plan.folds)
    if plan.assignment == "grouped":
        return deal_groups(
            _needed(rows.group, "group"),
            rows.target,
            rows.task,
            folds=plan.folds,
            seed=plan.seed,
            repeat=repeat,
        )
    by = deal_classes if rows.task == "classification" else deal_ranks
    return by(rows.target, plan.folds, plan.seed, repeat)


def _needed(values: NDArray[Any] | None, name: str) -> NDArray[Any]:
    if values is None:
        raise UserError(
            f"the assignment needs the project's {name} column, but the project declares no "
            f"{name}: add `{name}=...` to it, or use the assignment 'stratified'"
        )
    return values
