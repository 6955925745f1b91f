"""The curves of a report, each thinned to a number of points that a page can hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_trainer.scores import Score, Target, Thresholds, thresholds

MAX_POINTS = 200
RESIDUAL_QUANTILES = 101
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


def regression_curves(target: NDArray[np.float64], score: NDArray[np.float64]) -> dict[str, Any]:
    """Quantiles of the residuals (actual less predicted), and predictions beside actual means."""
    shares = np.linspace(0, 1, RESIDUAL_QUANTILES)
    return {
        "residuals": {
            "quantile": _list(shares),
            "residual": np.quantile(target - score, shares).tolist(),
        },
        "predicted_actual": predicted_actual(target, score),
    }


def predicted_actual(
    target: NDArray[np.float64], score: NDArray[np.float64]
) -> list[dict[str, float]]:
    """Rows by prediction in bins like those of ``calibration``: mean prediction beside the mean
    target and its standard deviation."""
    return [
        {
            "mean_score": float(score[inside].mean()),
            "mean_target": float(target[inside].mean()),
            "target_std": float(target[inside].std()),
            "rows": int(inside.sum()),
        }
        for inside in _bins(score)
    ]


def calibration(target: Target, score: Score) -> list[dict[str, float]]:
    """Rows by score in ten bins of about equal size: mean score beside the observed rate.

    Rows with equal scores stay in one bin, so there may be fewer bins.
    """
    return [
        {
            "mean_score": float(score[inside].mean()),
            "observed_rate": float(target[inside].mean()),
            "rows": int(inside.sum()),
        }
        for inside in _bins(score)
    ]


def _bins(score: Score) -> list[NDArray[np.bool_]]:
    """For each bin, which rows are in it; lowest scores first."""
    quantiles = np.quantile(score, np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1])
    bins = np.searchsorted(np.unique(quantiles), score, side="left")
    return [bins == number for number in np.unique(bins)]


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
