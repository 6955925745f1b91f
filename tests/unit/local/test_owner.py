"""Noticing the end of another process."""

import subprocess
import sys
import threading

from warmfold_local.owner import exists, when_gone

WAITING = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def test_the_end_of_a_process_is_noticed_and_not_before() -> None:
    gone = threading.Event()
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE) as process:
        when_gone(process.pid, gone.set)
        assert not gone.wait(0.2)
        assert exists(process.pid)
        process.kill()
        process.wait()
        assert gone.wait(5)
    assert not exists(process.pid)


def test_a_process_that_is_gone_already_is_noticed_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    gone = threading.Event()
    when_gone(process.pid, gone.set)
    assert gone.wait(5)
