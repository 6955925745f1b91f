"""A search as a job: what it prints and leaves, and what a restart takes over."""

import json
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.unit.containers.trainer.jobs import ROOT, Finished, Job
from tests.unit.containers.trainer.search.aids import SEARCH
from warmfold_contract.metrics import OBJECTIVE, fold_metric, parse_metric
from warmfold_contract.paths import Paths
from warmfold_contract.trials import SearchedTrials


@pytest.fixture
def search(job: Job, processed: Paths) -> Job:
    """A search that is ready to run; one trial at a time, so it repeats itself exactly."""
    job.put(job.paths.channel("train"), *processed.processing_output("train").iterdir())
    job.set_hyperparameters(SEARCH)
    return job


def trials_of(job: Job) -> SearchedTrials:
    return SearchedTrials.from_json((job.paths.model / "trials.json").read_text())


def scores_of(job: Job) -> list[tuple[Any, ...]]:
    return [(row.name, row.hyperparameters, row.fold_scores) for row in trials_of(job).trials]


def metrics(finished: Finished) -> dict[str, float]:
    found = [parse_metric(line) for line in finished.out.splitlines()]
    assert found[-1] is not None
    assert found[-1][0] == OBJECTIVE
    return dict(metric for metric in found if metric is not None)


def interrupted(job: Job, stop: signal.Signals) -> "subprocess.Popen[str]":
    """The job, stopped by a signal after its third trial has ended."""
    child = job.start("train")
    try:
        assert child.stderr is not None
        while "trial 3 of 8" not in child.stderr.readline():
            assert child.poll() is None
        child.send_signal(stop)
        out, _ = child.communicate(timeout=20)
    finally:
        child.kill()
    assert out == ""
    return child


def test_a_search_reports_its_best_trial_as_a_trial_would(search: Job) -> None:
    finished = search.run("train")
    assert finished.code == 0, finished.err

    trials = trials_of(search)
    last = metrics(finished)
    complete = {row.score: row for row in trials.trials if row.score is not None}
    best = complete[max(complete)]
    assert [row.name for row in trials.trials] == [f"trees-{n:04d}" for n in range(1, 9)]
    assert last[OBJECTIVE] == pytest.approx(best.score)
    assert last["training:rounds"] == best.rounds
    assert last["training:folds_completed"] == trials.folds == best.folds_completed == 5
    for fold, score in enumerate(best.fold_scores, start=1):
        assert last[fold_metric(fold)] == pytest.approx(score)


def test_a_search_that_converged_leaves_the_trials_it_had_and_the_reason(search: Job) -> None:
    search.set_hyperparameters({**SEARCH, "warmfold_max_trials": "80"})
    finished = search.run("train")
    assert finished.code == 0, finished.err

    trials = trials_of(search)
    assert 12 <= len(trials.trials) < 80
    assert trials.ended_early.startswith(f"converged after {len(trials.trials)} of 80 trials: ")
    assert trials.ended_early in finished.err
    best = max(row.score for row in trials.trials if row.score is not None)
    assert metrics(finished)[OBJECTIVE] == pytest.approx(best)


def test_a_search_leaves_the_best_trials_scores_and_predictions(search: Job) -> None:
    search.run("train")
    summary = json.loads((search.paths.model / "cross_validation.json").read_text())
    best = max(trials_of(search).trials, key=lambda row: row.score or 0)
    assert (summary["trial"], summary["score"]) == (best.name, pytest.approx(best.score))
    assert summary["fold_hash"] == trials_of(search).fold_hash
    assert best.hyperparameters.items() <= summary["hyperparameters"].items()
    predictions = np.load(search.paths.output_data / "out_of_fold.npz")
    assert len(predictions["score"]) == 800


def test_a_search_that_is_killed_goes_on_where_it_was(search: Job) -> None:
    assert search.run("train").code == 0
    whole = scores_of(search)
    for folder in (search.paths.checkpoints, search.paths.model):
        for file in folder.iterdir():
            file.unlink()

    assert interrupted(search, signal.SIGKILL).returncode == -signal.SIGKILL
    kept = (search.paths.checkpoints / "search.jsonl").read_text().splitlines()
    assert 3 <= len(kept) - 1 < 8
    finished = search.run("train")

    assert f"{len(kept) - 1} from a checkpoint" in finished.err
    assert scores_of(search) == whole
    lines = (search.paths.checkpoints / "search.jsonl").read_text().splitlines()
    assert lines[: len(kept)] == kept


def test_a_search_that_is_asked_to_stop_says_so_and_keeps_its_checkpoint(search: Job) -> None:
    assert interrupted(search, signal.SIGTERM).returncode == 143
    assert search.reason() == "stopped by SIGTERM before the job had finished"
    assert not search.paths.model.exists()

    search.paths.failure.unlink()
    finished = search.run("train")
    assert finished.code == 0
    assert len(trials_of(search).trials) == 8


def test_a_search_whose_trials_are_all_in_the_checkpoint_only_repeats_the_best(
    search: Job,
) -> None:
    first = search.run("train")
    files = {path: path.read_bytes() for path in search.paths.model.iterdir()}

    again = search.run("train")

    assert again.out == first.out
    assert {path: path.read_bytes() for path in search.paths.model.iterdir()} == files


def test_a_checkpoint_of_another_search_fails_the_job_before_it_trains(search: Job) -> None:
    search.set_hyperparameters({**SEARCH, "warmfold_max_trials": "1"})
    assert search.run("train").code == 0
    search.set_hyperparameters({**SEARCH, "warmfold_seed": "8"})
    finished = search.run("train")
    assert (finished.code, finished.out) == (1, "")
    assert finished.reason.startswith(
        "the checkpoint search.jsonl is of another search (different: seed)"
    )


def test_no_other_mode_loads_what_only_a_search_needs() -> None:
    code = "import sys, warmfold_trainer.train; sys.exit('optuna' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "containers")}
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    "name",
    [
        "warmfold_candidate",
        "warmfold_strategy",
        "warmfold_racing",
        "warmfold_stops_when_converged",
    ],
)
def test_a_search_without_one_of_its_hyperparameters_names_it(search: Job, name: str) -> None:
    search.set_hyperparameters({key: value for key, value in SEARCH.items() if key != name})
    finished = search.run("train")
    assert (finished.code, finished.reason) == (1, f"the hyperparameter {name} is not set")
