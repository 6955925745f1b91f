"""Starting and stopping, and what is left after the worst end of a predecessor."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.conftest import TINY_SERVER, wait_for, with_role
from tests.localcloud.hosting_aids import Hosting
from tests.localcloud.processes import alive, free
from warmfold_local import launcher
from warmfold_local.launcher import Instance, LocalCloudError

pytestmark = pytest.mark.localcloud

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "state with spaces"
    yield path
    launcher.stop(path)


def start(state_dir: Path, **members: Any) -> Instance:
    return launcher.start(state_dir, state_dir.parent / "images", **members)


def serve_something(instance: Instance) -> int:
    """Bring up an endpoint; the process id of its server."""
    hosting = Hosting(with_role(instance))
    hosting.settled(hosting.create(hosting.config(hosting.cloud.tiny_server())))
    records = list((instance.settings.state_dir / "children").glob("*.json"))
    assert len(records) == 1
    return int(records[0].stem)


def test_a_stop_leaves_logs_and_nothing_else(state_dir: Path) -> None:
    instance = start(state_dir)
    server = serve_something(instance)
    assert launcher.running(state_dir) == instance
    assert launcher.stop(state_dir) is True
    assert launcher.running(state_dir) is None
    assert not alive(instance.pid)
    assert not alive(server)
    assert free(instance.settings.port)
    left = {path.name for path in state_dir.iterdir() if not path.name.startswith(".")}
    assert left == {"jobs", "server.log"}
    assert launcher.stop(state_dir) is False


def test_the_secret_is_random_and_for_the_owners_eyes(state_dir: Path) -> None:
    secrets = set()
    for _ in range(2):
        instance = start(state_dir)
        file = state_dir / "instance.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
        secret = instance.settings.secret
        assert secret in file.read_text()
        command = subprocess.run(
            ["ps", "-o", "command=", "-p", str(instance.pid)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert secret not in command
        secrets.add(secret)
        launcher.stop(state_dir)
        assert secret not in instance.log_path.read_text()
    assert len(secrets) == 2


def test_nothing_of_the_callers_environment_reaches_the_server(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    instance = start(state_dir)
    listed = subprocess.run(
        ["ps", "eww", "-o", "command=", "-p", str(instance.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "TMPDIR=" in listed
    assert not [word for word in ("production", "real", "/nowhere") if f"={word}" in listed]


def test_a_killed_predecessor_and_its_containers_are_cleaned_up(state_dir: Path) -> None:
    first = start(state_dir)
    server = serve_something(first)
    os.kill(first.pid, signal.SIGKILL)
    second = start(state_dir)
    assert not alive(first.pid)
    assert not alive(server)
    assert second.settings.secret != first.settings.secret
    hosting = Hosting(with_role(second))
    assert hosting.sagemaker.list_endpoints()["Endpoints"] == []
    assert not (state_dir / "jobs" / "endpoint").exists()


def test_a_hanging_predecessor_is_replaced(state_dir: Path) -> None:
    first = start(state_dir)
    os.kill(first.pid, signal.SIGSTOP)
    second = start(state_dir)
    assert not alive(first.pid)
    assert launcher.running(state_dir) == second


def test_nobody_elses_process_is_touched_for_a_stale_record(state_dir: Path) -> None:
    """The predecessor's process id now belongs to another program."""
    instance = start(state_dir)
    os.kill(instance.pid, signal.SIGKILL)
    with subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True) as other:
        record = state_dir / "server" / f"{instance.pid}.json"
        record.rename(record.with_name(f"{other.pid}.json"))
        start(state_dir)
        assert alive(other.pid)
        other.kill()


def test_everything_ends_with_its_owner(state_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, start_new_session=True
    ) as owner:
        instance = start(state_dir, owner_pid=owner.pid)
        server = serve_something(instance)
        owner.kill()
        owner.wait()
        wait_for(lambda: not alive(instance.pid), "the server's end")
    assert not alive(server)
    assert free(instance.settings.port)
    assert not (state_dir / "instance.json").exists()
    assert not (state_dir / "tmp").exists()


def test_a_server_whose_owner_is_gone_already_does_not_stay(state_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as owner:
        owner.wait()
    with suppress(LocalCloudError):  # it may or may not have answered once
        start(state_dir, owner_pid=owner.pid)
    pids = [int(path.stem) for path in (state_dir / "server").glob("*.json")]
    wait_for(lambda: not any(alive(pid) for pid in pids), "the server's end")
    assert launcher.running(state_dir) is None


def test_a_second_start_in_the_same_folder_is_refused(state_dir: Path) -> None:
    instance = start(state_dir)
    with pytest.raises(LocalCloudError, match=f"already running.*process {instance.pid}"):
        start(state_dir)
    assert launcher.running(state_dir) == instance


def test_a_taken_port_is_named(state_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalCloudError, match=f"port {port} of 127.0.0.1 is taken"):
            start(state_dir, port=port)
    assert start(state_dir, port=port).settings.port == port


def test_a_folder_of_somebody_else_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    with pytest.raises(LocalCloudError, match="not a local cloud's folder and is not empty"):
        start(tmp_path)
    assert (tmp_path / "jobs").is_dir()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = state_dir.parent / "python"
    broken.write_text("#!/bin/sh\necho no module of that name\nexit 7\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(LocalCloudError, match=r"(?s)exit code 7.*no module of that name"):
        start(state_dir)
    assert not (state_dir / "instance.json").exists()


def test_another_programs_port_is_not_taken_for_the_local_cloud(state_dir: Path) -> None:
    """After a crash the port may belong to somebody else, who answers the health path."""
    instance = start(state_dir)
    file = (state_dir / "instance.json").read_text()
    launcher.stop(state_dir)
    with subprocess.Popen(
        [sys.executable, "-I", str(TINY_SERVER)],
        env={
            "WARMFOLD_BIND_HOST": "127.0.0.1",
            "SAGEMAKER_BIND_TO_PORT": str(instance.settings.port),
        },
    ) as other:
        wait_for(lambda: not free(instance.settings.port), "the other server")
        connection = http.client.HTTPConnection("127.0.0.1", instance.settings.port)
        connection.request("GET", "/_warmfold/health")
        assert connection.getresponse().status == 200
        connection.close()
        (state_dir / "instance.json").write_text(file)
        assert launcher.running(state_dir) is None
        other.kill()
