"""A final model that is broken, and one that meets a bad record or takes too long
(docs/faults.md, 21, 25 and 26).

The steps after the training are the deployed definition's; trainer and server are the platform's
own. What is broken is the archive that the training left.
"""

import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.conftest import RunningCloud, wait_for
from tests.localcloud.hosting_aids import Hosting
from tests.localcloud.test_alerts import Told, told  # noqa: F401 - a fixture
from tests.localcloud.test_searches import refs  # noqa: F401 - a fixture
from tests.localcloud.trained_aids import Trained, scoring, server, site_of, train
from warmfold.pipeline.spec import Refs
from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.manifest import FILE_NAME as MANIFEST
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def trained(cloud: RunningCloud, refs: Refs) -> Trained:  # noqa: F811
    return train(cloud, refs)


def repacked(archive: bytes, change: Callable[[Files], Any]) -> bytes:
    """The archive with its files changed."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {
            member.name: source.read()
            for member in tar
            if (source := tar.extractfile(member)) is not None
        }
    change(files)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def truncated(archive: bytes) -> bytes:
    return archive[: len(archive) // 2]


def without_manifest(archive: bytes) -> bytes:
    return repacked(archive, lambda files: files.pop(MANIFEST))


def with_a_changed_model(archive: bytes) -> bytes:
    """One digit of the model is another: it would load, and score."""
    name = MODEL_FILES["lightgbm"]

    def change(files: Files) -> None:
        head, _, rest = files[name].rpartition(b"leaf_value=")
        files[name] = head + b"leaf_value=" + (b"1" if rest[:1] != b"1" else b"2") + rest[1:]

    return repacked(archive, change)


BROKEN = {
    "truncated": (truncated, "model.tar.gz"),
    "no manifest": (without_manifest, MANIFEST),
    "changed model": (with_a_changed_model, MODEL_FILES["lightgbm"]),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_21_a_broken_model_is_not_registered(trained: Trained, kind: str) -> None:
    spoil, named = BROKEN[kind]
    before = trained.packages()
    trained.leave(spoil(trained.archive))
    try:
        run = trained.evaluated()
    finally:
        trained.leave(trained.archive)
    assert run.status == "Failed"
    by_name = {step.name: step for step in run.steps}
    assert by_name["EvaluateModel"].status == "Failed"
    assert named in str(by_name["EvaluateModel"].failure_reason)
    assert "RegisterModel" not in by_name
    assert trained.packages() == before


def test_21_a_broken_model_is_not_served(
    trained: Trained,
    hosting: Hosting,
) -> None:
    image = server(trained.cloud)
    sound = hosting.create(hosting.config(image, trained.uri))
    assert hosting.settled(sound)["EndpointStatus"] == "InService"
    try:
        for spoil in (without_manifest, with_a_changed_model):
            trained.leave(spoil(trained.archive))
            endpoint = hosting.settled(hosting.create(hosting.config(image, trained.uri)))
            assert endpoint["EndpointStatus"] == "Failed"
            assert "did not pass the ping health check" in endpoint["FailureReason"]
    finally:
        trained.leave(trained.archive)


def test_26_a_bad_record_is_told_to_the_topic_and_a_rerun_publishes_the_day(
    trained: Trained,
    hosting: Hosting,
    told: Told,  # noqa: F811
) -> None:
    day = scoring(trained, hosting, f"{told.name}-scoring")
    day.put("a.jsonl", day.lines)
    day.put("b.jsonl", [day.lines[0], b'{"age": \n'])
    failed = day.run()
    assert failed.status == "Failed"
    assert day.outputs(failed) == ["a.jsonl.out"]
    assert day.outputs() == []  # readers are not led to half a day
    assert told.message("Failed: ").strip('"') == f"Failed: {failed.execution_arn}"
    step = told.message("Step TransformBatch failed: ")
    assert failed.execution_arn in step
    day.put("b.jsonl", day.lines[:1])
    again = day.run()
    assert again.status == "Succeeded", [(s.name, s.failure_reason) for s in again.steps]
    assert day.outputs(again) == ["a.jsonl.out", "b.jsonl.out"]
    assert day.outputs() == ["manifest.json"]


SLOW = """

import dataclasses
import time


def _slow(columns, features=PROJECT.features):
    if "slow" in set(columns["purpose"]):
        time.sleep(2)
    return features(columns)


PROJECT = dataclasses.replace(PROJECT, features=_slow)
"""


def test_25_a_slow_predictor_is_given_up_and_others_are_scored_meanwhile(
    trained: Trained,
    faults: FaultsClient,
    hosting: Hosting,
    tmp_path: Path,
) -> None:
    site = shutil.copytree(site_of(trained.cloud), tmp_path / "site")
    with (site / "german_credit" / "project.py").open("a", encoding="utf-8") as source:
        source.write(SLOW)
    image = server(trained.cloud, site, "slow")
    endpoint = hosting.create(hosting.config(image, trained.uri))
    assert hosting.settled(endpoint)["EndpointStatus"] == "InService"
    row = json.loads(trained.rows()[0])
    quick, slow = (json.dumps({**row, "purpose": text}).encode() for text in ("car", "slow"))
    as_json: Any = {"ContentType": "application/json"}
    given_up: list[dict[str, Any]] = []

    def ask_slowly() -> None:
        given_up.append(hosting.invoke_error(endpoint, slow, **as_json))

    faults.add(kind="endpoint", match=endpoint, limit_seconds=0.5)
    caller = threading.Thread(target=ask_slowly)
    caller.start()
    wait_for(lambda: faults.listed()["firings"], "the slow request is under way")
    score = hosting.invoke(endpoint, quick, **as_json)["Body"]
    caller.join()
    assert given_up[0]["Error"]["Code"] == "ModelError"
    assert "timed out" in given_up[0]["OriginalMessage"]
    assert hosting.invoke(endpoint, quick, **as_json)["Body"] == score
    answer = hosting.invoke(endpoint, slow, **as_json)  # two seconds are no fault by themselves
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
