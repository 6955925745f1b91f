"""Containers of an engine, driven through a stand-in client; tests/container has the real ones."""

import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from warmfold_local.engine import leftovers
from warmfold_local.engine.images import Engine
from warmfold_local.engine.oci import OciChild, run_arguments

# Notes every call; `run` stays until it is asked to end, and `kill` ends it as an engine would.
CLIENT = f"""#!{sys.executable} -S
import json, os, signal, sys, time
folder = os.environ["CALLS"]
with open(folder + "/calls", "a") as calls:
    calls.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
running = folder + "/pid"
if sys.argv[1] == "run":
    open(running, "w").write(str(os.getpid()))
    print("output", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
    while True:
        time.sleep(0.05)
elif sys.argv[1] == "kill":
    os.kill(int(open(running).read()), signal.SIGKILL)
elif sys.argv[1] == "inspect":
    print(open(running).read())
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    program = tmp_path / "bin" / "podman"
    program.parent.mkdir()
    program.write_text(CLIENT, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Engine(program=str(program), image_id="sha256:1", environment={"CALLS": str(tmp_path)})


def calls(engine: Engine) -> list[tuple[list[str], dict[str, str]]]:
    lines = (Path(engine.environment["CALLS"]) / "calls").read_text().splitlines()
    return [(arguments, environment) for arguments, environment in map(json.loads, lines)]


def started(engine: Engine, tmp_path: Path, **variables: str) -> OciChild:
    lines: list[str] = []
    child = OciChild(
        engine,
        ["image", "train"],
        variables=variables,
        working_dir=tmp_path,
        log_path=tmp_path / "log.txt",
        on_line=lines.append,
    )
    deadline = time.monotonic() + 20
    while lines != ["output"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return child


def test_a_secret_stands_in_no_command_line(engine: Engine, tmp_path: Path) -> None:
    child = started(engine, tmp_path, AWS_SECRET_ACCESS_KEY="hidden", PATH="/container")
    child.kill()
    child.wait(10)
    arguments, environment = calls(engine)[0]
    assert not any("hidden" in argument for argument in arguments)
    assert environment["AWS_SECRET_ACCESS_KEY"] == "hidden"
    assert "--env=AWS_SECRET_ACCESS_KEY" in arguments
    assert "--env=PATH=/container" in arguments
    assert "PATH" not in environment  # the client's own surroundings are not the container's


def test_a_stop_is_passed_on_by_the_client(engine: Engine, tmp_path: Path) -> None:
    child = started(engine, tmp_path)
    assert child.stop(10) == 9


def test_a_kill_goes_to_the_container_and_nothing_of_it_stays(
    engine: Engine, tmp_path: Path
) -> None:
    child = started(engine, tmp_path)
    assert child.measured_pid == child.pid  # what the stand-in says of itself
    child.kill()
    assert child.wait(10) == 137
    assert [arguments[0] for arguments, _ in calls(engine)] == ["run", "inspect", "kill", "rm"]
    assert calls(engine)[-1][0][-1] == child.name
    assert child.used is None


def test_whoever_finds_a_container_left_over_removes_it(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "children"
    folder.mkdir()
    cleanup = leftovers.Cleanup(
        command=[engine.program, "rm", "--force", "name"], environment=engine.environment
    )
    leftovers.record(folder, 2**22 - 1, cleanup)  # its client is long gone
    assert leftovers.kill_leftovers(folder) == 0
    assert [arguments for arguments, _ in calls(engine)] == [["rm", "--force", "name"]]
    assert not list(folder.iterdir())


def test_the_folder_is_mounted_and_its_data_read_only(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "input" / "data").mkdir(parents=True)
    hosts = tmp_path / "hosts"
    arguments = run_arguments(
        engine, ["prog", "train"], base_dir=tmp_path, hosts_path=hosts, isolated=True, peer=None
    )
    assert f"type=bind,src={tmp_path},dst=/opt/ml" in arguments
    assert f"type=bind,src={tmp_path}/input/data,dst=/opt/ml/input/data,readonly" in arguments
    assert f"type=bind,src={hosts},dst=/etc/hosts,readonly" in arguments
    assert arguments[-3:] == ["--entrypoint=prog", "sha256:1", "train"]


@pytest.mark.parametrize("isolated, network", [(False, "host"), (True, "none")])
def test_an_isolated_container_has_no_network(
    engine: Engine, tmp_path: Path, isolated: bool, network: str
) -> None:
    arguments = run_arguments(
        engine, ["prog"], base_dir=tmp_path, hosts_path=None, isolated=isolated, peer=None
    )
    assert f"--network={network}" in arguments


def test_the_hosts_of_an_isolated_job_share_the_firsts_network(
    engine: Engine, tmp_path: Path
) -> None:
    first = started(engine, tmp_path)
    try:
        arguments = run_arguments(
            engine, ["prog"], base_dir=tmp_path, hosts_path=None, isolated=True, peer=first
        )
    finally:
        first.kill()
        first.wait(10)
    assert f"--network=ns:/proc/{first.pid}/ns/net" in arguments


def test_docker_leaves_an_ordinary_user_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    docker = Engine(program="/usr/bin/docker", image_id="i", environment={})
    podman = Engine(program="/usr/bin/podman", image_id="i", environment={})
    users = [
        [word for word in arguments if word.startswith("--user")]
        for arguments in (
            run_arguments(e, ["p"], base_dir=tmp_path, hosts_path=None, isolated=True, peer=None)
            for e in (docker, podman)
        )
    ]
    assert users == [[f"--user=1234:{os.getegid()}"], []]
