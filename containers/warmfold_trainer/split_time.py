"""Splits in order of time: cuts between moments, never within one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError


def hold_out_latest(time: NDArray[np.float64], fraction: float) -> NDArray[np.intp]:
    """The latest rows, as near to ``fraction`` of them as whole moments allow.

    Raises ``UserError`` if all rows have one moment, or the fraction rounds to no row or to all.
    """
    held_out = int(len(time) * fraction + 0.5)
    if held_out in (0, len(time)):
        raise UserError(
            f"a hold-out fraction of {fraction} leaves {'no' if held_out == 0 else 'only'} "
            f"hold-out rows of {len(time)}: change the fraction or add data"
        )
    (last,) = _last_moments(time, [len(time) - held_out])
    return np.flatnonzero(time > last)


def deal_blocks(time: NDArray[np.float64], folds: int) -> NDArray[np.int16]:
    """Per row its block, 0 to ``folds``, in order of time, as even as whole moments allow.

    Raises ``UserError`` for too few moments.
    """
    wanted = [len(time) * block // (folds + 1) for block in range(1, folds + 1)]
    return np.searchsorted(_last_moments(time, wanted), time, side="left").astype(np.int16)


def _last_moments(time: NDArray[np.float64], wanted: list[int]) -> NDArray[Any]:
    """The last moment before each cut, the cuts lying nearest to ``wanted`` rows from the start."""
    moments, counts = np.unique(time, return_counts=True)
    ends = np.cumsum(counts)[:-1]
    if len(ends) < len(wanted):
        raise UserError(
            f"{len(time)} rows of {len(moments)} moments of time cannot be cut into "
            f"{len(wanted) + 1} blocks without parting rows of one moment: use fewer folds, or a "
            "time column with finer values"
        )
    cuts: list[int] = []
    for left, rows in enumerate(wanted, start=len(ends) - len(wanted) + 1):
        first = cuts[-1] + 1 if cuts else 0
        # up to `left`: every later cut has an end of its own, too
        cuts.append(first + int(np.abs(ends[first:left] - rows).argmin()))
    return moments[cuts]
