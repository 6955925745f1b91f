"""Folds that the data cannot carry are refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.containers.trainer.test_splits import plan_of, target_of
from warmfold_contract.errors import UserError
from warmfold_trainer.split_time import deal_blocks
from warmfold_trainer.splits import SplitPlan, SplitRows, assign_folds


def rows_of(**changed: Any) -> SplitRows:
    """Sixty rows, a group for every two, a moment for each."""
    rows = SplitRows(
        target=np.arange(60, dtype=np.uint8) // 2 % 2,
        group=np.arange(60) // 2,
        time=np.arange(60.0),
    )
    return replace(rows, **changed)


NUMBERS = np.arange(60.0)
GROUPED = plan_of(assignment="grouped")
TIME = plan_of(assignment="time")


@pytest.mark.parametrize(
    "rows,plan,fault",
    [
        (
            SplitRows(target=target_of(50, 5)),
            plan_of(folds=5),
            "5 folds need at least 5 rows of each class, but the positive class has 4 left",
        ),
        (
            SplitRows(target=target_of(50, 5)),
            plan_of(holdout_fraction=0.01),
            "leaves no hold-out rows of the positive class, of which there are 5",
        ),
        (
            SplitRows(target=target_of(50, 5)),
            plan_of(holdout_fraction=0.99),
            "leaves only hold-out rows of the negative class",
        ),
        (
            SplitRows(target=NUMBERS[:10], task="regression"),
            plan_of(folds=9),
            "9 folds need at least 9 rows, but 8 are left for training",
        ),
        (
            SplitRows(target=NUMBERS[:10], task="regression"),
            plan_of(holdout_fraction=0.01),
            "leaves no hold-out rows, of which there are 10",
        ),
        (
            SplitRows(target=np.ones(60), task="regression"),
            plan_of(),
            "the target holds one single value",
        ),
        (rows_of(group=None), GROUPED, r"needs the project's group column.*add `group=...`"),
        (rows_of(time=None), TIME, r"needs the project's time column.*add `time=...`"),
        (
            rows_of(group=np.arange(60) // 4 % 4),
            plan_of(folds=5, assignment="grouped"),
            "5 folds need at least 5 groups, but 3 are left for training",
        ),
        (
            rows_of(group=np.zeros(60, dtype=np.intp)),
            GROUPED,
            "takes 0 of 1 groups, which are held out whole",
        ),
        (
            rows_of(target=(np.arange(60) < 2).astype(np.uint8)),
            GROUPED,
            "has only rows of the negative class: both are needed",
        ),
        (
            rows_of(target=(np.arange(60) < 30).astype(np.uint8), group=None),
            TIME,
            "the hold-out has only rows of the negative class|fold 3 has only rows of the negative",
        ),
        (
            rows_of(target=(np.arange(60) * (np.arange(60) > 12) % 2).astype(np.uint8), group=None),
            replace(TIME, folds=4),
            "the first block has only rows of the negative class: both are needed to train",
        ),
        (
            rows_of(),
            plan_of(),
            r"on both sides of a split, first in data rows \d+ and \d+: use .* 'grouped'",
        ),
        (
            rows_of(),
            replace(TIME, folds=4),
            "groups of the project's group column are on both sides of a split",
        ),
        (
            rows_of(group=None, time=np.arange(60) // 20 * 1.0),
            TIME,
            "rows of 2 moments of time cannot be cut into 4 blocks",
        ),
        (
            rows_of(group=None, time=np.zeros(60)),
            TIME,
            "60 rows of 1 moments of time cannot be cut into 2 blocks",
        ),
        (rows_of(group=None), replace(TIME, holdout_fraction=0.001), "leaves no hold-out rows"),
    ],
)
def test_a_plan_that_the_rows_cannot_carry_is_refused(
    rows: SplitRows, plan: SplitPlan, fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        assign_folds(rows, plan)


def test_a_moment_of_many_rows_leaves_each_block_a_moment() -> None:
    """All cuts are nearest to the end of the same moment."""
    time = np.array([1.0, 2.0, *[3.0] * 10])
    assert deal_blocks(time, 2).tolist() == [0, 1, *[2] * 10]
    assert deal_blocks(-time, 2).tolist() == [2, 1, *[0] * 10]


def test_groups_of_one_row_each_may_be_stratified_or_ordered_by_time() -> None:
    rows = rows_of(group=np.arange(60))
    for plan in (plan_of(), TIME):
        alone = replace(rows, group=None)
        np.testing.assert_array_equal(assign_folds(rows, plan), assign_folds(alone, plan))
