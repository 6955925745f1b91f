"""Metrics of a binary classifier by their definitions, ties included, in numpy.

``target`` holds 0 and 1, ``score`` the probability of 1; both classes must be present.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError

Target = NDArray[np.uint8]
Score = NDArray[np.float64]

_PROBABILITY_FLOOR = 1e-15


class ScoreError(ValueError):
    """There is no metric of these scores: one is not finite, or a class is absent."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Counts at each distinct score, highest first: rows with that score or a higher one."""

    score: Score
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]

    @property
    def true_positive_rate(self) -> Score:
        return np.asarray(self.true_positives / self.true_positives[-1])

    @property
    def false_positive_rate(self) -> Score:
        return np.asarray(self.false_positives / self.false_positives[-1])

    @property
    def precision(self) -> Score:
        return np.asarray(self.true_positives / (self.true_positives + self.false_positives))


def thresholds(target: Target, score: Score) -> Thresholds:
    """Raises ``ScoreError``, like every metric."""
    _check(target, score)
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    true_positives = np.cumsum(target[order], dtype=np.int64)[ends]
    false_positives = ends + 1 - true_positives
    return Thresholds(
        score=ordered[ends], true_positives=true_positives, false_positives=false_positives
    )


def _check(target: Target, score: Score) -> None:
    if not np.isfinite(score).all():
        raise ScoreError("a predicted score is not finite")
    if target.min() == target.max():
        raise ScoreError("a metric needs rows of both classes")


def auc(target: Target, score: Score) -> float:
    """Probability that a positive outscores a negative, ties counting half."""
    counts = thresholds(target, score)
    true_positives = np.concatenate(([0], counts.true_positives))
    false_positives = np.concatenate(([0], counts.false_positives))
    # Twice the area under the steps, in whole numbers: exact until the division.
    doubled = np.dot(np.diff(false_positives), true_positives[1:] + true_positives[:-1])
    return float(doubled / (2 * true_positives[-1] * false_positives[-1]))


def gini(target: Target, score: Score) -> float:
    """2 AUC - 1."""
    return 2 * auc(target, score) - 1


def ks(target: Target, score: Score) -> float:
    """Kolmogorov-Smirnov: the largest gap between the classes' score distributions."""
    counts = thresholds(target, score)
    return float(np.abs(counts.true_positive_rate - counts.false_positive_rate).max())


def pr_auc(target: Target, score: Score) -> float:
    """Average precision: the precision at each threshold, weighted by the recall it adds."""
    counts = thresholds(target, score)
    added = np.diff(counts.true_positive_rate, prepend=0.0)
    return float(np.dot(added, counts.precision))


def log_loss(target: Target, score: Score) -> float:
    """Mean negative log-likelihood in nats; probabilities are kept 1e-15 off 0 and 1."""
    _check(target, score)
    clipped = np.clip(score, _PROBABILITY_FLOOR, 1 - _PROBABILITY_FLOOR)
    return float(-np.where(target == 1, np.log(clipped), np.log1p(-clipped)).mean())


def brier(target: Target, score: Score) -> float:
    """Mean squared difference between probability and outcome."""
    _check(target, score)
    return float(np.square(score - target).mean())


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric that trials may be ranked by."""

    name: str
    function: Callable[[Target, Score], float]
    greater_is_better: bool

    def best_round(self, curve: NDArray[np.float64]) -> int:
        """Rounds (from 1) at the best value of a curve; the fewest of equals."""
        best = curve.argmax() if self.greater_is_better else curve.argmin()
        return int(best) + 1


METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="auc", function=auc, greater_is_better=True),
        Metric(name="gini", function=gini, greater_is_better=True),
        Metric(name="ks", function=ks, greater_is_better=True),
        Metric(name="log_loss", function=log_loss, greater_is_better=False),
        Metric(name="brier", function=brier, greater_is_better=False),
        Metric(name="pr_auc", function=pr_auc, greater_is_better=True),
    )
}


def metric_named(name: str) -> Metric:
    """Raises ``UserError`` naming the known metrics."""
    if name not in METRICS:
        raise UserError(f"unknown metric {name!r}: use one of {', '.join(METRICS)}")
    return METRICS[name]
