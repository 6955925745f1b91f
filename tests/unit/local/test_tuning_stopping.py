"""Trials that a tuning job stops: early stopping, Hyperband, its own time limit, retries."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import Bench
from tests.unit.local.tuning_support import (
    continuous,
    ended,
    request,
    run,
    score,
    trials,
)
from warmfold_local.faults.kinds import Budget, JobFails, NodeLost
from warmfold_local.sagemaker import tuning
from warmfold_local.sagemaker.tuning_spec import TuningSpec, parse_spec

# Prints its hyperparameter `level` once an epoch. A low level then hangs until it is stopped, if
# `mode` says so; a `mode` of "pause" gives each epoch the time in which to be stopped.
EPOCHS = """
import json, os, pathlib, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
values = json.loads((base / "input/config/hyperparameters.json").read_text())
level, mode = float(values["level"]), values["mode"]
for epoch in range(int(values.get("epochs", "3"))):
    print("validation:score=%r;" % level, flush=True)
    time.sleep(0.12 if mode == "pause" else 0)
if mode == "hang" and level < 0.5:
    time.sleep(60)
"""
LEVELS = {"CategoricalParameterRanges": [{"Name": "level", "Values": ["0.9", "0.1", "0.95"]}]}
ONE_BY_ONE = {"MaxParallelTrainingJobs": 1}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def levels(mode: str, bench: Bench, epochs: str = "3", **config: Any) -> dict[str, Any]:
    grid = {"Strategy": "Grid", "ParameterRanges": LEVELS, "ResourceLimits": ONE_BY_ONE}
    asked = request(bench, mode, EPOCHS, **{**grid, **config})
    asked["TrainingJobDefinition"]["StaticHyperParameters"]["epochs"] = epochs
    bench.call("CreateHyperParameterTuningJob", **asked)
    return ended(bench)


def outcomes(bench: Bench) -> list[str]:
    return [trial["TrainingJobStatus"] for trial in trials(bench)]


def test_a_trial_that_falls_behind_is_stopped_and_keeps_its_objective(bench: Bench) -> None:
    job = levels("hang", bench, TrainingJobEarlyStoppingType="Auto")
    assert outcomes(bench)[:2] == ["Completed", "Stopped"]
    stopped = trials(bench)[1]
    assert (stopped["ObjectiveStatus"], score(stopped)) == ("Succeeded", 0.1)
    assert job["TrainingJobStatusCounters"]["Stopped"] >= 1
    assert score(job["BestTrainingJob"]) == 0.95


def test_without_early_stopping_no_trial_is_stopped(bench: Bench) -> None:
    levels("pause", bench)
    assert outcomes(bench) == ["Completed"] * 3


def test_a_trial_that_prints_its_objective_once_is_never_stopped(bench: Bench) -> None:
    levels("pause", bench, epochs="1", TrainingJobEarlyStoppingType="Auto")
    assert outcomes(bench) == ["Completed"] * 3


def test_hyperband_stops_trials_early_and_at_its_most_epochs(bench: Bench) -> None:
    job = levels(
        "pause",
        bench,
        epochs="60",
        Strategy="Hyperband",
        StrategyConfig={"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 3}},
        ParameterRanges={"ContinuousParameterRanges": [continuous("level", "0", "1")]},
        ResourceLimits={"MaxNumberOfTrainingJobs": 12, "MaxParallelTrainingJobs": 4},
    )
    assert outcomes(bench) == ["Stopped"] * 12
    printed = {
        trial["TrainingJobName"]: bench.log("training", trial["TrainingJobName"]).count("score=")
        for trial in trials(bench)
    }
    best = job["BestTrainingJob"]
    assert printed[best["TrainingJobName"]] >= 3
    assert max(printed.values()) < 60
    assert min(printed.values()) < 3
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 12, "Pending": 0, "Failed": 0}


def test_a_trial_that_ends_by_itself_under_hyperband_is_completed(bench: Bench) -> None:
    """It prints fewer epochs than MaxResource, and is not stopped before MinResource."""
    levels(
        "score",
        bench,
        epochs="2",
        Strategy="Hyperband",
        StrategyConfig={"HyperbandStrategyConfig": {"MinResource": 5, "MaxResource": 9}},
        ParameterRanges={"ContinuousParameterRanges": [continuous("level", "0", "1")]},
        ResourceLimits={"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 3},
    )
    assert outcomes(bench) == ["Completed"] * 3


def hurried(asked: dict[str, Any]) -> TuningSpec:
    """With a run time that the API, whose least is 120 s, does not take."""
    return replace(parse_spec(asked), max_runtime_seconds=0.6)


def test_the_run_time_ends_the_job_and_its_trials(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "parse_spec", hurried)
    job = levels("hang", bench)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert outcomes(bench) == ["Completed", "Stopped"]
    assert "FinalHyperParameterTuningJobObjectiveMetric" not in trials(bench)[1]
    assert score(job["BestTrainingJob"]) == 0.9


def test_a_run_time_without_any_score_is_a_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "parse_spec", hurried)
    job = run(bench, "wait")
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"] == "No training job ended within MaxRuntimeInSeconds."


def test_convergence_ends_the_job_and_is_dated(bench: Bench) -> None:
    job = levels(
        "score",
        bench,
        epochs="1",
        Strategy="Random",
        ParameterRanges={
            "CategoricalParameterRanges": [{"Name": "level", "Values": ["0.9"]}],
            "IntegerParameterRanges": [continuous("n", "1", "99")],
        },
        ResourceLimits={"MaxNumberOfTrainingJobs": 60, "MaxParallelTrainingJobs": 2},
        TuningJobCompletionCriteria={"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}},
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert 20 <= len(trials(bench)) <= 22
    details = job["TuningJobCompletionDetails"]
    assert details["ConvergenceDetectedTime"] >= job["CreationTime"]
    assert details["NumberOfTrainingJobsObjectiveNotImproving"] >= 19


@pytest.mark.parametrize("times, completed", [(3, 3), (4, 2)])
def test_an_internal_error_is_retried_and_counted_if_it_lasts(
    bench: Bench, times: int, completed: int
) -> None:
    """Each trial may be retried three times: a fourth error in a row is its end."""
    bench.cloud.faults.add(JobFails(match="tune-002-*", budget=Budget(times=times)))
    job = levels("score", bench)
    counters = job["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["RetryableError"]) == (completed, 3 - completed)
    assert counters["NonRetryableError"] == 0
    assert job["HyperParameterTuningJobStatus"] == "Completed"


def test_a_retried_trial_starts_its_epochs_again(bench: Bench) -> None:
    """The node of a Hyperband trial is lost at its second epoch: two and three are not five."""
    bench.cloud.faults.add(NodeLost(match="tune-001-*", at_line=2))
    job = levels(
        "pause",
        bench,
        Strategy="Hyperband",
        StrategyConfig={"HyperbandStrategyConfig": {"MinResource": 4, "MaxResource": 4}},
        ParameterRanges={"ContinuousParameterRanges": [continuous("level", "0", "1")]},
        ResourceLimits={"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
    )
    (trial,) = trials(bench)
    assert trial["TrainingJobStatus"] == "Completed"
    states = bench.training_job(trial["TrainingJobName"])["SecondaryStatusTransitions"]
    assert [state["Status"] for state in states].count("Starting") == 2
    assert job["ObjectiveStatusCounters"]["Succeeded"] == 1


@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_trials_and_jobs_are_listed_in_every_order(bench: Bench, sort_by: str, order: str) -> None:
    levels("hang", bench, TrainingJobEarlyStoppingType="Auto")
    key = {"Name": "TrainingJobName", "Status": "TrainingJobStatus"}.get(sort_by, sort_by)
    listed = [trial[key] for trial in trials(bench, SortBy=sort_by, SortOrder=order)]
    assert listed == sorted(listed, reverse=order == "Descending")
    jobs = bench.call("ListHyperParameterTuningJobs", SortBy=sort_by, SortOrder=order)
    assert len(jobs["HyperParameterTuningJobSummaries"]) == 1


def test_trials_and_jobs_are_filtered_by_status_name_and_time(bench: Bench) -> None:
    job = levels("hang", bench, TrainingJobEarlyStoppingType="Auto")
    stopped = trials(bench, StatusEquals="Stopped")
    assert [trial["TrainingJobStatus"] for trial in stopped] == ["Stopped"]
    assert len(trials(bench, StatusEquals="Completed")) == 2

    def names(**filters: Any) -> list[str]:
        found = bench.call("ListHyperParameterTuningJobs", **filters)
        return [
            each["HyperParameterTuningJobName"]
            for each in found["HyperParameterTuningJobSummaries"]
        ]

    created, changed = job["CreationTime"], job["LastModifiedTime"]
    second = timedelta(seconds=1)
    for kept, dropped in (
        ({"StatusEquals": "Completed"}, {"StatusEquals": "Failed"}),
        ({"NameContains": "un"}, {"NameContains": "xx"}),
        ({"CreationTimeAfter": created - second}, {"CreationTimeBefore": created - second}),
        ({"LastModifiedTimeBefore": changed + second}, {"LastModifiedTimeAfter": changed + second}),
    ):
        assert names(**kept) == ["tune"]
        assert names(**dropped) == []
