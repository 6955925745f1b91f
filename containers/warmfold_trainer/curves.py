"""The curves of a report, each thinned to a number of points that a page can hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_trainer.scores import Score, Target, Thresholds, thresholds

MAX_POINTS = 200
CALIBRATION_BINS = 10


def curves(target: Target, score: Score) -> dict[str, Any]:
    """ROC, precision-recall, calibration and Kolmogorov-Smirnov, as lists ready for JSON."""
    counts = thresholds(target, score)
    return {
        "roc": _roc(counts),
        "precision_recall": _precision_recall(counts),
        "calibration": calibration(target, score),
        "ks": _ks(counts),
    }


def calibration(target: Target, score: Score) -> list[dict[str, float]]:
    """Rows by score in ten bins of about equal size: mean score beside the observed rate.

    Rows with equal scores stay in one bin, so there may be fewer bins.
    """
    quantiles = np.quantile(score, np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1])
    bins = np.searchsorted(np.unique(quantiles), score, side="left")
    return [
        {
            "mean_score": float(score[bins == number].mean()),
            "observed_rate": float(target[bins == number].mean()),
            "rows": int((bins == number).sum()),
        }
        for number in np.unique(bins)
    ]


def _roc(counts: Thresholds) -> dict[str, list[float]]:
    """From (0, 0) to (1, 1)."""
    kept = _kept(len(counts.score) + 1)
    return {
        "fpr": _list(np.concatenate(([0.0], counts.false_positive_rate))[kept]),
        "tpr": _list(np.concatenate(([0.0], counts.true_positive_rate))[kept]),
    }


def _precision_recall(counts: Thresholds) -> dict[str, list[float]]:
    kept = _kept(len(counts.score))
    return {
        "recall": _list(counts.true_positive_rate[kept]),
        "precision": _list(counts.precision[kept]),
    }


def _ks(counts: Thresholds) -> dict[str, list[float]]:
    """Share of each class scored at or below each score, ascending."""
    kept = _kept(len(counts.score))
    below_positive = 1 - np.concatenate(([0.0], counts.true_positive_rate[:-1]))
    below_negative = 1 - np.concatenate(([0.0], counts.false_positive_rate[:-1]))
    return {
        "score": _list(counts.score[::-1][kept]),
        "positive": _list(below_positive[::-1][kept]),
        "negative": _list(below_negative[::-1][kept]),
    }


def _kept(points: int) -> NDArray[np.intp]:
    """Evenly spread positions, first and last among them."""
    if points <= MAX_POINTS:
        return np.arange(points)
    return np.linspace(0, points - 1, MAX_POINTS).round().astype(np.intp)


def _list(values: NDArray[np.float64]) -> list[float]:
    result: list[float] = values.round(6).tolist()
    return result
