"""A fold as a job, and what it leaves for its trial."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.containers.trainer.jobs import TRIAL, Job
from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import encode
from warmfold_trainer.candidate import Candidate, read_candidate
from warmfold_trainer.cross_validation import table_of
from warmfold_trainer.fold_job import fold_identity, trained_fold
from warmfold_trainer.fold_result import read_result, result_files, write_result

DATA = feature_set(rows=240, folds=3)
OWN = {"lightgbm": {"max_rounds": "8"}, "xgboost": {"max_rounds": "8"}, "linear": {}}
FOLD = {**TRIAL, "warmfold_mode": "fold", "warmfold_fold": "2"}


def candidate(algorithm: str, task: str = "classification") -> Candidate:
    platform = {key: value for key, value in TRIAL.items() if key.startswith("warmfold_")}
    return read_candidate(
        {**platform, "warmfold_algorithm": algorithm, "warmfold_task": task, **OWN[algorithm]}
    )


@pytest.fixture
def fold(job: Job) -> Job:
    """A job of fold 2 of small data."""
    DATA.write(job.paths.channel("train"))
    job.set_hyperparameters(FOLD)
    return job


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("algorithm", list(MODEL_FILES))
def test_a_fold_that_was_shipped_predicts_to_the_last_bit(
    algorithm: str, task: str, tmp_path: Path
) -> None:
    own = candidate(algorithm, task)
    settings = own.settings()
    model = trained_fold(own, settings, DATA, 2)
    identity = fold_identity(own, settings, DATA, 2)
    write_result(tmp_path, identity, model)
    assert {path.name for path in tmp_path.iterdir()} == set(result_files(own.algorithm))
    loaded = read_result(tmp_path, identity, own.algorithm, table_of(DATA, own.task))
    np.testing.assert_array_equal(loaded.curve, model.curve)
    for rounds in {1, len(model.curve) // 2 or 1, len(model.curve)}:
        np.testing.assert_array_equal(
            loaded.predict(DATA.features, rounds), model.predict(DATA.features, rounds)
        )


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What fold 1 left."""
    own, folder = candidate("linear"), tmp_path_factory.mktemp("fold")
    settings = own.settings()
    write_result(
        folder, fold_identity(own, settings, DATA, 1), trained_fold(own, settings, DATA, 1)
    )
    return folder


@pytest.mark.parametrize(
    "change, named",
    [
        ({"fold": 2}, "fold"),
        ({"seed": 8}, "seed"),
        ({"hyperparameters": encode({"l2": 21})}, "hyperparameters"),
        ({"fold_hash": "other", "metric": "ks"}, "fold_hash, metric"),
    ],
)
def test_the_result_of_another_training_is_refused(
    shipped: Path, change: Mapping[str, object], named: str
) -> None:
    own = candidate("linear")
    expected = replace(fold_identity(own, own.settings(), DATA, 1), **change)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"of another training: it differs in {named}"):
        read_result(shipped, expected, own.algorithm, table_of(DATA, own.task))


@pytest.mark.parametrize("curve", ["[]", "[0.5, NaN]", "[0.5, Infinity]", '["0.5"]', "null"])
def test_a_curve_that_is_not_finite_is_refused(shipped: Path, curve: str, tmp_path: Path) -> None:
    own = candidate("linear")
    values = {**json.loads((shipped / "fold.json").read_text()), "curve": None}
    text = json.dumps(values).replace('"curve": null', f'"curve": {curve}')
    (tmp_path / "fold.json").write_text(text)
    identity = fold_identity(own, own.settings(), DATA, 1)
    with pytest.raises(UserError, match="not a list of finite numbers"):
        read_result(tmp_path, identity, own.algorithm, table_of(DATA, own.task))


def test_a_result_that_is_no_text_is_refused(tmp_path: Path) -> None:
    own = candidate("linear")
    (tmp_path / "fold.json").write_bytes(b'{"fold": "\xff"}')
    identity = fold_identity(own, own.settings(), DATA, 1)
    with pytest.raises(UserError, match=r"fold\.json is not JSON"):
        read_result(tmp_path, identity, own.algorithm, table_of(DATA, own.task))


def test_a_fold_leaves_its_model_and_reports_no_metric(fold: Job) -> None:
    finished = fold.run("train")
    assert finished.code == 0, finished.err
    assert finished.out == ""
    assert "fold 2 of 3: auc " in finished.err
    assert {path.name for path in fold.paths.model.iterdir()} == {"fold.json", "model.txt"}
    assert not fold.paths.output_data.exists()


@pytest.mark.parametrize("number", ["0", "4", "two"])
def test_a_fold_that_there_is_not_is_named(fold: Job, number: str) -> None:
    fold.set_hyperparameters({**FOLD, "warmfold_fold": number})
    reason = fold.run("train").reason
    assert reason == f"warmfold_fold is '{number}': use an integer from 1 to 3"


def test_a_trial_that_trains_its_own_folds_loads_no_client_of_aws(fold: Job) -> None:
    fold.set_hyperparameters(TRIAL)
    code = (
        "import sys; from warmfold_trainer.main import main; assert main(['train']) == 0; "
        "print([name for name in ('boto3', 'botocore', 'optuna') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=fold.environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
