"""How sure a difference of two models on the same rows is: a paired bootstrap.

Rows of one group are alike: drawn one by one they would count as more evidence than they are, so
whole groups are drawn.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_trainer.algorithms.protocol import Rows, Scores
from warmfold_trainer.metric import Metric
from warmfold_trainer.scores import ScoreError

_RESAMPLES = 500
# A resample of a large hold-out has about so many rows, and at least so many groups.
_ROWS = 20_000
_LEAST_GROUPS = 50
_INTERVAL = (2.5, 97.5)
_SEED = 1


def difference_interval(
    metric: Metric,
    target: NDArray[Any],
    one: Scores,
    other: Scores,
    group: NDArray[np.int64] | None,
) -> list[float] | None:
    """95 % of the metric of ``one`` less that of ``other``, each resample the same for both.

    ``group`` is a code a row, from 0 without gaps; ``None``: each row is its own. Answers ``None``
    for a single group, and if too few of the resamples have a metric (rows of one class).
    """
    units = _Units(np.arange(len(target)) if group is None else group)
    if units.count < 2:
        return None
    generator = np.random.Generator(np.random.PCG64(_SEED))
    differences = []
    for _ in range(_RESAMPLES):
        rows = units.rows(generator.integers(0, units.count, units.drawn))
        try:
            differences.append(_difference(metric, target[rows], one[rows], other[rows]))
        except (ScoreError, UserError):
            continue  # a project's own metric, too, may need more rows of a class than were drawn
    if len(differences) < _RESAMPLES / 2:
        return None
    # Fewer units than there are vary more.
    scale = np.sqrt(units.drawn / units.count)
    middle = _difference(metric, target, one, other)
    low, high = np.percentile(differences, _INTERVAL) - np.mean(differences)
    return [float(middle + scale * low), float(middle + scale * high)]


def _difference(metric: Metric, target: NDArray[Any], one: Scores, other: Scores) -> float:
    return metric.function(target, one) - metric.function(target, other)


class _Units:
    """What is drawn as a whole; ``drawn`` of them make a resample."""

    def __init__(self, group: NDArray[np.int64]) -> None:
        self._order = np.argsort(group, kind="stable")
        self._sizes = np.bincount(group)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self.count = len(self._sizes)
        share = min(1.0, _ROWS / len(group))
        self.drawn = min(self.count, max(round(self.count * share), _LEAST_GROUPS))

    def rows(self, units: NDArray[np.int64]) -> Rows:
        """All rows of these units, one after the other."""
        sizes = self._sizes[units]
        ends = np.cumsum(sizes)
        within = np.arange(ends[-1]) - np.repeat(ends - sizes, sizes)
        found: Rows = self._order[np.repeat(self._starts[units], sizes) + within]
        return found
