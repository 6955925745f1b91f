"""Containers as child processes: own group, own log, a clean end whatever happens.

What a container runtime promises is kept: a container ends when its first process does, and
whatever else it started ends with it; a stop is SIGTERM to the first process, then SIGKILL.
"""

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from resource import struct_rusage
from typing import IO

from warmfold_local.engine import leftovers

logger = logging.getLogger("warmfold_local")

# A line is handed on in pieces of this size, so that output without line ends fills no memory.
LINE_BYTES = 64 * 1024

# How long output may go on after the end: only a process that left the group can still write.
_DRAIN_SECONDS = 2.0

_lock = threading.Lock()
_live: "set[Child]" = set()
_records: Path | None = None
_guard: "subprocess.Popen[bytes] | None" = None


def supervise(state_dir: Path) -> int:
    """Record every child from now on, under ``state_dir/children``; the server calls it at start.

    Ends what a killed predecessor left there, and returns how many groups that were. From now on
    no child outlives this process, even if it is killed.
    """
    global _records, _guard
    folder = state_dir / "children"
    with _lock:
        if folder == _records:
            return 0
        folder.mkdir(parents=True, exist_ok=True)
        killed = leftovers.kill_leftovers(folder)
        _end_guard()
        _records, _guard = folder, leftovers.start_guard(folder)
        return killed


def stop_all(grace_seconds: float) -> None:
    """Stop every live child, all at once, and the guard; at shutdown."""
    global _records
    with _lock:
        children = list(_live)
    threads = [threading.Thread(target=child.stop, args=(grace_seconds,)) for child in children]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with _lock:
        _records = None
        _end_guard()


def _end_guard() -> None:
    """End the guard by the end of its pipe; it finds nothing recorded to kill by then."""
    global _guard
    if _guard is not None and _guard.stdin is not None:
        _guard.stdin.close()
        _guard.wait()
    _guard = None


class Child:
    """One running process group; stdout and stderr are appended to ``log_path`` as they come.

    ``environment`` is the child's whole environment. ``on_line`` is given each line, decoded with
    replacement characters and without its line end, in order, on a thread of the child's own.
    ``first_process`` finds the container's own first process, which a stop is sent to, where the
    program is only what starts it. ``descriptors`` are handed on. ``cleanup`` is what
    ends what it started elsewhere, for whoever finds it left over. Raises ``OSError`` if the
    program cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        working_dir: Path,
        log_path: Path,
        on_line: Callable[[str], None] | None = None,
        first_process: Callable[[int], int | None] = lambda pid: pid,
        descriptors: Sequence[int] = (),
        cleanup: leftovers.Cleanup | None = None,
    ) -> None:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._on_line = on_line
        self._first_process = first_process
        self._code: int | None = None
        self.used: struct_rusage | None = None  # the kernel's account, once it has ended
        self._ended = threading.Event()
        self._reaping = threading.Lock()
        log = log_path.open("ab")
        try:
            self._process = subprocess.Popen(
                list(argv),
                env=dict(environment),
                cwd=working_dir,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=descriptors,
            )
        except OSError:
            log.close()
            raise
        self.pid = self._process.pid
        self._recorded_in = self._register(cleanup)
        self._reader = threading.Thread(target=self._read, args=(log,), daemon=True)
        self._reader.start()
        threading.Thread(target=self._reap, daemon=True).start()

    def wait(self, timeout_seconds: float | None = None) -> int | None:
        """The exit code as a shell gives it (137 = killed by signal 9); ``None`` on time-out.

        All output has been written and handed to ``on_line`` when this returns a code.
        """
        return self._code if self._ended.wait(timeout_seconds) else None

    def stop(self, grace_seconds: float) -> int:
        """SIGTERM to the first process, SIGKILL to the group after the grace; the exit code."""
        self._ask_to_end()
        if not self._ended.wait(grace_seconds):
            self.kill()
            self._ended.wait()
        if self._code is None:
            raise RuntimeError(f"process {self.pid} ended without an exit code")
        return self._code

    def _ask_to_end(self) -> None:
        with self._reaping:
            if self._process.returncode is None:
                leftovers.terminate(self._first_process(self.pid) or self.pid)

    def kill(self) -> None:
        """SIGKILL to the first process, with which all it started ends; nothing once it ended."""
        with self._reaping:  # while the process is not reaped, nobody else can have its id
            if self._process.returncode is None:
                self._force_end()

    @property
    def measured_pid(self) -> int:
        """The process whose tree is what the container uses."""
        return self.pid

    def _force_end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def _after(self, code: int) -> None:
        """Once the process has ended, before anybody is told. ``code`` is negative for a signal."""

    def _register(self, cleanup: leftovers.Cleanup | None) -> Path | None:
        with _lock:
            _live.add(self)
            if _records is not None:
                leftovers.record(_records, self.pid, cleanup)
            return _records

    def _read(self, log: IO[bytes]) -> None:
        stream = self._process.stdout
        if stream is None:
            raise RuntimeError("the child was started without a pipe")
        with log, stream:
            while line := stream.readline(LINE_BYTES):
                log.write(line)
                log.flush()
                self._hand_on(line)

    def _hand_on(self, line: bytes) -> None:
        if self._on_line is None:
            return
        try:
            self._on_line(line.decode("utf-8", "replace").rstrip("\r\n"))
        except Exception:  # the pipe must be read on, or the child stands still
            logger.exception("a line of process %d could not be handled", self.pid)

    def _reap(self) -> None:
        if hasattr(os, "waitid"):  # see the end without reaping: until then the id stays taken
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            with self._reaping:
                leftovers.kill_group(self.pid)
                code = self._take()
        else:  # macOS before Python 3.13
            code = self._take()
            leftovers.kill_group(self.pid)
        self._reader.join(_DRAIN_SECONDS)
        self._after(code)
        with _lock:
            _live.discard(self)
            if self._recorded_in is not None:
                leftovers.forget(self._recorded_in, self.pid)
        self._code = code if code >= 0 else 128 - code
        self._ended.set()

    def _take(self) -> int:
        """Reap the process, with what it used; ``subprocess`` is told, as it must not wait too."""
        _, status, self.used = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._process.returncode
