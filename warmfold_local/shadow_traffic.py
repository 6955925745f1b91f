"""Copies of requests for shadow variants: sent beside the answer, by a few threads, and bounded."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

logger = logging.getLogger("warmfold_local")

_AT_ONCE = 8
# A shadow slower than its endpoint's traffic gets less than its share.
_WAITING = 64


@dataclass
class ShadowTraffic:
    """One cloud's."""

    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_AT_ONCE, "shadow traffic")
    )
    _room: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(_AT_ONCE + _WAITING)
    )
    _full: bool = False

    def send(self, work: Callable[[], None]) -> None:
        """Returns at once. ``work`` is left out, and that is said, if too many wait already."""
        if self._room.acquire(blocking=False):
            self._full = False
            self._pool.submit(self._run, work)
            return
        if not self._full:  # once, until there is room again
            logger.warning("shadow variants are too slow: they get no copy of some requests")
        self._full = True

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            logger.exception("a shadow variant could not be asked")
        finally:
            self._room.release()
