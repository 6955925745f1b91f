"""A finished trial's selection, and the final training that follows from it."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.unit.containers.trainer.jobs import Job, make_archive
from warmfold_contract.paths import Paths
from warmfold_contract.selection import FILE_NAME, SelectedTrial
from warmfold_trainer.feature_set import FeatureSet, read_feature_set
from warmfold_trainer.out_of_fold import ARCHIVE_NAME, write_out_of_fold

SELECTED = SelectedTrial(
    kind="amt",
    candidate="trees",
    algorithm="lightgbm",
    task="classification",
    feature_set="default",
    hyperparameters={"num_leaves": "8", "learning_rate": "0.1", "bagging_fraction": "0.8"},
    rounds=25,
    metric="auc",
    score=0.78,
    score_std=0.05,
    training_score=0.9,
    folds=5,
    fold_hash="of the channel",
    fold_scores=(0.8, 0.76, 0.78, 0.77, 0.79),
    job_name="tune",
    trial="tune-001",
    training_job_name="tune-001",
    trials_completed=3,
)
FINAL = {"warmfold_mode": "final", "warmfold_seed": "7", "warmfold_metric": "auc"}


def ready(job: Job, processed: Paths, **changed: object) -> Job:
    """The job with its channels filled; ``changed`` members of the selection."""
    job.put(job.paths.channel("train"), *processed.processing_output("train").iterdir())
    folder = job.paths.channel("selection")
    folder.mkdir(parents=True)
    data = read_feature_set(job.paths.channel("train"), with_folds=True)
    selected = replace(SELECTED, **{"fold_hash": data.fold_hash, **changed})  # type: ignore[arg-type]
    (folder / FILE_NAME).write_text(selected.to_json())
    put_out_of_fold(job, data)
    job.set_hyperparameters(FINAL)
    return job


def put_out_of_fold(job: Job, data: FeatureSet) -> None:
    """The channel of the selected trial's output: scores that know something of the target."""
    noise = np.random.default_rng(0).normal(size=(data.rows, data.repeats))
    score = 1 / (1 + np.exp(-(2.0 * data.target[:, np.newaxis] + noise)))
    with tempfile.TemporaryDirectory() as name:
        write_out_of_fold(Path(name), data, score)
        archive = job.paths.channel("trial") / ARCHIVE_NAME
        make_archive(archive, list(Path(name).iterdir()))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def put_champion(job: Job, processed: Paths, values: dict[str, object]) -> Path:
    """The evaluation's inputs about the champion; the folder that its model belongs in."""
    job.put(
        job.paths.processing_input("holdout_rows"),
        *processed.processing_output("transform").iterdir(),
    )
    folder = job.paths.processing_input("champion")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "champion.json").write_text(json.dumps({"format": 1, **values}))
    return folder
