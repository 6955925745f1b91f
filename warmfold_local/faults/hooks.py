"""Where the local cloud asks whether a fault is due; each of its callers needs one line."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from warmfold_local.errors import ServiceError
from warmfold_local.faults.kinds import (
    DiskFull,
    EndpointDisturbed,
    EventDisturbed,
    JobFails,
    Killed,
    NodeLost,
    SpotInterrupted,
    Throttled,
)
from warmfold_local.faults.registry import Faults

FULL = Path("/dev/full")

# "your container must respond within 60 seconds" (hosting, developer guide).
INVOCATION_SECONDS = 60.0


class Publish(Protocol):
    """As ``cloud.Publisher``."""

    def __call__(
        self, *, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> None: ...


def throttle(faults: Faults, operation: str, code: str = "ThrottlingException") -> None:
    """Raises ``ServiceError`` if the operation is to be refused for its rate."""
    if faults.take(Throttled, operation) is not None:
        raise ServiceError(code, "Rate exceeded")


def service_failure(faults: Faults, job_name: str) -> str | None:
    """``CapacityError`` or ``InternalServerError`` if the job is to fail at its start."""
    fault = faults.take(JobFails, job_name)
    return None if fault is None else fault.reason


@dataclass(frozen=True, kw_only=True)
class InvocationTerms:
    """The status that an invocation is to fail with, and how long the container may take."""

    status: int | None = None
    limit_seconds: float = INVOCATION_SECONDS


def invocation_terms(faults: Faults, endpoint: str) -> InvocationTerms:
    """Of the next invocation; waits, if it is to be slow."""
    fault = faults.take(EndpointDisturbed, endpoint)
    if fault is None:
        return InvocationTerms()
    time.sleep(fault.delay_seconds)
    limit = fault.limit_seconds
    return InvocationTerms(
        status=fault.status, limit_seconds=INVOCATION_SECONDS if limit is None else limit
    )


@dataclass(eq=False)
class Killer:
    """Watches one container: its lines by ``watch``, ``attach`` once it runs, ``end`` after it."""

    fault: Killed | None
    _interrupted: threading.Event = field(default_factory=threading.Event)
    _kill: Callable[[], None] | None = None
    _lines: int = 0
    _timer: threading.Timer | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def lost_node(self) -> bool:
        return isinstance(self.fault, NodeLost)

    @property
    def lost_capacity(self) -> SpotInterrupted | None:
        """The interruption that is to end the container with SIGTERM, once it is due."""
        if isinstance(self.fault, SpotInterrupted) and self._interrupted.is_set():
            return self.fault
        return None

    def watch(self, on_line: Callable[[str], None] | None) -> Callable[[str], None] | None:
        """``on_line``, and counting before it."""
        if self.fault is None:
            return on_line

        def counting(line: str) -> None:
            with self._lock:
                self._lines += 1
            self._at_line()
            if on_line is not None:
                on_line(line)

        return counting

    def attach(self, kill: Callable[[], None]) -> None:
        if isinstance(self.fault, SpotInterrupted):
            kill = self._interrupted.set
        with self._lock:
            self._kill = kill
        self._at_line()  # it may have been printed before we knew whom to kill
        if self.fault is not None and self.fault.after_seconds is not None:
            self._timer = threading.Timer(self.fault.after_seconds, kill)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _at_line(self) -> None:
        with self._lock:
            wanted = None if self.fault is None else self.fault.at_line
            kill = self._kill if wanted is not None and self._lines >= wanted else None
        if kill is not None:
            kill()


def killer(faults: Faults, job_name: str, *, spot: bool = False) -> Killer:
    """What is to end the container of a job, if anything. It counts as fired at the start."""
    fault = faults.take(Killed, job_name) or faults.take(NodeLost, job_name)
    if fault is None and spot:
        fault = faults.take(SpotInterrupted, job_name)
    return Killer(fault)


def fill_disk(faults: Faults, job_name: str, base_dirs: Iterable[Path]) -> None:
    """Let a container's write to one file fail as on a full disk.

    The file is a link to /dev/full, whose every write fails with ENOSPC (man 4 full).
    """
    fault = faults.take(DiskFull, job_name)
    if fault is None:
        return
    for base_dir in base_dirs:
        target = base_dir / fault.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(FULL)


def disturbed(publish: Publish, faults: Faults) -> Publish:
    """``publish``, except for events that are to be lost, delivered twice, or late."""

    def disturbing(
        *, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        def send() -> None:
            publish(source=source, detail_type=detail_type, detail=detail, resources=resources)

        resource = resources[0] if resources else ""
        fault = faults.take(EventDisturbed, detail_type, resource=resource)
        if fault is None:
            send()
        elif fault.how == "duplicate":
            send()
            send()
        elif fault.how == "late":
            timer = threading.Timer(fault.delay_seconds, send)
            timer.daemon = True
            timer.start()

    return disturbing
