"""Minimising a smooth convex function plus an l1 penalty: L-BFGS and its orthant-wise form.

J. Nocedal, "Updating quasi-Newton matrices with limited storage" (1980); G. Andrew and J. Gao,
"Scalable training of L1-regularized log-linear models" (2007). A hundred lines here rather than
SciPy's: `scipy.optimize` takes as long to import as a small model to fit, knows no l1 penalty, and
hands vectors of a thousand numbers to threads. No BLAS is called, so the result is the same on any
number of cores.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Smooth = Callable[[Vector], tuple[float, Vector]]

_MEMORY = 30
# The least decrease that a step must bring, as a share of what the slope promises.
_ARMIJO = 1e-4
_SHORTEST_STEP = 1e-12
# The end: this many iterations together have lowered the value by less than this share of it.
_WINDOW = 5
_RELATIVE_DECREASE = 1e-8


@dataclass(frozen=True, kw_only=True)
class Point:
    """``gradient`` is the smooth part's; ``value`` includes the penalty."""

    position: Vector
    value: float
    gradient: Vector


def minimize(smooth: Smooth, start: Vector, l1: Vector, *, max_iterations: int) -> Vector:
    """Where ``smooth(x) + sum(l1 |x|)`` is least; ``smooth`` returns value and gradient.

    ``l1`` has a penalty of 0 or more for each component. The last point if ``max_iterations``
    end first: each is at least as good as the one before.
    """
    point = _at(smooth, start, l1)
    history: deque[tuple[Vector, Vector]] = deque(maxlen=_MEMORY)
    values = deque([point.value], maxlen=_WINDOW + 1)
    for _ in range(max_iterations):
        following = _step(smooth, point, l1, history)
        if following is None:
            break
        moved = following.position - point.position
        bent = following.gradient - point.gradient
        if _dot(moved, bent) > 0:
            history.append((moved, bent))
        point = following
        values.append(point.value)
        decrease = values[0] - values[-1]
        if len(values) > _WINDOW and decrease <= _RELATIVE_DECREASE * abs(point.value):
            break
    return point.position


def _step(
    smooth: Smooth, point: Point, l1: Vector, history: deque[tuple[Vector, Vector]]
) -> Point | None:
    """A lower point along the quasi-Newton direction; ``None`` if there is none."""
    slope = _steepest(point, l1)
    direction = -_times_inverse_hessian(slope, history)
    # Only in the orthant that the steepest descent points into is the penalty linear.
    direction[(direction * slope >= 0) & (l1 > 0)] = 0.0
    orthant = np.where(point.position == 0, -np.sign(slope), np.sign(point.position))
    length = 1.0 if history else 1.0 / max(1.0, float(np.abs(slope).sum()))
    while length > _SHORTEST_STEP:
        position = point.position + length * direction
        position[(l1 > 0) & (position * orthant < 0)] = 0.0
        promised = _dot(slope, position - point.position)
        found = _at(smooth, position, l1)
        if promised < 0 and found.value <= point.value + _ARMIJO * promised:
            return found
        length /= 2
    return None


def _at(smooth: Smooth, position: Vector, l1: Vector) -> Point:
    value, gradient = smooth(position)
    penalty = float((l1 * np.abs(position)).sum())
    return Point(position=position, value=value + penalty, gradient=gradient)


def _steepest(point: Point, l1: Vector) -> Vector:
    """The gradient; at a component of 0 that of the side on which the value falls, if any."""
    at_zero = np.sign(point.gradient) * np.maximum(np.abs(point.gradient) - l1, 0.0)
    elsewhere = point.gradient + l1 * np.sign(point.position)
    return np.where((point.position == 0) & (l1 > 0), at_zero, elsewhere)


def _times_inverse_hessian(vector: Vector, history: deque[tuple[Vector, Vector]]) -> Vector:
    """The two loops of L-BFGS."""
    result = vector.copy()
    shares = []
    for moved, bent in reversed(history):
        share = _dot(moved, result) / _dot(moved, bent)
        shares.append(share)
        result -= share * bent
    if history:
        moved, bent = history[-1]
        result *= _dot(moved, bent) / _dot(bent, bent)
    for (moved, bent), share in zip(history, reversed(shares), strict=True):
        result += (share - _dot(bent, result) / _dot(moved, bent)) * moved
    return result


def _dot(left: Vector, right: Vector) -> float:
    return float((left * right).sum())
