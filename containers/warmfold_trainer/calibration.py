"""Which calibration a model gets: the simplest that the out-of-fold scores do not speak against.

Every row's out-of-fold score comes from a model that has not seen it, as every score in production
does. Each method is fitted on all folds but one and judged on that one by log loss, so that none is
judged on what it was fitted to. A method wins over a simpler one only if its mean gain over the
folds is more than one standard error of that gain.

Where the folds were dealt several times, each row's scores count side by side. Their mean would be
that of several models, which is less extreme than the one model that is calibrated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from warmfold_features.calibration import Calibration, Scores, log_odds, probability
from warmfold_trainer.scores import mean_log_loss

Target = NDArray[np.uint8]
# The last is each score's weight: a row with several scores counts once.
_Fit = Callable[[Scores, Target, float], Calibration]

_NEWTON_STEPS = 50
_NEWTON_TOLERANCE = 1e-10
# Keeps the log odds finite where the classes are separated.
_RIDGE = 1e-6


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """Scores of rows by models that did not see them, (rows, repeats); ``fold`` is the one each row
    was left out of in the first repeat."""

    score: Scores
    target: Target
    fold: NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """``log_losses``: each method's mean over the folds, cross-fitted."""

    calibration: Calibration
    log_losses: dict[str, float]


def choose_calibration(rows: OutOfFold) -> Choice:
    """The map for the final model's scores, fitted on all rows. At least two folds are needed."""
    losses = {method: _cross_fitted(rows, fit) for method, fit in _METHODS.items()}
    chosen = "none"
    for method in list(_METHODS)[1:]:
        if _is_better(losses[chosen], losses[method]):
            chosen = method
    return Choice(
        calibration=_fitted(_METHODS[chosen], rows.score, rows.target),
        log_losses={method: float(np.mean(values)) for method, values in losses.items()},
    )


def _cross_fitted(rows: OutOfFold, fit: _Fit) -> Scores:
    """The log loss of each fold's rows by a map that was fitted on the others'."""
    losses = []
    for fold in np.unique(rows.fold):
        out = rows.fold == fold
        calibration = _fitted(fit, rows.score[~out], rows.target[~out])
        score, target = _side_by_side(rows.score[out], rows.target[out])
        losses.append(mean_log_loss(target, calibration.apply(score)))
    return np.array(losses)


def _fitted(fit: _Fit, score: Scores, target: Target) -> Calibration:
    return fit(*_side_by_side(score, target), 1 / score.shape[1])


def _side_by_side(score: Scores, target: Target) -> tuple[Scores, Target]:
    """One entry for each of a row's scores."""
    return score.ravel(), np.repeat(target, score.shape[1])


def _is_better(simple: Scores, other: Scores) -> bool:
    gains = simple - other
    standard_error = np.std(gains, ddof=1) / np.sqrt(len(gains))
    return bool(gains.mean() > standard_error)


def _none(_score: Scores, _target: Target, _weight: float) -> Calibration:
    return Calibration()


def _platt(score: Scores, target: Target, weight: float) -> Calibration:
    """Logistic regression on the log odds, by Newton's method; ``none`` if it turns the order."""
    odds = log_odds(score)
    design = np.column_stack([odds, np.ones_like(odds)])
    weights = np.array([1.0, 0.0])
    for _ in range(_NEWTON_STEPS):
        predicted = probability(design @ weights)
        gradient = weight * design.T @ (predicted - target) + _RIDGE * weights
        curvature = weight * (design * (predicted * (1 - predicted))[:, None]).T @ design
        step = np.linalg.solve(curvature + _RIDGE * np.eye(2), gradient)
        weights = weights - np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < _NEWTON_TOLERANCE:
            break
    slope, intercept = (float(weight) for weight in weights)
    return (
        Calibration(method="platt", slope=slope, intercept=intercept)
        if slope > 0
        else Calibration()
    )


def _isotonic(score: Scores, target: Target, weight: float) -> Calibration:
    """The best never decreasing map, a point at both ends of each of its steps.

    Rates stay off 0 and 1 by what one more row of the other class would move them.
    """
    values, position = np.unique(score, return_inverse=True)
    weights = np.bincount(position).astype(np.float64)
    means = np.bincount(position, weights=target) / weights
    rates = isotonic_regression(means, weights=weights).x
    ends = np.flatnonzero(np.diff(rates) > 0)
    points = np.unique(np.concatenate([[0], ends, ends + 1, [len(values) - 1]]))
    floor = 1 / (weight * len(score) + 2)
    return Calibration(
        method="isotonic",
        scores=tuple(values[points].tolist()),
        rates=tuple(np.clip(rates[points], floor, 1 - floor).tolist()),
    )


# The simplest first.
_METHODS: dict[str, _Fit] = {
    "none": _none,
    "platt": _platt,
    "isotonic": _isotonic,
}
