"""Random order from PCG64's raw output, whose stream numpy keeps stable between versions (the
methods of ``numpy.random.Generator`` may change)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Different streams of one seed for different purposes.
HOLDOUT_STREAM = 1
FOLD_STREAM = 2


def random_numbers(count: int, stream: tuple[int, ...]) -> NDArray[np.uint64]:
    """``count`` 64-bit numbers; ``stream`` is the seed and what tells its purposes apart."""
    bits = np.random.PCG64(np.random.SeedSequence(stream))
    return np.asarray(bits.random_raw(count), dtype=np.uint64)


def shuffled(values: NDArray[Any], stream: tuple[int, ...]) -> NDArray[Any]:
    """A copy in random order."""
    return values[np.argsort(random_numbers(len(values), stream), kind="stable")]


def fold_stream(seed: int, repeat: int, *purpose: int) -> tuple[int, ...]:
    """The stream that a repeat's folds are dealt by; the first has no number of its own."""
    return (seed, FOLD_STREAM, *purpose, *((repeat,) if repeat else ()))
