"""What must hold of any split, however it was made."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError

Places = NDArray[np.int16]


def check_classes(target: NDArray[np.uint8], place: Places, holdout: int) -> None:
    """Both classes in the hold-out and in every fold of a repeat, or ``UserError``.

    The rows that a fold trains on hold every fold before it in time, or all others.
    """
    for number in np.unique(place).tolist():
        labels = np.unique(target[place == number])
        if len(labels) < 2:
            name = "positive" if labels[0] == 1 else "negative"
            # Block 0 of time-ordered folds is only ever trained on.
            where = {holdout: "the hold-out", 0: "the first block"}.get(number, f"fold {number}")
            raise UserError(
                f"{where} has only rows of the {name} class: both are needed to train and score; "
                "use fewer folds or another assignment, change the hold-out fraction, or add data"
            )


def check_groups(group: NDArray[np.intp], place: Places) -> None:
    """No group in two places, or ``UserError`` naming the first data row of one that is."""
    _, first_row, group = np.unique(group, return_index=True, return_inverse=True)
    elsewhere = place != place[first_row][group]
    if elsewhere.any():
        groups = len(np.unique(group[elsewhere]))
        row = int(np.flatnonzero(elsewhere)[0])
        raise UserError(
            f"{groups} groups of the project's group column are on both sides of a split, first "
            f"in data rows {first_row[group[row]] + 1} and {row + 1}: use the assignment "
            "'grouped', or declare no group"
        )


def check_target(target: NDArray[Any]) -> None:
    """A regression's target varies, or ``UserError``."""
    if target.min() == target.max():
        raise UserError("the target holds one single value: there is nothing to learn from it")
