"""Metrics of a binary classifier by their definitions, ties included, in numpy.

``target`` holds 0 and 1, ``score`` the probability of 1; both classes must be present.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Target = NDArray[np.uint8]
Score = NDArray[np.float64]

_PROBABILITY_FLOOR = 1e-15
# The last bit of a row's key.
_POSITIVE = np.uint64(1)
# The least key of an infinite score.
_INFINITE = np.float64(np.inf).view(np.uint64) << _POSITIVE

_NOT_FINITE = "a predicted score is not finite"
_ONE_CLASS = "a metric needs rows of both classes"


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
        raise ScoreError(_NOT_FINITE)


def _check(target: Target, score: Score) -> None:
    check_finite(score)
    if target.min() == target.max():
        raise ScoreError(_ONE_CLASS)


def auc(target: Target, score: Score) -> float:
    """Probability that a positive outscores a negative, ties counting half."""
    keys = _sorted_keys(target, score)
    positives = (keys & _POSITIVE).astype(np.bool_).nonzero()[0]
    count = len(positives)
    if count in (0, len(keys)):
        raise ScoreError(_ONE_CLASS)
    # Negatives below each positive, those of equal scores among them, which count half.
    below = int(positives.sum()) - count * (count - 1) // 2
    # In whole numbers: exact until the division.
    doubled = 2 * below - _tied_pairs(keys)
    return doubled / (2 * count * (len(keys) - count))


def _sorted_keys(target: Target, score: Score) -> NDArray[np.uint64]:
    """Rows as numbers by ascending score: sorting them is three times as fast as their order.

    Of a float that is not negative the bits, read as a whole number, are in its order, and its
    sign's bit is free: all bits move up by one, and the last one says whether it is a positive.
    """
    scores = np.ascontiguousarray(score, dtype=np.float64)
    # NaN, if one is.
    if not scores.min() >= 0:
        check_finite(scores)
        scores = np.unique(scores, return_inverse=True)[1].astype(np.float64)
    keys = scores.view(np.uint64) << _POSITIVE
    keys |= target.astype(np.uint64)
    keys.sort()
    if keys[-1] >= _INFINITE:
        raise ScoreError(_NOT_FINITE)
    return keys


def _tied_pairs(keys: NDArray[np.uint64]) -> int:
    """Pairs of a positive and a negative with the same score."""
    equal = (keys[1:] ^ keys[:-1] <= _POSITIVE).nonzero()[0]
    if len(equal) == 0:
        return 0
    # Where each run of equal scores begins, and its last row.
    breaks = np.flatnonzero(np.diff(equal) > 1)
    first = equal[np.append(0, breaks + 1)]
    last = equal[np.append(breaks, len(equal) - 1)] + 1
    counted = np.append(0, np.cumsum(keys & _POSITIVE, dtype=np.int64))
    positives = counted[last + 1] - counted[first]
    return int(np.dot(positives, last + 1 - first - positives))


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
