"""The evaluation as a job."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.containers.trainer.final_model import put_champion, ready
from tests.unit.containers.trainer.jobs import WHEEL, Job, make_archive
from warmfold.pipeline.gate import REGISTERED
from warmfold_contract.paths import Paths

Evaluation = dict[str, Any]
METRICS = ("auc", "gini", "ks", "log_loss", "brier", "pr_auc")


@pytest.fixture(scope="module")
def model(processed: Paths, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a final model."""
    job = ready(Job(paths=Paths(tmp_path_factory.mktemp("final")), site=site), processed)
    finished = job.run("train")
    assert finished.code == 0, finished.err
    return job.paths.model


@pytest.fixture
def evaluation(job: Job, processed: Paths, model: Path) -> Job:
    job.put(
        job.paths.processing_input("holdout"), *processed.processing_output("holdout").iterdir()
    )
    make_archive(archive_of(job), sorted(model.iterdir()))
    put_champion(job, processed, {"status": "none"})
    return job


def archive_of(job: Job) -> Path:
    return job.paths.processing_input("model") / "model.tar.gz"


def result_of(job: Job) -> Evaluation:
    finished = job.run("evaluate", WARMFOLD_METRIC="auc")
    assert finished.code == 0, finished.err
    text = (job.paths.processing_output("evaluation") / "evaluation.json").read_text()
    result: Evaluation = json.loads(text)
    return result


def test_the_evaluation_has_every_part(evaluation: Job, processed: Paths) -> None:
    result = result_of(evaluation)
    assert set(result) == {
        *("format", "task", "metric", "score", "metrics", "cross_validation", "calibration"),
        *("champion", "rows", "curves", "importance", "registration", "card"),
    }
    assert result["format"] == 2
    assert result["task"] == "classification"
    assert set(result["metrics"]) == set(METRICS)
    assert result["score"] == result["metrics"]["auc"] > 0.7
    assert result["rows"] == {"holdout": 200, "positive": 60}
    assert set(result["cross_validation"]) == {
        *("score", "score_std", "training_score", "fold_scores", "out_of_fold"),
    }
    schema = json.loads((processed.processing_output("train") / "default/schema.json").read_text())
    names = {feature["name"] for feature in schema["features"]}
    assert {entry["feature"] for entry in result["importance"]} == names
    assert set(result["importance"][0]) == {"feature", "gain", "splits"}


def test_curves_have_their_parts_and_at_most_200_points(evaluation: Job) -> None:
    curves = result_of(evaluation)["curves"]
    assert set(curves["roc"]) == {"fpr", "tpr"}
    assert set(curves["precision_recall"]) == {"recall", "precision"}
    assert set(curves["ks"]) == {"score", "positive", "negative"}
    assert set(curves["calibration"][0]) == {"mean_score", "observed_rate", "rows"}
    for name in ("roc", "precision_recall", "ks"):
        assert all(1 < len(values) <= 200 for values in curves[name].values())


def test_what_the_registry_keeps_is_text(evaluation: Job) -> None:
    result = result_of(evaluation)
    kept = result["registration"]
    assert all(isinstance(value, str) and value for value in kept.values())
    assert set(kept) == {
        *("score", "metric", "algorithm", "rounds", "data_fingerprint", "fold_hash"),
        *("wheel_sha256", "cv_score", "cv_score_std", "task", "calibration"),
        *("champion", "champion_version", "difference_to_champion"),
    }
    assert set(kept) == set(REGISTERED)
    text = re.compile(r"[\w .:/=+@-]{1,256}")  # CustomerMetadataValue of the SageMaker API
    assert all(text.fullmatch(value) for value in kept.values())
    assert float(kept["score"]) == pytest.approx(result["score"], abs=1e-6)
    assert kept["wheel_sha256"] == WHEEL["wheel_sha256"]
    assert kept["rounds"] == "25"


def test_the_card_speaks_for_the_project(evaluation: Job) -> None:
    card = result_of(evaluation)["card"]
    assert card["model"]["name"] == "german-credit"
    assert "Not for decisions about people" in card["intended_use"]
    assert any("Sex, marital status" in limit for limit in card["limits"])
    assert "foreign_worker" in card["data"]["raw_columns"]
    assert "foreign_worker" not in card["data"]["features"]
    assert card["hyperparameters"]["num_leaves"] == "8"


def test_a_metric_other_than_the_selections_is_refused(evaluation: Job) -> None:
    finished = evaluation.run("evaluate", WARMFOLD_METRIC="brier")
    assert finished.code == 1
    assert finished.reason.startswith("WARMFOLD_METRIC is 'brier', but the model was selected by")


def edit_json(path: Path, **changed: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def without_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def changed_model(folder: Path) -> None:
    path = folder / "model.txt"
    path.write_text(path.read_text().replace("leaf_value=", "leaf_value=9", 1))


def symbolic_link(folder: Path) -> None:
    (folder / "model.txt").rename(folder.parent / "elsewhere.txt")
    (folder / "model.txt").symlink_to(folder.parent / "elsewhere.txt")


def added_file(folder: Path) -> None:
    (folder / "inference.py").write_text("print('hello')")


@pytest.mark.parametrize(
    "tamper,fault",
    [
        (without_manifest, "the model artifact has no manifest.json"),
        (changed_model, "model.txt in the model artifact is not the file that was trained"),
        (symbolic_link, "model.txt in model.tar.gz is not a regular file"),
        (added_file, "model.tar.gz holds 'inference.py'"),
        (
            lambda folder: edit_json(folder / "manifest.json", files={}),
            "manifest.json vouches for no model.txt",
        ),
        (
            lambda folder: edit_json(folder / "manifest.json", data_fingerprint="other"),
            "the model was trained on other data or folds",
        ),
        (
            lambda folder: edit_json(folder / "manifest.json", format=9),
            "manifest.json has format 9",
        ),
    ],
)
def test_a_tampered_artifact_is_refused_and_nothing_is_written(
    evaluation: Job, model: Path, tmp_path: Path, tamper: Callable[[Path], None], fault: str
) -> None:
    folder = shutil.copytree(model, tmp_path / "tampered")
    tamper(folder)
    make_archive(archive_of(evaluation), sorted(folder.iterdir()))
    finished = evaluation.run("evaluate", WARMFOLD_METRIC="auc")
    assert finished.code == 1
    assert finished.reason.startswith(fault)
    assert not evaluation.paths.processing_output("evaluation").exists()


def test_the_evaluation_needs_its_metric_and_a_hold_out(evaluation: Job) -> None:
    finished = evaluation.run("evaluate")
    assert finished.reason == "the environment variable WARMFOLD_METRIC is not set"
    evaluation.paths.exit_message.unlink()
    (evaluation.paths.processing_input("holdout") / "target.npy").unlink()
    finished = evaluation.run("evaluate", WARMFOLD_METRIC="auc")
    assert finished.reason.startswith("channel 'holdout': target.npy is missing")


def test_a_hold_out_of_one_class_is_refused(evaluation: Job) -> None:
    path = evaluation.paths.processing_input("holdout") / "target.npy"
    np.save(path, np.zeros_like(np.load(path)))
    finished = evaluation.run("evaluate", WARMFOLD_METRIC="auc")
    assert "must hold both classes" in finished.reason
