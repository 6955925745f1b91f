"""A finished trial's selection, and the final training that follows from it."""

from dataclasses import replace
from pathlib import Path

from tests.unit.containers.trainer.jobs import Job
from warmfold_contract.paths import Paths
from warmfold_contract.selection import FILE_NAME, SelectedTrial

SELECTED = SelectedTrial(
    candidate="trees",
    algorithm="lightgbm",
    hyperparameters={"num_leaves": "8", "learning_rate": "0.1", "bagging_fraction": "0.8"},
    rounds=25,
    metric="auc",
    score=0.78,
    score_std=0.05,
    training_score=0.9,
    folds=5,
    fold_scores=(0.8, 0.76, 0.78, 0.77, 0.79),
    tuning_job_name="tune",
    training_job_name="tune-001",
    trials_completed=3,
)
FINAL = {"warmfold_mode": "final", "warmfold_seed": "7", "warmfold_metric": "auc"}


def ready(job: Job, processed: Paths, **changed: object) -> Job:
    """The job with its channels filled; ``changed`` members of the selection."""
    job.put(job.paths.channel("train"), *processed.processing_output("train").iterdir())
    folder = job.paths.channel("selection")
    folder.mkdir(parents=True)
    selected = replace(SELECTED, **changed)  # type: ignore[arg-type]
    (folder / FILE_NAME).write_text(selected.to_json())
    job.set_hyperparameters(FINAL)
    return job


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
