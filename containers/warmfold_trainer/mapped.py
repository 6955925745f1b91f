"""Arrays that are mapped from their files."""

import mmap

import numpy as np
from numpy.typing import NDArray

_GIVE_BACK = getattr(mmap, "MADV_DONTNEED", None)
# Of a mapped array: so many rows' pages are in memory at a time.
_SPAN_ROWS = 32_768


def give_back_pages(values: NDArray[np.float32]) -> None:
    """Take a file's pages out of this process's memory; they are read again when they are used.

    Linux counts the pages of a mapped file that were used as the process's until memory runs
    short. Does nothing for an array that is not mapped, or that may be written to.
    """
    base: object = values
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and _GIVE_BACK is not None and not values.flags.writeable:
        base.madvise(_GIVE_BACK)


def copied_rows(values: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """``values[rows]`` of ascending rows, without the whole file's pages in memory at once."""
    found = np.empty((len(rows), *values.shape[1:]), dtype=values.dtype)
    bounds = np.searchsorted(rows, range(0, len(values) + _SPAN_ROWS, _SPAN_ROWS))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        found[begin:end] = values[rows[begin:end]]
        give_back_pages(values)
    return found
