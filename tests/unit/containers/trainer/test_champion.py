"""Challenger against champion in the evaluation."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.containers.trainer.final_model import put_champion, ready
from tests.unit.containers.trainer.jobs import DATA, SPLIT, Job, make_archive
from warmfold_contract.paths import Paths
from warmfold_trainer.feature_set import read_feature_set

ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/warmfold-local-german-credit/3"
APPROVED = {"status": "approved", "version": 3, "model_package_arn": ARN}


def trained(site: Path, folder: Path, processed: Paths, **changed: object) -> Path:
    """The folder of a final model."""
    job = ready(Job(paths=Paths(folder), site=site), processed, **changed)
    finished = job.run("train")
    assert finished.code == 0, finished.err
    return job.paths.model


@pytest.fixture(scope="module")
def model(processed: Paths, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(site, tmp_path_factory.mktemp("model"), processed)


@pytest.fixture
def evaluation(job: Job, processed: Paths, model: Path) -> Job:
    """A challenger, and its hold-out."""
    job.put(
        job.paths.processing_input("holdout"), *processed.processing_output("holdout").iterdir()
    )
    make_archive(job.paths.processing_input("model") / "model.tar.gz", sorted(model.iterdir()))
    return job


def champion_of(job: Job, **extra: str) -> dict[str, Any]:
    finished = job.run("evaluate", WARMFOLD_METRIC="auc", **extra)
    assert finished.code == 0, finished.err
    path = job.paths.processing_output("evaluation") / "evaluation.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return {**found["champion"], "registration": found["registration"]}


def test_a_model_is_as_good_as_itself(evaluation: Job, processed: Paths, model: Path) -> None:
    folder = put_champion(evaluation, processed, APPROVED)
    make_archive(folder / "model.tar.gz", sorted(model.iterdir()))
    found = champion_of(evaluation)
    assert found["status"] == "compared"
    assert (found["version"], found["model_package_arn"]) == (3, ARN)
    assert found["difference"] == 0
    assert found["interval"] == [0, 0]
    assert found["clean"] is True
    assert found["registration"]["champion_version"] == "3"
    assert found["registration"]["difference_to_champion"] == "0.000000"


def test_the_interval_is_that_of_the_hold_outs_groups(
    evaluation: Job, processed: Paths, model: Path
) -> None:
    folder = put_champion(evaluation, processed, APPROVED)
    make_archive(folder / "model.tar.gz", sorted(model.iterdir()))
    holdout = evaluation.paths.processing_input("holdout")
    schema = json.loads((holdout / "schema.json").read_text())
    (holdout / "schema.json").write_text(json.dumps({**schema, "grouped": True}))
    np.save(holdout / "group.npy", np.zeros(schema["rows"], dtype=np.int64))
    assert champion_of(evaluation)["interval"] is None


def test_a_weaker_champion_is_beaten_by_what_the_metric_says(
    evaluation: Job, processed: Paths, site: Path, tmp_path: Path
) -> None:
    weak = trained(
        site, tmp_path / "weak", processed, rounds=1, hyperparameters={"num_leaves": "2"}
    )
    folder = put_champion(evaluation, processed, APPROVED)
    make_archive(folder / "model.tar.gz", sorted(weak.iterdir()))
    found = champion_of(evaluation)
    assert found["difference"] > 0.05
    low, high = found["interval"]
    assert low < found["difference"] < high
    assert 0.01 < high - low < 0.3


def test_a_champion_of_other_data_may_know_the_holdout(
    evaluation: Job, processed: Paths, site: Path, tmp_path: Path
) -> None:
    other = Job(paths=Paths(tmp_path / "other data"), site=site)
    lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    fewer = tmp_path / "fewer.csv"
    fewer.write_text("".join(lines[:-100]), encoding="utf-8")
    other.put(other.paths.processing_input("raw"), fewer)
    assert other.run("process", **SPLIT).code == 0
    old = trained(site, tmp_path / "old", other.paths)
    folder = put_champion(evaluation, processed, APPROVED)
    make_archive(folder / "model.tar.gz", sorted(old.iterdir()))
    found = champion_of(evaluation)
    assert found["status"] == "compared"
    assert found["clean"] is False


def test_a_champion_of_other_code_is_not_compared(
    evaluation: Job, processed: Paths, model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(model, other)
    manifest = other / "manifest.json"
    values = json.loads(manifest.read_text())
    values["project"]["wheel_sha256"] = "cd" * 32
    manifest.write_text(json.dumps(values))
    folder = put_champion(evaluation, processed, APPROVED)
    make_archive(folder / "model.tar.gz", sorted(other.iterdir()))
    found = champion_of(evaluation)
    assert found["status"] == "not_comparable"
    assert "another version of the project's code" in found["reason"]
    assert found["registration"]["difference_to_champion"] == "none"


def test_a_damaged_champion_does_not_stop_the_challenger(evaluation: Job, processed: Paths) -> None:
    folder = put_champion(evaluation, processed, APPROVED)
    (folder / "model.tar.gz").write_bytes(b"not a tar")
    found = champion_of(evaluation)
    assert found["status"] == "not_comparable"
    assert "model.tar.gz is not a readable gzip tar" in found["reason"]


@pytest.mark.parametrize("status", ["none", "lost"])
def test_without_a_champion_nothing_is_compared(
    evaluation: Job, processed: Paths, status: str
) -> None:
    put_champion(evaluation, processed, {"status": status})
    assert champion_of(evaluation)["status"] == status


def test_a_foreign_champion_file_is_named(evaluation: Job, processed: Paths) -> None:
    put_champion(evaluation, processed, {"status": "none", "format": 9})
    reason = evaluation.run("evaluate", WARMFOLD_METRIC="auc").reason
    assert reason.startswith("champion.json is not of format 1: deploy Lambdas and images")


def test_a_missing_champion_file_is_named(evaluation: Job) -> None:
    reason = evaluation.run("evaluate", WARMFOLD_METRIC="auc").reason
    assert reason.startswith("the input holds no champion.json")


def test_raw_rows_of_another_holdout_are_refused(
    evaluation: Job, processed: Paths, model: Path
) -> None:
    folder = put_champion(evaluation, processed, APPROVED)
    make_archive(folder / "model.tar.gz", sorted(model.iterdir()))
    path = evaluation.paths.processing_input("holdout_rows") / "holdout.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    rows = read_feature_set(processed.processing_output("holdout"), with_folds=False).rows
    reason = evaluation.run("evaluate", WARMFOLD_METRIC="auc").reason
    assert reason.startswith(f"holdout.jsonl holds {rows - 1} rows, the hold-out {rows}")
