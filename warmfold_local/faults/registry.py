"""Which faults are set, whether one is due, and what fired when."""

import logging
import random
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from warmfold_local.errors import ValidationError
from warmfold_local.faults.kinds import Fault
from warmfold_local.faults.parse import render

logger = logging.getLogger("warmfold_local")

# The latest firings are kept; a fault without end must not fill the memory.
_FIRINGS = 1000

AnyFault = TypeVar("AnyFault", bound=Fault)


@dataclass(eq=False)
class _Set:
    """A fault that is set; ``seen`` and ``fired`` count calls."""

    identifier: str
    fault: Fault
    draws: random.Random
    seen: int = 0
    fired: int = 0

    def due(self) -> bool:
        """Whether this matching call is hit. One draw a call, so that the seed decides which."""
        budget = self.fault.budget
        drawn = self.draws.random() < budget.probability
        self.seen += 1
        left = budget.times is None or self.fired < budget.times
        return drawn and left and self.seen > budget.skip


@dataclass
class Faults:
    """The faults of one cloud. Its own lock: nothing else is held or called under it."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _set: list[_Set] = field(default_factory=list)
    _count: int = 0
    _firings: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_FIRINGS))

    def add(self, fault: Fault) -> str:
        """Set a fault; its id (``fault-1``)."""
        with self._lock:
            self._count += 1
            identifier = f"fault-{self._count}"
            draws = random.Random(fault.budget.seed)  # noqa: S311 - repeatable, not secret
            self._set.append(_Set(identifier, fault, draws))
        logger.info("%s is set: %s", identifier, render(fault))
        return identifier

    def take(self, kind: type[AnyFault], name: str, **members: str) -> AnyFault | None:
        """The first fault of exactly this kind that hits ``name`` now; it counts as fired.

        ``members`` are further names, by the fault's member that is their pattern.
        """
        with self._lock:
            for each in self._set:
                fault = each.fault
                if type(fault) is not kind or not _matches(fault, name, members):
                    continue
                if each.due():
                    self._fire(each, name)
                    return fault
        return None

    def fired(self, identifier: str, name: str) -> None:
        """Note that a fault fired by itself. Nothing if it has been cleared."""
        with self._lock:
            for each in self._set:
                if each.identifier == identifier:
                    self._fire(each, name)

    def any_of(self, *kinds: type[Fault]) -> bool:
        """Whether one of these kinds is set at all."""
        with self._lock:
            return any(type(each.fault) in kinds for each in self._set)

    def is_set(self, identifier: str) -> bool:
        with self._lock:
            return any(each.identifier == identifier for each in self._set)

    def listed(self) -> dict[str, Any]:
        """``faults`` in the order they were set, ``firings`` in the order they happened."""
        with self._lock:
            faults = [
                {"id": each.identifier, **render(each.fault), "fired": each.fired}
                for each in self._set
            ]
            return {"faults": faults, "firings": list(self._firings)}

    def clear(self, identifier: str | None = None) -> int:
        """Remove one fault, or all and the firings; how many. Raises ``ValidationError``."""
        with self._lock:
            kept = [e for e in self._set if identifier not in (None, e.identifier)]
            removed = len(self._set) - len(kept)
            if identifier is None:
                self._firings.clear()
            elif not removed:
                raise ValidationError(f"no fault {identifier} is set")
            self._set = kept
        return removed

    def _fire(self, each: _Set, name: str) -> None:
        each.fired += 1
        firing = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": each.identifier,
            "kind": each.fault.kind,
            "name": name,
        }
        self._firings.append(firing)
        logger.warning("%s fires: %s on %s", each.identifier, each.fault.kind, name)


def _matches(fault: Fault, name: str, members: dict[str, str]) -> bool:
    return fnmatchcase(name, fault.match) and all(
        fnmatchcase(value, getattr(fault, member)) for member, value in members.items()
    )
