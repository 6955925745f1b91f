"""A trial as a job: metric lines, files, failures and being stopped."""

import json
import os
import signal

import numpy as np
import pytest

from tests.unit.containers.trainer.jobs import TRIAL, Finished, Job
from warmfold_contract.metrics import OBJECTIVE, TRIAL_METRICS, fold_metric, parse_metric
from warmfold_contract.paths import Paths
from warmfold_trainer.cross_validation import CrossValidation
from warmfold_trainer.main import main
from warmfold_trainer.trial import closing_lines


@pytest.fixture
def trial(job: Job, processed: Paths) -> Job:
    """A trial that is ready to run."""
    job.put(job.paths.channel("train"), *processed.processing_output("train").iterdir())
    job.set_hyperparameters(TRIAL)
    return job


def metrics(finished: Finished) -> list[tuple[str, float]]:
    found = [parse_metric(line) for line in finished.out.splitlines()]
    assert None not in found
    return [metric for metric in found if metric is not None]


def test_a_trial_reports_each_fold_then_the_rest_and_the_objective_last(trial: Job) -> None:
    finished = trial.run("train")
    assert finished.code == 0, finished.err
    names = [name for name, _ in metrics(finished)]
    folds = [fold_metric(fold) for fold in range(1, 6)]
    after_each = [name for fold in folds for name in (fold, "training:folds_completed")]
    assert names == [
        *after_each,
        *folds,
        "training:rounds",
        "training:folds_completed",
        "training:score",
        "validation:score_std",
        OBJECTIVE,
    ]
    assert set(TRIAL_METRICS) | set(folds) == set(names)
    last = dict(metrics(finished))
    assert last["training:folds_completed"] == 5
    assert last[OBJECTIVE] == pytest.approx(np.mean([last[fold] for fold in folds]))
    assert 0.7 < last[OBJECTIVE] < last["training:score"] <= 1
    assert finished.reason == ""


def test_a_trial_leaves_its_scores_and_its_out_of_fold_predictions(trial: Job) -> None:
    last = dict(metrics(trial.run("train")))
    summary = json.loads((trial.paths.model / "cross_validation.json").read_text())
    assert summary["score"] == pytest.approx(last[OBJECTIVE])
    assert summary["rounds"] == last["training:rounds"]
    assert summary["hyperparameters"]["num_leaves"] == "8"
    ids = np.load(trial.paths.channel("train") / "row_id.npy")
    with np.load(trial.paths.output_data / "out_of_fold.npz") as out_of_fold:
        assert out_of_fold["row_id"].tolist() == ids.tolist()
        assert ((out_of_fold["score"] > 0) & (out_of_fold["score"] < 1)).all()


def test_the_same_inputs_and_seed_give_the_same_bytes(trial: Job) -> None:
    results = []
    for _ in range(2):
        finished = trial.run("train")
        files = [*trial.paths.model.iterdir(), *trial.paths.output_data.iterdir()]
        results.append((finished.out, {file.name: file.read_bytes() for file in files}))
    assert results[0] == results[1]


def test_hyperparameters_quoted_by_an_sdk_and_added_by_tuning_are_understood(trial: Job) -> None:
    quoted = {key: json.dumps(value) for key, value in TRIAL.items()}
    plain = trial.run("train").out
    trial.set_hyperparameters({**quoted, "_tuning_objective_metric": OBJECTIVE})
    assert trial.run("train").out == plain


@pytest.mark.parametrize(
    "changed,fault",
    [
        ({"num_leaves": "1"}, "num_leaves is '1': use an integer from 2 to 131072"),
        (
            {"max_leafs": "8"},
            "lightgbm (classification) has no hyperparameter max_leafs; it has: max_rounds",
        ),
        ({"warmfold_algorithm": "magic"}, "unknown algorithm 'magic'"),
        ({"warmfold_metric": "f2"}, "unknown metric 'f2'"),
        ({"warmfold_mode": "both"}, "warmfold_mode is 'both': use one of 'trial', "),
        ({"warmfold_seed": "-1"}, "warmfold_seed is '-1': use an integer from 0"),
        (
            {"warmfold_task": "both"},
            "warmfold_task is 'both': use 'classification' or 'regression'",
        ),
        ({"warmfold_racing": "yes"}, "warmfold_racing is 'yes': use a number from 0 to 10"),
        ({"warmfold_cv_strategy": "x"}, "warmfold_cv_strategy is 'x': use 'in_job' or 'fan_out'"),
    ],
)
def test_a_bad_hyperparameter_fails_the_trial_by_name(
    trial: Job, changed: dict[str, str], fault: str
) -> None:
    trial.set_hyperparameters({**TRIAL, **changed})
    finished = trial.run("train")
    assert (finished.code, finished.out) == (1, "")
    assert finished.reason.startswith(fault)
    assert "Traceback" not in finished.err
    assert not trial.paths.model.exists()


@pytest.mark.parametrize("name", ["warmfold_mode", "warmfold_seed", "warmfold_metric"])
def test_a_platform_hyperparameter_that_is_not_set_is_named(trial: Job, name: str) -> None:
    trial.set_hyperparameters({key: value for key, value in TRIAL.items() if key != name})
    assert trial.run("train").reason == f"the hyperparameter {name} is not set"


@pytest.mark.parametrize(
    "file,content,fault",
    [
        ("schema.json", None, "channel 'train': schema.json is missing"),
        ("schema.json", b"{", "channel 'train': schema.json is damaged"),
        ("schema.json", b"{}", "channel 'train': there is no feature set 'default'"),
        ("fold.npy", None, "channel 'train': fold.npy is missing"),
        ("default/features.npy", b"not numpy", "channel 'train': default/features.npy is damaged"),
        ("default/schema.json", b"{}", "channel 'train': schema.json is incomplete"),
    ],
)
def test_a_damaged_channel_fails_the_trial_naming_the_file(
    trial: Job, file: str, content: bytes | None, fault: str
) -> None:
    path = trial.paths.channel("train") / file
    path.unlink() if content is None else path.write_bytes(content)
    finished = trial.run("train")
    assert (finished.code, finished.out) == (1, "")
    assert finished.reason.startswith(fault)


def test_arrays_that_disagree_are_refused(trial: Job) -> None:
    path = trial.paths.channel("train") / "target.npy"
    np.save(path, np.load(path)[:-1])
    assert "different numbers of rows" in trial.run("train").reason


def test_a_stopped_trial_leaves_a_reason_and_no_objective(trial: Job) -> None:
    trial.set_hyperparameters(
        {**TRIAL, "max_rounds": "100000", "early_stopping_rounds": "10000", "learning_rate": "1e-6"}
    )
    child = trial.start("train")
    try:
        assert child.stderr is not None
        assert "cross-validating" in child.stderr.readline()
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=20)
    finally:
        child.kill()
    assert child.returncode == 143
    assert trial.reason() == "stopped by SIGTERM before the job had finished"
    assert OBJECTIVE not in out
    assert not trial.paths.model.exists()


def test_our_own_fault_keeps_its_traceback_in_the_log_and_its_text_out_of_the_reason(
    trial: Job,
) -> None:
    # A folder where a file is to be written: nobody's data, nobody's setting.
    (trial.paths.model / "cross_validation.json").mkdir(parents=True)
    finished = trial.run("train")
    assert finished.code == 1
    assert finished.reason.startswith("internal error in the trainer image: IsADirectoryError at ")
    assert "Traceback" in finished.err
    assert OBJECTIVE not in finished.out


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_no_line_is_made_of_a_result_that_is_not_finite(bad: float) -> None:
    result = CrossValidation(
        rounds=3,
        fold_scores=(0.7, 0.7),
        fold_training_scores=(0.8, bad),
        fold_best_rounds=(3, 3),
        provisional_scores=(0.7, 0.7),
        out_of_fold=np.zeros((4, 1)),
    )
    with pytest.raises(ValueError, match="only finite values are reported"):
        closing_lines(result)


def test_a_reason_from_before_is_kept(trial: Job) -> None:
    trial.paths.failure.parent.mkdir(parents=True)
    trial.paths.failure.write_text("the first cause")
    trial.set_hyperparameters({**TRIAL, "num_leaves": "1"})
    assert trial.run("train").reason == "the first cause"


@pytest.mark.parametrize(
    "name, own, users",
    [("OMP_WAIT_POLICY", "passive", "active"), ("OPENBLAS_NUM_THREADS", "1", "2")],
)
@pytest.mark.parametrize("set_by_user", [False, True])
def test_what_libraries_do_with_threads_is_set_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, name: str, own: str, users: str, *, set_by_user: bool
) -> None:
    # Set, so that it is put back after the test.
    monkeypatch.setenv(name, users)
    if not set_by_user:
        monkeypatch.delenv(name)
    assert main([]) == 2
    assert os.environ[name] == (users if set_by_user else own)
