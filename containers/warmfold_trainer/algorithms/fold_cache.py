"""The binned rows of folds, made once where they may be kept."""

import hashlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from warmfold_trainer.algorithms.protocol import Rows

T = TypeVar("T")


class FoldCache(Generic[T]):
    """What ``make`` makes of some rows. With ``keep`` it is made once and shared by threads."""

    def __init__(self, make: Callable[[Rows], T], *, keep: bool) -> None:
        self._make = make
        self._keep = keep
        self._kept: dict[bytes, T] = {}
        self._locks: dict[bytes, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, rows: Rows) -> T:
        if not self._keep:
            return self._make(rows)
        key = hashlib.blake2b(rows.tobytes(), digest_size=16).digest()
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        with own:
            if key not in self._kept:
                self._kept[key] = self._make(rows)
            return self._kept[key]
