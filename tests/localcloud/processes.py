"""What a stopped local cloud may not leave behind."""

import os
import socket
import time
from pathlib import Path

from warmfold_local import launcher


def processes_of(state_dir: Path) -> list[str]:
    """Command lines of processes that have the state folder in them or in their environment."""
    return _processes_with(str(state_dir))


def processes_of_function(state_dir: Path, name: str) -> list[str]:
    """Command lines of the Lambda function's processes in the local cloud of the state folder."""
    return _processes_with(str(state_dir), f"AWS_LAMBDA_FUNCTION_NAME={name}")


def _processes_with(*words: str) -> list[str]:
    needles, found = [word.encode() for word in words], []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line, variables = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if int(folder.name) != os.getpid() and all(word in line + variables for word in needles):
            found.append(line.replace(b"\0", b" ").decode(errors="replace"))
    return found


def assert_nothing_runs(state_dir: Path) -> None:
    """A process that was told to end may need a moment."""
    deadline = time.monotonic() + 15
    while (left := processes_of(state_dir)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    assert launcher.running(state_dir) is None


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return "State:\tZ" not in status.read_text() if status.exists() else True


def free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
