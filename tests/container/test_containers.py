"""The images as Docker or podman build and run them: missing system libraries show only here."""

import json
import socket
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from german_credit.project import PROJECT
from tests.container.conftest import HYPERPARAMETERS, Images, Job, make_base, train
from tests.container.engine import HARDENED, ISOLATED, volume
from warmfold_contract.metrics import OBJECTIVE, parse_metric
from warmfold_server.codec import read_rows
from warmfold_server.content import JSON_LINES
from warmfold_server.model import load_model

pytestmark = pytest.mark.container


def said(job: Job) -> str:
    return job.result.stdout + job.result.stderr


def test_processing_builds_features_without_rights_or_network(processed: Job) -> None:
    assert processed.result.returncode == 0, said(processed)
    outputs = processed.base / "processing" / "output"
    assert (outputs / "train" / "default" / "features.npy").stat().st_size > 0
    assert (outputs / "holdout" / "target.npy").is_file()
    assert (outputs / "transform" / "holdout.jsonl").is_file()


@pytest.mark.parametrize("options", [HARDENED, ()], ids=["hardened", "as root"])
def test_a_trial_reports_its_objective_last(
    images: Images, processed: Job, tmp_path: Path, options: tuple[str, ...]
) -> None:
    job = train(images, make_base(tmp_path), processed, HYPERPARAMETERS, options)
    assert job.result.returncode == 0, said(job)
    reported = [parse_metric(line) for line in said(job).splitlines()]
    found = [metric for metric in reported if metric is not None]
    assert found[-1][0] == OBJECTIVE
    assert 0.6 < found[-1][1] < 1


def test_a_failed_trial_leaves_its_reason(images: Images, processed: Job, tmp_path: Path) -> None:
    wrong = {**HYPERPARAMETERS, "num_leaves": "many"}
    job = train(images, make_base(tmp_path), processed, wrong)
    assert job.result.returncode == 1
    assert "num_leaves is 'many'" in (job.base / "output" / "failure").read_text()


def test_the_final_model_is_served_and_scores_as_on_the_laptop(
    images: Images, processed: Job, final: Job
) -> None:
    assert final.result.returncode == 0, said(final)
    model = final.base / "model"
    body = (processed.base / "processing/output/transform/holdout.jsonl").read_bytes()
    port = free_port()
    mounts = (volume(model, "/opt/ml/model", read_only=True), f"--publish=127.0.0.1:{port}:8080")
    with images.engine.running(images.server, "serve", options=(*HARDENED, *mounts)) as container:
        wait_for_ping(port, lambda: images.engine.call("logs", container).stdout)
        status, reply = post(port, body)
        assert images.engine.ended(container) == 0
    assert status == 200
    scores = [json.loads(line)["score"] for line in reply.decode().splitlines()]
    wheel = json.loads((model / "manifest.json").read_text())["project"]
    here = load_model(model, PROJECT, wheel)
    assert scores == pytest.approx(here.scores(read_rows(body, JSON_LINES, PROJECT.columns)))


def test_a_server_without_a_model_ends_with_the_reason(images: Images, tmp_path: Path) -> None:
    base = make_base(tmp_path)
    result = images.engine.run(
        images.server,
        "serve",
        options=(*HARDENED, *ISOLATED, volume(base / "model", "/opt/ml/model", read_only=True)),
    )
    assert result.returncode == 1
    assert "not serving: the model artifact has no manifest.json" in result.stdout + result.stderr


@pytest.mark.parametrize("kind", ["trainer", "server"])
def test_the_image_keeps_to_sagemakers_rules(images: Images, kind: str) -> None:
    image = getattr(images, kind)
    assert images.engine.inspect(image, "{{.Config.User}}") == ""
    command = {"trainer": "train", "server": "serve"}[kind]
    assert images.engine.inspect(image, "{{json .Config.Entrypoint}} {{json .Config.Cmd}}") == (
        f'["python","-m","warmfold_{kind}"] ["{command}"]'
    )


@pytest.mark.parametrize("kind", ["trainer", "server"])
def test_certificates_and_build_tools_stay_out_of_the_image(images: Images, kind: str) -> None:
    code = (
        "import importlib.util as u, pathlib as p;"
        "print(*[n for n in ('pip', 'hatchling', 'pandas', 'sklearn') if u.find_spec(n)],"
        "*p.Path('/run/secrets').glob('*'))"
    )
    result = images.engine.run(
        getattr(images, kind), "-c", code, options=("--entrypoint", "python", *HARDENED)
    )
    assert (result.returncode, result.stdout.strip()) == (0, "")


def test_podman_writes_the_manifest_that_endpoints_accept(images: Images) -> None:
    if images.engine.program != "podman":
        pytest.skip("docker tells the manifest's type only after a push")
    found = images.engine.inspect(images.server, "{{.ManifestType}}")
    assert found == "application/vnd.docker.distribution.manifest.v2+json"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for_ping(port: int, log: Callable[[], str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:  # not listening yet, or the engine's proxy has nobody to connect to
            time.sleep(0.2)
        finally:
            connection.close()
    pytest.fail(f"no healthy answer within 60 s; the container's log:\n{log()}")


def post(port: int, body: bytes) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/invocations", body, {"Content-Type": "application/jsonlines"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
