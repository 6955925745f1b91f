"""A Gaussian process: what a smooth function may be where it has not been evaluated.

Inputs are points of the unit cube. A Matérn 5/2 kernel has a length for each dimension and a share
of noise. They are chosen by their posterior density under wide log-normal priors, which a handful
of points needs (C. E. Rasmussen, C. K. I. Williams: Gaussian Processes for Machine Learning, 2006,
chapters 2, 4.2 and 5.4). numpy alone: a search has tens of points, and no gradients are needed.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Priors of the logarithms: mean and standard deviation of a length, and of the noise's share.
_LENGTH, _LENGTH_SPREAD = math.log(0.7), 0.8
_NOISE, _NOISE_SPREAD = math.log(0.02), 1.5
# Added to the noise, so that equal points do not make the matrix singular.
_JITTER = 1e-6
# Random steps around the best settings so far: how many at a time, and how wide.
_STEPS = 40
_STEP_WIDTHS = (0.8, 0.4, 0.2, 0.1)


@dataclass(frozen=True, kw_only=True)
class GaussianProcess:
    """Of ``points`` (n, d). ``weights`` (n,) and ``lower`` (n, n), the Cholesky factor, are for
    standardised values; ``mean`` and ``scale`` undo that. ``settings`` (d + 1,) are logarithms."""

    points: Array
    settings: Array
    lower: Array
    weights: Array
    mean: float
    scale: float

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean and standard deviation at each of ``points`` (m, d), without the noise."""
        kernel = _kernel(points, self.points, self.settings)
        explained = np.linalg.solve(self.lower, kernel.T)
        variance = np.maximum(1.0 - (explained**2).sum(axis=0), 1e-12)
        return self.mean + self.scale * (kernel @ self.weights), self.scale * np.sqrt(variance)

    def with_pending(self, points: Array) -> "GaussianProcess":
        """As if ``points`` had been evaluated and had come out as predicted: nothing is to be
        gained by another look at them."""
        expected, _ = self.predict(points)
        own, _ = self.predict(self.points)
        return _conditioned(
            np.vstack([self.points, points]),
            np.concatenate([own, expected]),
            self.settings,
            mean=self.mean,
            scale=self.scale,
        )


def fitted(points: Array, values: Array, random: np.random.Generator) -> GaussianProcess:
    """The process through ``values`` (n,) at ``points`` (n, d), at least two."""
    mean = float(values.mean())
    spread = float(values.std()) or 1.0
    standardised = (values - mean) / spread
    dimensions = points.shape[1]
    best = np.append(np.full(dimensions, _LENGTH), _NOISE)
    least = _misfit(points, standardised, best)
    for width in _STEP_WIDTHS:
        for step in random.normal(0.0, width, (_STEPS, dimensions + 1)):
            misfit = _misfit(points, standardised, best + step)
            if misfit < least:
                best, least = best + step, misfit
    lower = _lower(points, best)
    scale = spread * math.sqrt(_amplitude(lower, standardised))
    return _conditioned(points, values, best, mean=mean, scale=scale)


def _conditioned(
    points: Array, values: Array, settings: Array, *, mean: float, scale: float
) -> GaussianProcess:
    lower = _lower(points, settings)
    half = np.linalg.solve(lower, (values - mean) / scale)
    return GaussianProcess(
        points=points,
        settings=settings,
        lower=lower,
        weights=np.linalg.solve(lower.T, half),
        mean=mean,
        scale=scale,
    )


def _misfit(points: Array, values: Array, settings: Array) -> float:
    """Negative logarithm of the posterior density, the amplitude at its best."""
    lower = _lower(points, settings)
    fit = 0.5 * len(values) * math.log(_amplitude(lower, values))
    fit += float(np.log(np.diag(lower)).sum())
    lengths = ((settings[:-1] - _LENGTH) / _LENGTH_SPREAD) ** 2
    return fit + 0.5 * float(lengths.sum() + ((settings[-1] - _NOISE) / _NOISE_SPREAD) ** 2)


def _amplitude(lower: Array, values: Array) -> float:
    """The kernel's most likely variance."""
    half = np.linalg.solve(lower, values)
    return max(float(half @ half) / len(values), 1e-12)


def _lower(points: Array, settings: Array) -> Array:
    noise = math.exp(settings[-1]) + _JITTER
    kernel = _kernel(points, points, settings)
    return np.asarray(np.linalg.cholesky(kernel + noise * np.eye(len(points))), dtype=np.float64)


def _kernel(left: Array, right: Array, settings: Array) -> Array:
    """Matérn 5/2 of the distances (m, n) in lengths."""
    lengths = np.exp(settings[:-1])
    left, right = left / lengths, right / lengths
    squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2.0 * left @ right.T
    distance = np.sqrt(5.0 * np.maximum(squared, 0.0))
    kernel: Array = (1.0 + distance + distance**2 / 3.0) * np.exp(-distance)
    return kernel
