"""The local cloud with a container engine: the same jobs, in the real images."""

import json
import os
import signal
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.container.conftest import HYPERPARAMETERS, SELECTED
from tests.container.engine import PROJECT, ROOT, NoEngineError, find_engine, require_base_image
from tests.container.local_bench import (
    BUCKET,
    JOB_SECONDS,
    REGISTRY,
    TRAINER,
    Bench,
    Way,
    running,
)
from tests.localcloud.conftest import wait_for
from warmfold.container_images import ContainerEngine
from warmfold.images import ImageSpec, build_images

pytestmark = pytest.mark.container


@pytest.fixture(scope="session")
def engine() -> ContainerEngine:
    try:
        found = find_engine()
        require_base_image(found)
    except NoEngineError as reason:
        pytest.skip(str(reason))
    return "docker" if found.program == "docker" else "podman"


@pytest.fixture(scope="session")
def image_folders(
    engine: ContainerEngine, tmp_path_factory: pytest.TempPathFactory
) -> dict[Way, Path]:
    """The example's images, built both ways."""
    root = tmp_path_factory.mktemp("images")
    specs = [
        ImageSpec(
            repository="warmfold-local-trainer", tag="v1", kind="trainer", project_dir=PROJECT
        ),
        ImageSpec(repository="warmfold-local-server", tag="v1", kind="server", project_dir=PROJECT),
    ]
    build_images(ROOT, root / "process", specs)
    build_images(ROOT, root / "engine", specs, engine=engine)
    return {"process": root / "process", "engine": root / "engine"}


@pytest.fixture(scope="session")
def bench(
    image_folders: dict[Way, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    with running(image_folders["engine"], tmp_path_factory.mktemp("by engine")) as found:
        yield found


def run_project(bench: Bench) -> dict[str, bytes]:
    """Features, a trial, the final model and its evaluation; every artifact by name."""
    data = (PROJECT / "data" / "german_credit.csv").read_bytes()
    bench.put("raw/german_credit.csv", data)
    raw = f"s3://{BUCKET}/raw/"
    split = {"WARMFOLD_FOLDS": "3", "WARMFOLD_HOLDOUT_FRACTION": "0.2", "WARMFOLD_SEED": "3"}
    bench.process("features", "process", {"raw": raw}, **split)
    train = {"train": f"s3://{BUCKET}/features/train"}
    bench.start_training("trial", HYPERPARAMETERS, train)
    _completed(bench, "trial")
    fold_hash = json.loads(bench.get("features/train/schema.json"))["fold_hash"]
    selected = replace(SELECTED, fold_hash=fold_hash)
    bench.put("selection/selected_trial.json", selected.to_json().encode())
    channels = {
        **train,
        "selection": f"s3://{BUCKET}/selection",
        "trial": f"s3://{BUCKET}/out/trial/output/output.tar.gz",
    }
    final = {"warmfold_mode": "final", "warmfold_metric": "auc", "warmfold_seed": "3"}
    bench.start_training("final", final, channels)
    _completed(bench, "final")
    bench.put("champion/champion.json", b'{"format": 1, "status": "none"}')
    inputs = {
        "model": f"s3://{BUCKET}/out/final/output/model.tar.gz",
        "holdout": f"s3://{BUCKET}/features/holdout",
        "holdout_rows": f"s3://{BUCKET}/features/transform",
        "champion": f"s3://{BUCKET}/champion",
    }
    bench.process("evaluation", "evaluate", inputs, WARMFOLD_METRIC="auc")
    return {
        **_members(bench.get("out/trial/output/model.tar.gz"), "trial"),
        **_members(bench.get("out/trial/output/output.tar.gz"), "trial output"),
        **_members(bench.get("out/final/output/model.tar.gz"), "final"),
        "evaluation": bench.get("evaluation/evaluation/evaluation.json"),
    }


def _completed(bench: Bench, name: str) -> None:
    job = bench.ended_training(name)
    assert job["TrainingJobStatus"] == "Completed", (job, bench.log(name))


def _members(archive: bytes, prefix: str) -> dict[str, bytes]:
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        found = {}
        for member in tar.getmembers():
            stream = tar.extractfile(member)
            if stream is not None:
                found[f"{prefix}/{member.name}"] = stream.read()
    return found


def test_both_engines_make_the_same_artifacts(
    bench: Bench, image_folders: dict[Way, Path], tmp_path: Path
) -> None:
    by_engine = run_project(bench)
    with running(image_folders["process"], tmp_path / "by process") as other:
        by_process = run_project(other)
    name = "trial output/out_of_fold.npz"
    one, other = (np.load(BytesIO(found.pop(name))) for found in (by_engine, by_process))
    assert np.array_equal(one["row_id"], other["row_id"])
    # The images' C library has an exponential of its own.
    assert np.allclose(one["score"], other["score"], rtol=1e-12, atol=0)
    assert sorted(by_engine) == sorted(by_process)
    assert by_engine == by_process


def test_what_a_container_used_is_recorded(bench: Bench) -> None:
    wait = "import time; end = time.process_time() + 2\nwhile time.process_time() < end: pass"
    _start_python(bench, "busy", wait)
    assert bench.ended_training("busy")["TrainingJobStatus"] == "Completed"
    path = bench.instance.settings.state_dir / "jobs" / "training" / "busy" / "resources.json"
    used = json.loads(path.read_text(encoding="utf-8"))["hosts"]["algo-1"]
    assert used["cpu_seconds"] >= 1
    assert used["peak_memory_bytes"] > 4_000_000


def test_a_stop_reaches_the_program_and_its_work_is_kept(bench: Bench) -> None:
    code = (
        "import signal, sys, time, pathlib\n"
        "def leave(*_):\n"
        "    pathlib.Path('/opt/ml/model/kept').write_text('kept')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "print('waiting', flush=True)\n"
        "time.sleep(300)\n"
    )
    _start_python(bench, "stopped", code)
    wait_for(lambda: "waiting" in bench.log("stopped"), "it runs", JOB_SECONDS)
    bench.client("sagemaker").stop_training_job(TrainingJobName="stopped")
    assert bench.ended_training("stopped")["TrainingJobStatus"] == "Stopped"
    members = _members(bench.get("out/stopped/output/model.tar.gz"), "model")
    assert members == {"model/kept": b"kept"}


@pytest.mark.parametrize("isolated, expected", [(True, "cut off"), (False, "reached")])
def test_only_a_job_that_is_not_isolated_has_the_network(
    bench: Bench, isolated: bool, expected: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = (
            "import os, socket\n"
            f"code = socket.socket().connect_ex(('127.0.0.1', {port}))\n"
            "print('reached' if code == 0 else 'cut off')\n"
            "print('with keys' if 'AWS_SECRET_ACCESS_KEY' in os.environ else 'without keys')\n"
        )
        name = f"network-{isolated}"
        _start_python(bench, name, code, EnableNetworkIsolation=isolated)
        assert bench.ended_training(name)["TrainingJobStatus"] == "Completed"
    keys = "without keys" if isolated else "with keys"
    assert bench.log(name).splitlines() == [expected, keys]


def test_the_hosts_of_an_isolated_job_reach_each_other_by_name(bench: Bench) -> None:
    code = (
        "import json, socket, time\n"
        "me = json.load(open('/opt/ml/input/config/resourceconfig.json'))['current_host']\n"
        "if me == 'algo-1':\n"
        "    server = socket.create_server(('algo-1', 7001))\n"
        "    server.settimeout(60)\n"
        "    print(server.accept()[0].recv(9).decode())\n"
        "else:\n"
        "    for _ in range(600):\n"
        "        try:\n"
        "            socket.create_connection(('algo-1', 7001)).sendall(me.encode())\n"
        "            break\n"
        "        except OSError:\n"
        "            time.sleep(0.1)\n"
    )
    resources = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    _start_python(bench, "several", code, ResourceConfig=resources)
    job = bench.ended_training("several")
    assert job["TrainingJobStatus"] == "Completed", (job, bench.log("several"))
    assert bench.log("several").splitlines() == ["algo-2"]


def test_a_killed_local_cloud_leaves_no_container(
    engine: ContainerEngine, image_folders: dict[Way, Path], tmp_path: Path
) -> None:
    with running(image_folders["engine"], tmp_path / "killed") as bench:
        _start_python(bench, "orphan", "print('here', flush=True)\nimport time; time.sleep(300)\n")
        wait_for(lambda: "here" in bench.log("orphan"), "it runs", JOB_SECONDS)
        assert _containers(engine, "hyperparameters.json")
        os.kill(bench.instance.pid, signal.SIGKILL)
        wait_for(lambda: not _containers(engine, "hyperparameters.json"), "it is removed", 60)


def test_an_isolated_endpoint_of_containers_answers(bench: Bench, tmp_path: Path) -> None:
    port = bench.instance.settings.port
    code = (
        "import http.server, socket\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.answer(b'')\n"
        "    def do_POST(self):\n"
        "        self.rfile.read(int(self.headers['Content-Length']))\n"
        f"        code = socket.socket().connect_ex(('127.0.0.1', {port}))\n"
        "        self.answer(b'reached' if code == 0 else b'cut off')\n"
        "    def answer(self, body):\n"
        "        self.send_response(200)\n"
        "        self.send_header('Content-Length', str(len(body)))\n"
        "        self.end_headers()\n"
        "        self.wfile.write(body)\n"
        "http.server.ThreadingHTTPServer(('', 8080), H).serve_forever()\n"
    )
    uri = _image_of(bench, "probe", ["python", "-c", code])
    sagemaker = bench.client("sagemaker")
    sagemaker.create_model(
        ModelName="probe",
        PrimaryContainer={"Image": uri},
        ExecutionRoleArn=bench.role,
        EnableNetworkIsolation=True,
    )
    variant = {
        "VariantName": "one",
        "ModelName": "probe",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="probe", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="probe", EndpointConfigName="probe")
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="probe", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    answer = bench.client("sagemaker-runtime").invoke_endpoint(EndpointName="probe", Body=b"1")
    assert answer["Body"].read() == b"cut off"
    sagemaker.delete_endpoint(EndpointName="probe")


def _start_python(bench: Bench, name: str, code: str, **members: Any) -> None:
    """A job of the trainer image that runs ``code``, from a hyperparameter, as its program."""
    given = "json.load(open('/opt/ml/input/config/hyperparameters.json'))['code']"
    specification = {
        "TrainingImage": TRAINER,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python", "-c", f"import json; exec({given})"],
    }
    hyperparameters = {"code": code}
    bench.start_training(name, hyperparameters, {}, AlgorithmSpecification=specification, **members)


def _image_of(bench: Bench, name: str, entrypoint: list[str]) -> str:
    """The trainer's image by another name, with another entry point."""
    images = bench.instance.settings.images_dir
    values = json.loads((images / "warmfold-local-trainer" / "v1" / "image.json").read_text())
    folder = images / name / "v1"
    folder.mkdir(parents=True)
    (folder / "image.json").write_text(json.dumps({**values, "Entrypoint": entrypoint, "Cmd": []}))
    return f"{REGISTRY}/{name}:v1"


def _containers(engine: ContainerEngine, text: str) -> list[str]:
    """The containers, running or not, whose command holds ``text``."""
    arguments = ["ps", "--all", "--no-trunc", "--format", "{{.Names}} {{.Command}}"]
    listed = subprocess.run([engine, *arguments], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if text in line]
