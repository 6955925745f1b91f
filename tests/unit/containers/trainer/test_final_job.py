"""The final training as a job."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lightgbm
import pytest

from tests.unit.containers.trainer.final_model import FINAL, files, put_out_of_fold, ready
from tests.unit.containers.trainer.jobs import DATA, SPLIT, WHEEL, Job, make_archive
from warmfold_contract.manifest import read_artifact
from warmfold_contract.paths import Paths
from warmfold_trainer.feature_set import read_feature_set
from warmfold_trainer.out_of_fold import read_out_of_fold
from warmfold_trainer.scores import auc


def test_the_artifact_is_a_text_model_and_a_manifest_that_vouches_for_it(
    job: Job, processed: Paths
) -> None:
    finished = ready(job, processed).run("train")
    assert finished.code == 0, finished.err
    assert set(files(job.paths.model)) == {"model.txt", "manifest.json"}
    manifest = read_artifact(job.paths.model)
    assert (manifest.rounds, manifest.training_rows) == (25, 800)
    assert manifest.project == WHEEL
    assert manifest.hyperparameters["num_leaves"] == "8"
    assert manifest.hyperparameters["min_data_in_leaf"] == "20"
    assert {**manifest.cross_validation, "out_of_fold": None} == {
        "out_of_fold": None,
        "score": 0.78,
        "score_std": 0.05,
        "training_score": 0.9,
        "fold_scores": [0.8, 0.76, 0.78, 0.77, 0.79],
    }
    booster = lightgbm.Booster(model_file=str(job.paths.model / "model.txt"))
    assert booster.num_trees() == 25
    assert booster.feature_name() == [feature.name for feature in manifest.schema.features]


def test_the_out_of_fold_scores_are_reported_and_calibrate_the_model(
    job: Job, processed: Paths
) -> None:
    assert ready(job, processed).run("train").code == 0
    manifest = read_artifact(job.paths.model)
    found = manifest.cross_validation["out_of_fold"]
    assert found["rows"] == 800
    assert 0.8 < found["metrics"]["auc"] < 1
    losses = found["log_loss_by_calibration"]
    assert manifest.calibration is not None
    # What the channel holds is too low for both classes: a shift of the log odds mends it.
    assert manifest.calibration["method"] == "platt"
    assert losses["platt"] < losses["none"]


def test_of_repeats_the_mean_metric_is_reported_and_not_that_of_the_mean_score(
    job: Job, tmp_path: Path, site: Path
) -> None:
    other = Job(paths=Paths(tmp_path / "repeated"), site=site)
    other.put(other.paths.processing_input("raw"), DATA)
    assert other.run("process", **SPLIT, WARMFOLD_REPEATS="2").code == 0
    finished = ready(job, other.paths, folds=10).run("train")
    assert finished.code == 0, finished.err
    data = read_feature_set(job.paths.channel("train"), with_folds=True)
    rows, score = read_out_of_fold(job.paths.channel("trial"), data)
    assert score.shape == (800, 2)
    one, two, both = (auc(data.target[rows], each) for each in (*score.T, score.mean(axis=1)))
    found = read_artifact(job.paths.model).cross_validation["out_of_fold"]["metrics"]["auc"]
    assert found == (one + two) / 2
    assert both > found


@pytest.mark.parametrize(
    "damage,fault",
    [
        (lambda path: path.unlink(), "the input holds no output.tar.gz"),
        (lambda path: path.write_bytes(b"no tar"), "output.tar.gz is not a readable gzip tar"),
        (
            lambda path: make_archive(path, [DATA]),
            "output.tar.gz holds no file 'out_of_fold.npz'",
        ),
    ],
)
def test_a_trials_output_that_cannot_be_read_is_named(
    job: Job, processed: Paths, damage: Callable[[Path], object], fault: str
) -> None:
    damage(ready(job, processed).paths.channel("trial") / "output.tar.gz")
    assert job.run("train").reason.startswith(fault)
    assert not job.paths.model.exists()


def test_out_of_fold_scores_of_other_rows_are_refused(job: Job, processed: Paths) -> None:
    ready(job, processed)
    data = read_feature_set(job.paths.channel("train"), with_folds=True)
    put_out_of_fold(job, replace(data, row_id=data.row_id + 1))
    reason = job.run("train").reason
    assert reason.startswith("out_of_fold.npz in output.tar.gz is not of the rows in the training")


def test_out_of_fold_scores_of_another_number_of_repeats_are_refused(
    job: Job, processed: Paths
) -> None:
    ready(job, processed)
    data = read_feature_set(job.paths.channel("train"), with_folds=True)
    put_out_of_fold(job, replace(data, repeats=2))
    reason = job.run("train").reason
    assert reason.startswith("out_of_fold.npz in output.tar.gz is not of the rows in the training")


def test_the_same_inputs_and_seed_give_the_same_bytes(job: Job, processed: Paths) -> None:
    ready(job, processed)
    made = []
    for seed in ("7", "7", "8"):
        job.set_hyperparameters({**FINAL, "warmfold_seed": seed})
        assert job.run("train").code == 0
        made.append(files(job.paths.model))
    assert made[0] == made[1]
    assert made[0]["model.txt"] != made[2]["model.txt"]


@pytest.mark.parametrize(
    "changed,fault",
    [
        ({"folds": 4}, "selected_trial.json was scored on 4 folds, the channel 'train' holds 5"),
        ({"rounds": 0}, "selected_trial.json asks for 0 rounds"),
        (
            {"metric": "ks"},
            "warmfold_metric is 'auc', but selected_trial.json was selected by 'ks'",
        ),
        ({"algorithm": "magic"}, "unknown algorithm 'magic'"),
        (
            {"hyperparameters": {"speed": "9"}},
            "lightgbm (classification) has no hyperparameter speed",
        ),
        ({"format": 1}, "selected_trial.json has format 1, this image reads 2"),
        ({"task": "ranking"}, "selected_trial.json has task 'ranking': use one of classification"),
        ({"fold_hash": "f0"}, "selected_trial.json was scored on other folds (hash f0) than"),
    ],
)
def test_a_selection_that_does_not_fit_is_refused(
    job: Job, processed: Paths, changed: dict[str, object], fault: str
) -> None:
    finished = ready(job, processed, **changed).run("train")
    assert finished.code == 1
    assert finished.reason.startswith(fault)
    assert not job.paths.model.exists()


def test_hyperparameters_of_the_job_itself_are_refused(job: Job, processed: Paths) -> None:
    ready(job, processed).set_hyperparameters({**FINAL, "num_leaves": "99"})
    assert job.run("train").reason.endswith("not from the job: remove num_leaves")


def test_a_missing_selection_is_named(job: Job, processed: Paths) -> None:
    ready(job, processed)
    (job.paths.channel("selection") / "selected_trial.json").unlink()
    assert job.run("train").reason == "channel 'selection' holds no selected_trial.json"


def test_an_image_that_does_not_name_its_wheel_makes_no_model(job: Job, processed: Paths) -> None:
    finished = ready(job, processed).run("train", WARMFOLD_PROJECT_FILE="")
    assert finished.reason.startswith("WARMFOLD_PROJECT_FILE does not name")
    assert not job.paths.model.exists()


def test_the_final_model_is_trained_on_every_training_row(job: Job, processed: Paths) -> None:
    ready(job, processed, hyperparameters={"num_leaves": "8"})
    assert job.run("train").code == 0
    text = (job.paths.model / "model.txt").read_text()
    first_tree = text.split("Tree=0")[1].split("\n\n")[0]
    counts = next(line for line in first_tree.splitlines() if line.startswith("leaf_count="))
    assert sum(int(count) for count in counts.split("=")[1].split()) == 800
