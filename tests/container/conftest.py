"""Both images, built once; a model, trained in them once."""

import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.container.engine import (
    HARDENED,
    ISOLATED,
    PROJECT,
    Engine,
    NoEngineError,
    find_engine,
    require_base_image,
    volume,
)
from tests.unit.containers.trainer.jobs import make_archive
from warmfold_contract.selection import SelectedTrial

HYPERPARAMETERS = {
    "warmfold_mode": "trial",
    "warmfold_algorithm": "lightgbm",
    "warmfold_task": "classification",
    "warmfold_feature_set": "default",
    "warmfold_cv_strategy": "in_job",
    "warmfold_racing": "off",
    "warmfold_metric": "auc",
    "warmfold_seed": "3",
    "max_rounds": "60",
    "num_leaves": "7",
}


@dataclass(frozen=True)
class Images:
    engine: Engine
    trainer: str
    server: str


@dataclass(frozen=True)
class Job:
    """A finished job: what it printed, its exit code, and its folders (``/opt/ml``)."""

    base: Path
    result: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def images() -> Images:
    try:
        engine = find_engine()
        require_base_image(engine)
    except NoEngineError as reason:
        pytest.skip(str(reason))
    return Images(engine, engine.build("trainer", "t"), engine.build("server", "t"))


@pytest.fixture(scope="session")
def processed(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Features and folds of the example's data."""
    base = make_base(tmp_path_factory.mktemp("process"))
    raw = base / "processing" / "input" / "raw"
    raw.mkdir(parents=True)
    shutil.copy(PROJECT / "data" / "german_credit.csv", raw)
    for output in ("train", "holdout", "transform"):
        writable(base / "processing" / "output" / output)
    options = (
        volume(base / "processing" / "input", "/opt/ml/processing/input", read_only=True),
        volume(base / "processing" / "output", "/opt/ml/processing/output"),
        volume(base / "output", "/opt/ml/output"),
    )
    result = images.engine.run(
        images.trainer,
        "process",
        options=(*HARDENED, *ISOLATED, *options),
        WARMFOLD_FOLDS="3",
        WARMFOLD_HOLDOUT_FRACTION="0.2",
        WARMFOLD_SEED="3",
    )
    return Job(base, result)


@pytest.fixture(scope="session")
def trial(images: Images, processed: Job, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return train(images, make_base(tmp_path_factory.mktemp("trial")), processed, HYPERPARAMETERS)


@pytest.fixture(scope="session")
def final(
    images: Images, processed: Job, trial: Job, tmp_path_factory: pytest.TempPathFactory
) -> Job:
    """The final model of a selected trial."""
    base = make_base(tmp_path_factory.mktemp("final"))
    channel = base / "input" / "data" / "selection"
    channel.mkdir(parents=True)
    scores = trial.base / "output" / "data" / "out_of_fold.npz"
    make_archive(base / "input" / "data" / "trial" / "output.tar.gz", [scores])
    schema = processed.base / "processing" / "output" / "train" / "schema.json"
    selected = replace(SELECTED, fold_hash=json.loads(schema.read_text())["fold_hash"])
    (channel / "selected_trial.json").write_text(selected.to_json())
    return train(images, base, processed, {**HYPERPARAMETERS, "warmfold_mode": "final"})


SELECTED = SelectedTrial(
    kind="amt",
    candidate="trees",
    algorithm="lightgbm",
    task="classification",
    feature_set="default",
    hyperparameters={"num_leaves": "7", "max_rounds": "60"},
    rounds=25,
    metric="auc",
    score=0.78,
    score_std=0.02,
    training_score=0.9,
    folds=3,
    fold_hash="of the channel",
    fold_scores=(0.76, 0.78, 0.8),
    job_name="tuning",
    trial="tuning-001",
    training_job_name="tuning-001",
    trials_completed=1,
)


def train(
    images: Images,
    base: Path,
    processed: Job,
    hyperparameters: dict[str, str],
    options: tuple[str, ...] = HARDENED,
) -> Job:
    """A training job on the processed features; by default with no right that it can miss."""
    if hyperparameters["warmfold_mode"] == "final":
        hyperparameters = {
            name: value for name, value in hyperparameters.items() if name.startswith("warmfold_")
        }
    shutil.copytree(processed.base / "processing" / "output" / "train", base / "input/data/train")
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    mounts = (
        volume(base / "input", "/opt/ml/input", read_only=True),
        volume(base / "model", "/opt/ml/model"),
        volume(base / "output", "/opt/ml/output"),
    )
    return Job(
        base, images.engine.run(images.trainer, "train", options=(*options, *ISOLATED, *mounts))
    )


def make_base(folder: Path) -> Path:
    """The folders that SageMaker mounts, open to the hardened containers' ordinary user."""
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    for name in ("model", "output", "output/data"):
        writable(folder / name)
    return folder


def writable(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
