"""Binned features for a linear solver: sums of weights over each row's bins, and the transpose.

Several features' bins are packed into one code, as the digits of a number, as long as a table
over all codes stays small. One look-up or one count then serves all of them: a third of the work
and of the memory of one code for each feature.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from warmfold_features.linear_model import FeatureBins, Numbers
from warmfold_trainer.algorithms.protocol import Matrix

# Codes of a pack: a table of as many float64 fits the second-level cache.
_MAX_CODES = 16_384


class PackedBins:
    """The one-hot matrix X of all features' bins, (rows, columns), in packs of features."""

    def __init__(self, features: Matrix, bins: Sequence[FeatureBins]) -> None:
        self.rows = len(features)
        self.counts = [feature.count for feature in bins]
        self.columns = sum(self.counts)
        self._offsets = np.cumsum([0, *self.counts])
        self._packs = [_Pack(features, bins, members) for members in _grouped(self.counts)]

    def times(self, weights: Numbers) -> Numbers:
        """X w: one sum for each row."""
        total = np.zeros(self.rows)
        for pack in self._packs:
            tables = [weights[self._column(member)] for member in pack.members]
            total += pack.summed(tables).take(pack.codes)
        return total

    def transposed_times(self, values: Numbers) -> Numbers:
        """X' v: for each bin the sum over the rows that fall into it."""
        result = np.empty(self.columns)
        for pack in self._packs:
            for member, sums in zip(pack.members, pack.sums(values), strict=True):
                result[self._column(member)] = sums
        return result

    def mean_by_feature(self, values: Numbers, shares: Numbers) -> Numbers:
        """For each bin the mean over its feature's bins, each counting with its share."""
        sums = np.add.reduceat(values * shares, self._offsets[:-1])
        totals = np.add.reduceat(shares, self._offsets[:-1])
        return np.repeat(sums / totals, self.counts)

    def split(self, weights: Numbers) -> list[Numbers]:
        """Weights by feature."""
        return [weights[self._column(member)] for member in range(len(self.counts))]

    def _column(self, member: int) -> slice:
        return slice(self._offsets[member], self._offsets[member + 1])


class _Pack:
    """``members`` are the positions of its features; the last one's bin is the lowest digit."""

    def __init__(
        self, features: Matrix, bins: Sequence[FeatureBins], members: Sequence[int]
    ) -> None:
        self.members = members
        self._shape = tuple(bins[member].count for member in members)
        codes: NDArray[np.intp] = np.zeros(len(features), dtype=np.intp)
        for member in members:
            codes *= bins[member].count
            codes += bins[member].codes(features[:, member])
        self.codes = codes.astype(np.min_scalar_type(int(np.prod(self._shape)) - 1))

    def summed(self, tables: Sequence[Numbers]) -> Numbers:
        """Over all codes: the sum of the members' weights."""
        total = np.zeros(1)
        for table in tables:
            total = (total[:, np.newaxis] + table).ravel()
        return total

    def sums(self, values: Numbers) -> list[Numbers]:
        """For each member, its bins' sums of ``values``."""
        counted = np.bincount(self.codes, weights=values, minlength=int(np.prod(self._shape)))
        shaped = counted.reshape(self._shape)
        axes = range(len(self._shape))
        return [shaped.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes]


def _grouped(counts: Sequence[int]) -> list[list[int]]:
    """Neighbouring features, as many as ``_MAX_CODES`` has room for."""
    groups: list[list[int]] = []
    size = _MAX_CODES
    for member, count in enumerate(counts):
        if size * count > _MAX_CODES:
            groups.append([])
            size = 1
        groups[-1].append(member)
        size *= count
    return groups
