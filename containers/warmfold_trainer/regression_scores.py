"""Metrics of predicted numbers by their definitions, in numpy.

Each raises ``ScoreError`` if a prediction is not finite. Values beyond a float's range give an
infinite result, which ``metric.Metric`` refuses.
"""

import numpy as np
from numpy.typing import NDArray

from warmfold_trainer.scores import ScoreError, check_finite

Numbers = NDArray[np.float64]


def rmse(target: Numbers, score: Numbers) -> float:
    """Root of the mean squared error, in units of the target."""
    return float(np.sqrt(np.square(_errors(target, score)).mean()))


def mae(target: Numbers, score: Numbers) -> float:
    """Mean absolute error, in units of the target."""
    return float(np.abs(_errors(target, score)).mean())


def r2(target: Numbers, score: Numbers) -> float:
    """Share of the target's variance that the predictions explain; negative if below the mean's.

    Raises ``ScoreError`` if the target does not vary.
    """
    errors = _errors(target, score)
    spread = np.square(target - target.mean()).sum()
    if spread == 0:
        raise ScoreError("r2 needs rows with different targets")
    return float(1 - np.square(errors).sum() / spread)


def quantile_loss(target: Numbers, score: Numbers, *, quantile: float) -> float:
    """Mean pinball loss: an error below the target costs ``quantile``, above it the rest to 1."""
    errors = _errors(target, score)
    return float(np.maximum(quantile * errors, (quantile - 1) * errors).mean())


def _errors(target: Numbers, score: Numbers) -> Numbers:
    check_finite(score)
    return np.asarray(target - score, dtype=np.float64)
