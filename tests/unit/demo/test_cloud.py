"""Who a running local cloud belongs to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from warmfold.cli.main import run
from warmfold.demo.cloud import demo_cloud, note_owner, state_faults, stop_orphan
from warmfold.errors import WarmfoldError
from warmfold_local import launcher

pytestmark = pytest.mark.localcloud


def ended_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_the_cloud_is_stopped_when_the_block_fails(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        demo_cloud(tmp_path / "a state", tmp_path / "images", keep=True),
    ):
        raise KeyboardInterrupt
    assert launcher.running(tmp_path / "a state") is None


def test_a_kept_cloud_is_left_alone_and_an_orphan_is_not(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with (
        demo_cloud(state, tmp_path / "images", keep=True) as instance,
        pytest.raises(WarmfoldError, match=f"process {os.getpid()} is using"),
    ):
        stop_orphan(state)
    try:
        with pytest.raises(WarmfoldError, match="already running"):
            stop_orphan(state)
        assert launcher.running(state) is not None
        note_owner(state, instance, ended_pid())  # as a killed `demo --keep` leaves it
        stop_orphan(state)
        assert launcher.running(state) is None
    finally:
        launcher.stop(state)


def test_a_stopped_cloud_that_is_kept_is_refused_and_its_state_untouched(tmp_path: Path) -> None:
    state = tmp_path / "state"
    launcher.start(state, tmp_path / "images")
    launcher.stop(state, keep_state=True)
    before = launcher.kept(state)
    assert before is not None
    with pytest.raises(WarmfoldError) as raised, demo_cloud(state, tmp_path, keep=False):
        pass
    for words in (str(state), "local up`", "local reset`", "--state-dir FOLDER demo`"):
        assert words in str(raised.value)
    assert launcher.kept(state) == before
    (state / "identity.json").write_text("{", encoding="utf-8")
    [fault] = state_faults(state)
    assert "cannot be read" in fault
    assert launcher.reset(state)
    assert list(state_faults(state)) == []


@pytest.mark.parametrize("kept", [True, False])
def test_what_a_demo_killed_with_its_cloud_left_is_in_nobodys_way(
    tmp_path: Path, kept: bool
) -> None:
    """`--keep` or not: the demo had not come to its end, so nobody has kept anything."""
    state, owner = tmp_path / "state", os.getpid()
    instance = launcher.start(state, tmp_path / "images", owner_pid=None if kept else owner)
    note_owner(state, instance, ended_pid())
    os.kill(instance.pid, signal.SIGKILL)
    os.waitpid(instance.pid, 0)
    assert list(state_faults(state)) == []
    with demo_cloud(state, tmp_path / "images", keep=False):
        pass
    assert list(state_faults(state)) == []


def test_a_kept_cloud_that_was_killed_is_still_kept(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with demo_cloud(state, tmp_path / "images", keep=True) as instance:
        pass
    os.kill(instance.pid, signal.SIGKILL)
    os.waitpid(instance.pid, 0)
    try:
        [fault] = state_faults(state)
        assert "`warmfold local up`" in fault
    finally:
        launcher.reset(state)


def test_the_demo_refuses_before_its_first_phase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Running or stopped; nothing is built first."""
    state = tmp_path / "state"
    launcher.start(state, tmp_path / "images")
    try:
        for words in ("already running", "is kept in"):
            assert run(["--state-dir", str(state), "demo"]) == 2
            said = capsys.readouterr()
            assert words in said.err
            assert said.out == ""
            launcher.stop(state, keep_state=True)
    finally:
        launcher.reset(state)


def test_without_a_cloud_there_is_nothing_to_stop(tmp_path: Path) -> None:
    stop_orphan(tmp_path)
    assert not list(tmp_path.iterdir())
