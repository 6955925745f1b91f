"""The walls around a container, each kind on machines where it works."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import BUCKET, Bench, channel
from warmfold_local.engine import sandbox, walls
from warmfold_local.engine.sandbox import Kind

BASE = "import os, pathlib\nbase = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def use(kind: Kind) -> Iterator[Kind]:
    if not sandbox.usable(kind):
        pytest.skip(f"{kind} does not work on this machine")
    with sandbox.forced(kind):
        yield kind


@pytest.fixture(params=["unshare", "bubblewrap"])
def walled(request: pytest.FixtureRequest) -> Iterator[Kind]:
    yield from use(request.param)


@pytest.fixture
def bubblewrap() -> Iterator[Kind]:
    yield from use("bubblewrap")


def completed(bench: Bench, code: str, **members: Any) -> None:
    bench.train(bench.image(code), **members)
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == "Completed", (job, bench.log("training"))


@pytest.mark.usefixtures("bubblewrap")
def test_the_container_has_its_files_at_the_real_path(bench: Bench) -> None:
    code = BASE + (
        "assert str(base) == '/opt/ml' == os.getcwd()\n"
        "pathlib.Path('/opt/ml/model/m.txt').write_text('m')\n"
        "assert os.environ['HOME'].startswith('/opt/ml/')\n"
    )
    completed(bench, code)
    assert (BUCKET, "out/job/output/model.tar.gz") in bench.s3.objects


@pytest.mark.usefixtures("bubblewrap")
def test_two_containers_do_not_see_each_others_files(bench: Bench) -> None:
    code = BASE + (
        "import time\n"
        "mark = pathlib.Path('/opt/ml/model/mark')\n"
        "assert not mark.exists()\n"
        "mark.write_text('x')\n"
        "pathlib.Path('/tmp/mark').open('x')\n"
        "time.sleep(0.5)\n"
    )
    image = bench.image(code)
    for name in ("one", "two"):
        bench.train(image, name)
    statuses = [bench.ended_training(name)["TrainingJobStatus"] for name in ("one", "two")]
    assert statuses == ["Completed", "Completed"]
    assert not Path("/tmp/mark").exists()


@pytest.mark.usefixtures("bubblewrap")
def test_the_rest_of_the_machine_can_only_be_read(bench: Bench, tmp_path: Path) -> None:
    data = bench.put("data/a.csv", "1")
    code = (
        BASE
        + f"""
for path in ("/etc/warmfold-was-here", {str(tmp_path / "mine")!r}, "/opt/ml/input/data/train/b"):
    try:
        pathlib.Path(path).write_text("x")
    except OSError:
        continue
    assert path.startswith({str(tmp_path)!r}), path
"""
    )
    completed(bench, code, InputDataConfig=[channel("train", data)])
    assert not (tmp_path / "mine").exists()


def test_the_clouds_secret_is_out_of_sight(bench: Bench, walled: Kind) -> None:
    state = bench.cloud.settings.state_dir
    state.mkdir(parents=True)
    (state / "instance.json").write_text(json.dumps({"secret": "s3cr3t"}), encoding="utf-8")
    secret = str(state / "instance.json")
    code = f"import os\nassert not os.path.exists({secret!r}) or not open({secret!r}).read()"
    completed(bench, code)
    assert walled


def test_a_container_sees_only_its_own_processes(bench: Bench, walled: Kind) -> None:
    code = """
        import pathlib
        seen = [p.read_bytes() for p in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
        assert 1 < len(seen) < 5, seen
        assert not any(b"97531" in line for line in seen)
    """
    with subprocess.Popen(["sleep", "97531"]) as other:
        try:
            completed(bench, code)
        finally:
            other.kill()
    assert walled


def test_an_isolated_container_has_no_network(bench: Bench, walled: Kind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"""
            import socket
            try:
                socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 2)
            except OSError:
                raise SystemExit(0)
            raise SystemExit("there is a network")
        """
        completed(bench, code, EnableNetworkIsolation=True)
    assert walled


def test_a_container_that_is_not_isolated_reaches_the_cloud(bench: Bench, walled: Kind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        completed(bench, f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)")
    assert walled


@pytest.mark.parametrize("kind", ["none", "unshare", "bubblewrap"])
def test_a_stop_is_a_sigterm_to_the_program_itself(bench: Bench, kind: Kind) -> None:
    code = """
        import signal, time
        def end(*_):
            print("asked to end", flush=True)
            raise SystemExit(0)
        signal.signal(signal.SIGTERM, end)
        print("ready", flush=True)
        time.sleep(60)
    """
    for _ in use(kind):
        bench.train(bench.image(code))
        bench.wait(lambda: "ready" in bench.log("training"))
        bench.call("StopTrainingJob", TrainingJobName="job")
        assert bench.ended_training()["TrainingJobStatus"] == "Stopped"
        assert bench.log("training") == "ready\nasked to end\n"


@pytest.mark.parametrize("kind", ["none", "unshare", "bubblewrap"])
@pytest.mark.parametrize("code, exit_code", [("raise SystemExit(7)", 7), ("KILL", 137)])
def test_the_exit_code_is_the_programs_own(
    bench: Bench, kind: Kind, code: str, exit_code: int
) -> None:
    killing = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    for _ in use(kind):
        bench.train(bench.image(killing if code == "KILL" else code))
        assert bench.ended_training()["FailureReason"].endswith(f"exit code: {exit_code}")


@pytest.mark.parametrize("kind", ["unshare", "bubblewrap"])
def test_what_left_the_group_ends_with_the_container_behind_walls(bench: Bench, kind: Kind) -> None:
    code = """
        import os, sys, subprocess
        late = "import sys, time; time.sleep(0.4); open(sys.argv[1], 'w')"
        path = os.environ["SAGEMAKER_BASE_DIR"] + "/model/stray"
        subprocess.Popen([sys.executable, "-S", "-c", late, path], start_new_session=True)
        raise SystemExit(1)
    """
    for _ in use(kind):
        bench.train(bench.image(code))
        bench.ended_training()
        model = bench.cloud.settings.state_dir / "jobs" / "training" / "job" / "ml" / "model"
        time.sleep(0.6)
        assert list(model.iterdir()) == []


def test_the_report_says_what_is_in_force_and_what_is_not() -> None:
    with sandbox.forced("none"):
        report = sandbox.isolation()
    assert [report.files, report.processes, report.network, report.host_names] == [False] * 4
    assert "bubblewrap" in report.remedy
    with sandbox.forced("bubblewrap"):
        assert sandbox.isolation().network
        assert sandbox.isolation().remedy == ""


def test_what_does_not_work_here_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(argv: Any, given: walls.Walls) -> list[str]:
        return ["false", str(argv), str(given)]

    monkeypatch.setitem(sandbox._BUILDERS, "bubblewrap", broken)
    sandbox.usable.cache_clear()
    try:
        assert not sandbox.usable("bubblewrap")
        assert sandbox.isolation().kind in ("unshare", "none")
    finally:
        sandbox.usable.cache_clear()
