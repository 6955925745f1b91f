"""Child processes: output, exit codes, ends, and what a killed server leaves behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from warmfold_local.engine import leftovers, process
from warmfold_local.engine.process import Child

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def start(folder: Path, code: str, lines: list[str] | None = None) -> Child:
    return Child(
        [sys.executable, "-S", "-c", textwrap.dedent(code)],
        environment=ENVIRONMENT,
        working_dir=folder,
        log_path=folder / "logs" / "log.txt",
        on_line=None if lines is None else lines.append,
    )


def exists(pid: int) -> bool:
    """Whether the process runs; one that waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_gone(pid: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while exists(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not exists(pid)


def wait_for_file(path: Path) -> str:
    deadline = time.monotonic() + 10
    while not (path.exists() and path.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return path.read_text(encoding="utf-8")


def test_output_of_both_streams_reaches_log_and_listener_in_order(tmp_path: Path) -> None:
    lines: list[str] = []
    code = """
        import sys
        for i in range(200):
            print(i, file=(sys.stdout, sys.stderr)[i % 2], flush=True)
    """
    assert start(tmp_path, code, lines).wait() == 0
    assert lines == [str(i) for i in range(200)]
    assert (tmp_path / "logs" / "log.txt").read_text(encoding="utf-8").split() == lines


def test_output_that_is_not_utf8_is_kept_as_it_is_and_listened_to_with_replacements(
    tmp_path: Path,
) -> None:
    lines: list[str] = []
    code = r"import sys; sys.stdout.buffer.write(b'caf\xe9\nlast without end')"
    assert start(tmp_path, code, lines).wait() == 0
    assert lines == ["caf�", "last without end"]
    assert (tmp_path / "logs" / "log.txt").read_bytes() == b"caf\xe9\nlast without end"


def test_a_line_without_end_is_handed_on_in_pieces(tmp_path: Path) -> None:
    lines: list[str] = []
    assert start(tmp_path, "print('x' * 1_000_000, end='')", lines).wait() == 0
    assert max(map(len, lines)) == process.LINE_BYTES
    assert sum(map(len, lines)) == 1_000_000


def test_a_listener_that_fails_does_not_stop_the_child(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(line: str) -> None:
        raise ValueError(line)

    child = Child(
        [sys.executable, "-S", "-c", "print(1); print(2)"],
        environment=ENVIRONMENT,
        working_dir=tmp_path,
        log_path=tmp_path / "log.txt",
        on_line=broken,
    )
    assert child.wait() == 0
    assert (tmp_path / "log.txt").read_text(encoding="utf-8") == "1\n2\n"
    assert "could not be handled" in caplog.text


@pytest.mark.parametrize(
    "code, expected",
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143),
    ],
)
def test_exit_codes_are_those_of_a_shell(tmp_path: Path, code: str, expected: int) -> None:
    assert start(tmp_path, code).wait() == expected


def test_the_environment_is_exactly_the_given_one(tmp_path: Path) -> None:
    lines: list[str] = []
    assert start(tmp_path, "import os; print(sorted(os.environ))", lines).wait() == 0
    assert set(eval(lines[0])) <= {"PATH", "LC_CTYPE"}  # noqa: S307 - Python sets LC_CTYPE itself


def test_a_program_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Child(["nonesuch"], environment=ENVIRONMENT, working_dir=tmp_path, log_path=tmp_path / "l")


def test_waiting_ends_with_none_on_time_out(tmp_path: Path) -> None:
    child = start(tmp_path, "import time; time.sleep(60)")
    assert child.wait(0.05) is None
    assert child.stop(5) == 143
    assert child.wait() == 143


def test_a_child_may_end_in_its_own_way_on_sigterm(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = f"""
        import signal, time, pathlib
        def end(*_):
            raise SystemExit(143)
        signal.signal(signal.SIGTERM, end)
        pathlib.Path({str(ready)!r}).write_text("yes")
        try:
            time.sleep(60)
        finally:
            print("saved", flush=True)
    """
    lines: list[str] = []
    child = start(tmp_path, code, lines)
    wait_for_file(ready)
    assert child.stop(10) == 143
    assert lines == ["saved"]


def test_sigkill_follows_when_the_grace_is_over(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = f"""
        import signal, time, pathlib
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(ready)!r}).write_text("yes")
        time.sleep(60)
    """
    child = start(tmp_path, code)
    wait_for_file(ready)
    began = time.monotonic()
    assert child.stop(0.3) == 137
    assert 0.3 <= time.monotonic() - began < 5


def test_what_the_child_started_ends_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"""
        import subprocess, sys, pathlib
        other = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
        pathlib.Path({str(pid_file)!r}).write_text(str(other.pid))
    """
    began = time.monotonic()
    assert start(tmp_path, code).wait() == 0
    assert time.monotonic() - began < 5  # although the other one holds the pipe
    assert wait_gone(int(pid_file.read_text(encoding="utf-8")))


def test_stop_all_ends_every_child_at_once(tmp_path: Path) -> None:
    children = [start(tmp_path, "import time; time.sleep(60)") for _ in range(3)]
    process.stop_all(5)
    assert [child.wait(0) for child in children] == [143, 143, 143]


SERVER = """
import pathlib, sys, time
from warmfold_local.engine import process
state = pathlib.Path(sys.argv[1])
process.supervise(state)
python = [sys.executable, "-S", "-c"]
code = '''
import subprocess, sys, time
other = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
print(other.pid, flush=True)
time.sleep(60)
'''
lines = []
child = process.Child([*python, code], environment={"PATH": "/usr/bin:/bin"},
                      working_dir=state, log_path=state / "log.txt", on_line=lines.append)
while not lines:
    time.sleep(0.01)
(state / "pids").write_text(f"{child.pid} {lines[0]} {process._guard.pid}")
time.sleep(60)
"""


def killed_server(state: Path, *, guard_too: bool) -> tuple[int, int]:
    """Pids of a child and of its own child, whose server was killed."""
    state.mkdir(parents=True)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(state)])
    child, grandchild, guard = map(int, wait_for_file(state / "pids").split())
    assert exists(child)
    assert exists(grandchild)
    if guard_too:
        os.kill(guard, signal.SIGKILL)
    server.kill()
    server.wait()
    return child, grandchild


def test_no_child_outlives_a_killed_server(tmp_path: Path) -> None:
    pids = killed_server(tmp_path / "a state", guard_too=False)
    assert all(wait_gone(pid) for pid in pids)


def test_a_successor_ends_what_a_killed_server_and_its_killed_guard_left(tmp_path: Path) -> None:
    state = tmp_path / "a state"
    pids = killed_server(state, guard_too=True)
    assert all(exists(pid) for pid in pids)
    assert process.supervise(state) == 1
    assert all(wait_gone(pid) for pid in pids)
    process.stop_all(1)


def test_a_process_that_took_over_a_recorded_id_is_left_alone(tmp_path: Path) -> None:
    bystander = start(tmp_path, "import time; time.sleep(60)")
    (tmp_path / f"{bystander.pid}.json").write_text(
        f'{{"started": "1", "boot": "{leftovers._boot()}"}}', encoding="utf-8"
    )
    (tmp_path / "1234567.json").write_text("{", encoding="utf-8")
    assert leftovers.kill_leftovers(tmp_path) == 0
    assert bystander.wait(0.05) is None
    assert not list(tmp_path.glob("*.json"))
    bystander.stop(5)


def test_children_that_ended_are_no_longer_on_record(tmp_path: Path) -> None:
    process.supervise(tmp_path)
    try:
        child = start(tmp_path, "import time; time.sleep(60)")
        assert [path.stem for path in (tmp_path / "children").iterdir()] == [str(child.pid)]
        child.stop(5)
        assert list((tmp_path / "children").iterdir()) == []
    finally:
        process.stop_all(5)
