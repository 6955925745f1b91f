"""How many cores this process may use, in a container too."""

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_cores(cgroup: Path = _CGROUP) -> int:
    """At least 1: the fewest of the cores it is bound to and what its cgroup's quota is worth.

    A container limited to two cores' time sees all cores of its host; one thread for each of
    them would wait for the scheduler most of the time.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _quota_cores(cgroup)
    return max(1, min(bound or 1, bound or 1 if quota is None else int(quota)))


def _quota_cores(cgroup: Path) -> float | None:
    """CPU time per wall time that the cgroup (version 2, else 1) grants; ``None``: no limit."""
    version_2 = _words(cgroup / "cpu.max")
    if version_2 is not None:
        return _ratio(*version_2[:2]) if len(version_2) > 1 else None
    for folder in ("cpu", "cpu,cpuacct"):
        quota = _words(cgroup / folder / "cpu.cfs_quota_us")
        period = _words(cgroup / folder / "cpu.cfs_period_us")
        if quota and period:
            return _ratio(quota[0], period[0])
    return None


def _ratio(quota: str, period: str) -> float | None:
    """Of two texts in microseconds; "max" and -1 mean no limit."""
    try:
        granted, per = int(quota), int(period)
    except ValueError:
        return None
    return granted / per if granted > 0 and per > 0 else None


def _words(path: Path) -> list[str] | None:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return None
