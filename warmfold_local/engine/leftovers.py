"""What a killed server leaves behind: child process groups on record, and who ends them.

Every child's group is written down in a folder. Two readers end the groups found there: a guard
process, as soon as the server is gone (SIGKILL included), and the server's successor, should the
guard have been killed too. The guard notices by the end of a pipe, not by a parent-death signal:
that signal is bound to the thread that forked, reaches only the child itself, not its children,
and exists only on Linux.

This file is also the guard's program. It imports the standard library only, so that the guard
starts in a few milliseconds.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_CLEANUP_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Cleanup:
    """A command that ends what a process started elsewhere: a container of an engine."""

    command: Sequence[str]
    environment: Mapping[str, str]


def record(folder: Path, pid: int, cleanup: Cleanup | None = None) -> None:
    """Write down the process group led by ``pid``, and what is to be run when it is left over."""
    values: dict[str, object] = {"started": _started(pid), "boot": _boot()}
    if cleanup is not None:
        values["cleanup"] = asdict(cleanup)
    (folder / f"{pid}.json").write_text(json.dumps(values), encoding="utf-8")


def forget(folder: Path, pid: int) -> None:
    (folder / f"{pid}.json").unlink(missing_ok=True)


def kill_leftovers(folder: Path) -> int:
    """SIGKILL every recorded group that is still the one recorded; returns how many there were.

    A process id is used again some day: a leader that started at another time is somebody else's.
    """
    killed = 0
    for path in sorted(folder.glob("*.json")):
        pid = int(path.stem)
        if _is_ours(pid, path) and kill_group(pid):
            killed += 1
        _clean_up(path)
        path.unlink(missing_ok=True)
    return killed


def kill_group(pid: int) -> bool:
    """SIGKILL the group that ``pid`` leads or led; false if it has no member left."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def terminate(pid: int) -> None:
    """SIGTERM to one process; nothing if it has ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def start_guard(folder: Path) -> "subprocess.Popen[bytes]":
    """A process that ends every recorded group once the caller is gone."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    )


def _clean_up(path: Path) -> None:
    try:
        cleanup = json.loads(path.read_text(encoding="utf-8")).get("cleanup")
    except (FileNotFoundError, ValueError):
        return
    if cleanup is not None:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                cleanup["command"],
                env=cleanup["environment"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_CLEANUP_SECONDS,
                check=False,
            )


def _is_ours(pid: int, path: Path) -> bool:
    try:
        identity = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:  # the other reader has just dealt with it
        return False
    except ValueError:  # cut off by the very kill: without an identity nobody is killed
        return False
    if identity.get("boot") != _boot():
        return False
    started = _started(pid)
    return started is None or started == identity.get("started")


def _started(pid: int) -> str | None:
    """When the process started, in the system's own unit; ``None`` if there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        except (FileNotFoundError, ProcessLookupError):
            return None
    found = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


if __name__ == "__main__":
    sys.stdin.buffer.read()
    kill_leftovers(Path(sys.argv[1]))
