"""Who a running local cloud belongs to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from warmfold.demo.cloud import demo_cloud, note_owner, stop_orphan
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


def test_without_a_cloud_there_is_nothing_to_stop(tmp_path: Path) -> None:
    stop_orphan(tmp_path)
    assert not list(tmp_path.iterdir())
