"""Penalised logistic and least-squares regression on binned features.

Minimises, over weights w and an intercept b,

    sum over rows of loss(b + w of the row's bins)  +  l1 |w|  +  l2/2 w'w

with the logistic loss, or half the squared error of a standardised target.
"""

from dataclasses import dataclass

import numpy as np

from warmfold_features.linear_model import Link, Numbers, logistic
from warmfold_trainer.algorithms.packed_bins import PackedBins
from warmfold_trainer.algorithms.quasi_newton import minimize


@dataclass(frozen=True, kw_only=True)
class Penalties:
    l1: float
    l2: float


@dataclass(frozen=True, kw_only=True)
class Solution:
    """``weights`` over all bins; the target's own units for a least-squares fit."""

    intercept: float
    weights: Numbers


def solve(
    bins: PackedBins,
    target: Numbers,
    in_training: Numbers,
    link: Link,
    penalties: Penalties,
    *,
    max_iterations: int,
) -> Solution:
    """Fit the rows whose ``in_training`` is 1; the others (0) share the table, and nothing else."""
    center, scale = (0.0, 1.0) if link == "logistic" else _location(target, in_training)
    problem = _Problem(bins, (target - center) / scale, in_training, link, penalties)
    solution = problem.minimum(max_iterations)
    return Solution(intercept=center + scale * solution.intercept, weights=scale * solution.weights)


class _Problem:
    def __init__(
        self,
        bins: PackedBins,
        target: Numbers,
        in_training: Numbers,
        link: Link,
        penalties: Penalties,
    ) -> None:
        self._bins = bins
        self._target = target
        self._in_training = in_training
        self._rows = float(in_training.sum())
        self._link = link
        self._penalties = penalties
        # Each weight in units of its own curvature: bins of few rows would otherwise need many
        # more steps than bins of many.
        rows_by_bin = bins.transposed_times(in_training)
        curvature = rows_by_bin * (0.25 if link == "logistic" else 1.0)
        self._unit = 1.0 / np.sqrt(curvature + penalties.l2)
        # Each bin's column is centred: a feature's weights can then shift without the intercept.
        self._share = rows_by_bin / self._rows
        self._seen = np.where(rows_by_bin > 0, 1.0, 0.0)

    def minimum(self, max_iterations: int) -> Solution:
        start = np.zeros(1 + self._bins.columns)
        start[0] = self._start()
        l1 = np.concatenate(([0.0], self._penalties.l1 * self._unit / self._rows))
        found = minimize(self._objective, start, l1, max_iterations=max_iterations)
        weights = self._weights(found)
        intercept = float(found[0] - (self._share * weights).sum())
        return Solution(intercept=intercept, weights=weights)

    def _start(self) -> float:
        """The intercept of a model without weights."""
        mean = float((self._target * self._in_training).sum() / self._rows)
        if self._link == "identity":
            return mean
        mean = min(max(mean, 1 / (self._rows + 2)), 1 - 1 / (self._rows + 2))
        return float(np.log(mean / (1 - mean)))

    def _objective(self, values: Numbers) -> tuple[float, Numbers]:
        """Mean over the rows, and its gradient by intercept and weights in their units."""
        weights = self._weights(values)
        center = float((self._share * weights).sum())
        loss, slope = self._loss(values[0] - center + self._bins.times(weights))
        total = loss + self._penalties.l2 / 2 * float(np.square(weights).sum())
        by_bin = self._bins.transposed_times(slope) - self._share * slope.sum()
        by_weight = self._unshifted(by_bin + self._penalties.l2 * weights)
        gradient = np.concatenate(([slope.sum()], by_weight * self._unit))
        return total / self._rows, gradient / self._rows

    def _weights(self, values: Numbers) -> Numbers:
        return self._unshifted(values[1:] * self._unit)

    def _unshifted(self, by_bin: Numbers) -> Numbers:
        """Less the mean over each feature's bins that hold rows.

        At the minimum an l2 penalty makes this mean 0 anyway. Without that direction, in which
        the loss is flat, the search takes a tenth of the steps. An l1 penalty has its minimum
        elsewhere.
        """
        if self._penalties.l1 > 0:
            return by_bin
        return (by_bin - self._bins.mean_by_feature(by_bin, self._seen)) * self._seen

    def _loss(self, raw: Numbers) -> tuple[float, Numbers]:
        """Sum over the training rows, and its derivative by each row's raw score."""
        if self._link == "identity":
            errors = (raw - self._target) * self._in_training
            return float(np.square(errors).sum() / 2), errors
        losses = (np.logaddexp(0.0, raw) - self._target * raw) * self._in_training
        return float(losses.sum()), (logistic(raw) - self._target) * self._in_training


def _location(target: Numbers, in_training: Numbers) -> tuple[float, float]:
    """Mean and standard deviation of the training rows' target; 1 if it does not vary."""
    rows = in_training.sum()
    mean = float((target * in_training).sum() / rows)
    variance = float((np.square(target - mean) * in_training).sum() / rows)
    return mean, float(np.sqrt(variance)) or 1.0
