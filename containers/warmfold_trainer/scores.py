"""Metrics of a binary classifier by their definitions, ties included, in numpy.

``target`` holds 0 and 1, ``score`` the probability of 1; both classes must be present.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    # No stable sort: rows of equal scores are counted together, in whatever order they stand.
    order = np.argsort(-score)
    ordered = score[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    true_positives = np.cumsum(target[order], dtype=np.int64)[ends]
    false_positives = ends + 1 - true_positives
    return Thresholds(
        score=ordered[ends], true_positives=true_positives, false_positives=false_positives
    )


def check_finite(score: Score) -> None:
    """Raises ``ScoreError`` unless every score is a finite number."""
    if not np.isfinite(score).all():
        raise ScoreError("a predicted score is not finite")


def _check(target: Target, score: Score) -> None:
    check_finite(score)
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
    return mean_log_loss(target, score)


def mean_log_loss(target: Target, score: Score) -> float:
    """The same of rows that may all be of one class."""
    clipped = np.clip(score, _PROBABILITY_FLOOR, 1 - _PROBABILITY_FLOOR)
    return float(-np.where(target == 1, np.log(clipped), np.log1p(-clipped)).mean())


def brier(target: Target, score: Score) -> float:
    """Mean squared difference between probability and outcome."""
    _check(target, score)
    return float(np.square(score - target).mean())
