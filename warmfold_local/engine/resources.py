"""What a container used: CPU seconds, peak memory, disk.

CPU is the kernel's count at the end (``wait4``): the first process and every descendant that was
waited for. Memory is the peak of all processes together as seen about once a second, more often at
first (Linux only; shared pages count in each), or the kernel's peak of the biggest single process
if that is more. The kernel's count begins with the process that forked: up to that one's own peak
it says nothing of the container, and is left out.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage, struct_rusage

# Between two looks: a quarter of the container's age, within these bounds.
_FIRST_SAMPLE_SECONDS = 0.05
_SAMPLE_SECONDS = 1.0

# ru_maxrss is in KiB, on macOS in bytes (getrusage(2) of each).
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, kw_only=True)
class Usage:
    """``disk_bytes``: what lay in the container's folder when it ended, inputs included."""

    cpu_seconds: float
    peak_memory_bytes: int
    disk_bytes: int
    wall_seconds: float

    def to_dict(self) -> dict[str, float | int]:
        return asdict(self)


class Meter:
    """Watches one container; ``sample`` may be called often, and looks once a second."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._pid = pid
        self._folder = folder
        self._began = time.monotonic()
        self._next = self._began
        self._peak_bytes = 0
        self._cpu_seconds = 0.0
        self._forker_peak_bytes = getrusage(RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES

    def sample(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            age = now - self._began
            self._next = now + min(max(age / 4, _FIRST_SAMPLE_SECONDS), _SAMPLE_SECONDS)
            self._peak_bytes = max(self._peak_bytes, tree_bytes(self._pid))
            self._cpu_seconds = max(self._cpu_seconds, tree_cpu_seconds(self._pid))

    def result(self, used: struct_rusage | None) -> Usage:
        """``used`` is the kernel's account of the ended process; ``None`` if there is none.

        Without it, as for a container engine's, the CPU seconds are those last seen.
        """
        alone = 0 if used is None else used.ru_maxrss * _MAXRSS_BYTES
        seconds = self._cpu_seconds if used is None else used.ru_utime + used.ru_stime
        return Usage(
            cpu_seconds=round(seconds, 3),
            peak_memory_bytes=max(self._peak_bytes, self._of_container(alone)),
            disk_bytes=folder_bytes(self._folder),
            wall_seconds=round(time.monotonic() - self._began, 3),
        )

    def _of_container(self, alone: int) -> int:
        known = self._peak_bytes > 0 and alone <= self._forker_peak_bytes
        return 0 if known else alone


def tree_bytes(pid: int) -> int:
    """Resident bytes of a process and its descendants; 0 where there is no ``/proc``."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(words[1]) * page for words in _of_tree(pid, "statm"))


def tree_cpu_seconds(pid: int) -> float:
    """CPU of a process, its descendants and those they waited for; 0 without ``/proc``."""
    ticks = sum(sum(map(int, words[11:15])) for words in _of_tree(pid, "stat"))
    return float(ticks / os.sysconf("SC_CLK_TCK"))


def _of_tree(pid: int, name: str) -> Iterator[list[str]]:
    """The words of a file in ``/proc`` for a process and each descendant."""
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        try:
            text = Path(f"/proc/{current}/{name}").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has just ended
            continue
        yield text.rpartition(")")[2].split()
        waiting.extend(children(current))


def children(pid: int) -> list[int]:
    """The processes that ``pid``'s first thread has started; empty if it is gone."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(number) for number in text.split()]


def folder_bytes(folder: Path) -> int:
    """Allocated bytes of the files below ``folder``; links are not followed."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512  # noqa: PTH118 - hot
            except OSError:  # removed meanwhile
                continue
    return total
