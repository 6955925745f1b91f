"""A regression from its data to a finished trial, as jobs, with every algorithm."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.containers.trainer import prices
from tests.unit.containers.trainer.final_model import FINAL, put_champion, ready
from tests.unit.containers.trainer.jobs import SPLIT, TRIAL, Finished, Job, make_archive
from warmfold_contract.metrics import OBJECTIVE, parse_metric
from warmfold_contract.paths import Paths

REGRESSION = {
    key: value
    for key, value in TRIAL.items()
    if key.startswith("warmfold_") and key != "warmfold_algorithm"
} | {"warmfold_task": "regression", "warmfold_metric": "rmse"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prices.install(tmp_path_factory.mktemp("prices"))


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Paths:
    done = Job(paths=Paths(tmp_path_factory.mktemp("processed")), site=site)
    raw = done.paths.processing_input("raw")
    raw.mkdir(parents=True)
    prices.write_csv(raw / "prices.csv")
    finished = done.run("process", **SPLIT)
    assert finished.code == 0, finished.err
    return done.paths


def trial(job: Job, processed: Paths, algorithm: str, **changed: str) -> Finished:
    job.put(job.paths.channel("train"), *processed.processing_output("train").iterdir())
    job.set_hyperparameters({**REGRESSION, "warmfold_algorithm": algorithm, **changed})
    return job.run("train")


def lines_of(finished: Finished) -> list[tuple[str, float]]:
    found = [parse_metric(line) for line in finished.out.splitlines()]
    return [entry for entry in found if entry is not None]


@pytest.mark.parametrize(
    "algorithm,changed",
    [
        ("lightgbm", {"objective": "huber", "alpha": "50", "max_rounds": "100"}),
        ("xgboost", {"objective": "reg:squarederror", "max_rounds": "60"}),
        ("linear", {"l2": "0.1"}),
    ],
)
def test_a_trial_predicts_prices(
    algorithm: str, changed: dict[str, str], job: Job, processed: Paths
) -> None:
    finished = trial(job, processed, algorithm, **changed)
    assert finished.code == 0, finished.reason
    name, rmse = lines_of(finished)[-1]
    assert name == OBJECTIVE
    assert 5 < rmse < 40
    result: dict[str, Any] = json.loads((job.paths.model / "cross_validation.json").read_text())
    assert result["score"] == rmse


def test_a_projects_own_metric_ranks_and_what_it_prints_is_not_believed(
    job: Job, processed: Paths
) -> None:
    finished = trial(
        job,
        processed,
        "linear",
        warmfold_metric="project.within",
        warmfold_direction="Maximize",
    )
    assert finished.code == 0, finished.reason
    objectives = [value for name, value in lines_of(finished) if name == OBJECTIVE]
    assert len(objectives) == 1
    assert 0.5 < objectives[0] < 0.999
    assert "0.999" in finished.out
    assert lines_of(finished)[-1] == (OBJECTIVE, objectives[0])


@pytest.mark.parametrize(
    "changed,reason",
    [
        ({"warmfold_task": "classification"}, "set the candidate's task to 'regression'"),
        ({"warmfold_metric": "auc"}, "metric 'auc' is for classification"),
        ({"warmfold_metric": "project.profit"}, "the project has no metric 'profit'"),
        ({"warmfold_metric": "rmsle"}, "unknown metric 'rmsle'"),
    ],
)
def test_a_task_or_metric_that_does_not_suit_the_project_is_refused(
    changed: dict[str, str], reason: str, job: Job, processed: Paths
) -> None:
    finished = trial(job, processed, "linear", **changed)
    assert (finished.code, lines_of(finished)) == (1, [])
    assert reason in finished.reason


def trained(job: Job, processed: Paths, tmp_path: Path) -> Job:
    """A final model of a trial that was run as ``job``."""
    assert trial(job, processed, "xgboost").code == 0
    final = Job(paths=Paths(tmp_path / "final"), site=job.site)
    ready(
        final,
        processed,
        algorithm="xgboost",
        task="regression",
        metric="rmse",
        hyperparameters={},
        rounds=80,
    )
    final.set_hyperparameters({**FINAL, "warmfold_metric": "rmse"})
    output = final.paths.channel("trial") / "output.tar.gz"
    make_archive(output, list(job.paths.output_data.iterdir()))
    assert final.run("train").code == 0, final.reason()
    return final


def test_the_final_model_is_evaluated_as_a_regression(
    job: Job, processed: Paths, tmp_path: Path
) -> None:
    final = trained(job, processed, tmp_path)
    result = evaluated(final, processed)
    assert result["task"] == "regression"
    assert set(result["metrics"]) == {"rmse", "mae", "r2", "project.within"}
    assert result["metrics"]["r2"] > 0.85
    assert result["rows"] == {"holdout": 80}
    assert set(result["curves"]) == {"residuals", "predicted_actual"}
    assert "positive_label" not in result["card"]["data"]
    assert result["card"]["model"]["algorithm"] == "xgboost"


def test_a_hold_out_of_one_value_is_scored_by_all_but_r2(
    job: Job, processed: Paths, tmp_path: Path
) -> None:
    final = trained(job, processed, tmp_path)
    assert set(evaluated(final, processed, target=200.0)["metrics"]) == {
        "rmse",
        "mae",
        "project.within",
    }


def test_a_fold_of_one_value_has_no_r2(job: Job, processed: Paths) -> None:
    flat = Paths(job.paths.base / "flat")
    shutil.copytree(processed.processing_output("train"), flat.processing_output("train"))
    places = np.load(flat.processing_output("train") / "fold.npy")[:, 0]
    target = np.load(flat.processing_output("train") / "target.npy")
    target[places == 2] = 200.0
    np.save(flat.processing_output("train") / "target.npy", target)
    assert trial(job, flat, "linear").code == 0
    shutil.rmtree(job.paths.channel("train"))
    finished = trial(job, flat, "linear", warmfold_metric="r2")
    assert (finished.code, lines_of(finished)) == (1, [])
    assert finished.reason.startswith("fold 2 has one single target, of which there is no r2")


def evaluated(final: Job, processed: Paths, target: float | None = None) -> dict[str, Any]:
    """``target``: that of all rows of the hold-out."""
    final.put(
        final.paths.processing_input("holdout"), *processed.processing_output("holdout").iterdir()
    )
    if target is not None:
        path = final.paths.processing_input("holdout") / "target.npy"
        np.save(path, np.full_like(np.load(path), target))
    archive = final.paths.processing_input("model") / "model.tar.gz"
    make_archive(archive, sorted(final.paths.model.iterdir()))
    put_champion(final, processed, {"status": "none"})
    finished = final.run("evaluate", WARMFOLD_METRIC="rmse")
    assert finished.code == 0, finished.err
    text = (final.paths.processing_output("evaluation") / "evaluation.json").read_text()
    result: dict[str, Any] = json.loads(text)
    return result
