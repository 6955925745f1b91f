"""Tuning jobs: ranges, the search, and whole jobs whose trials are real containers."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import Bench
from tests.unit.local.tuning_support import (
    describe,
    ended,
    request,
    run,
    score,
    trials,
)
from warmfold_local.errors import ValidationError


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def test_a_job_runs_its_trials_and_finds_the_best(bench: Bench) -> None:
    job = run(bench)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 6,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 6, "Pending": 0, "Failed": 0}
    elapsed = job["HyperParameterTuningEndTime"] - job["CreationTime"]
    assert job["ConsumedResources"] == {"RuntimeInSeconds": int(elapsed.total_seconds())}
    best = job["BestTrainingJob"]
    assert score(best) == max(map(score, trials(bench)))
    assert score(best) == 1 - (float(best["TunedHyperParameters"]["x"]) - 0.3) ** 2
    assert best["ObjectiveStatus"] == "Succeeded"


def test_a_trial_is_a_training_job_of_the_definition(bench: Bench) -> None:
    run(bench)
    names = [trial["TrainingJobName"] for trial in trials(bench)]
    assert [re.fullmatch(r"tune-(\d{3})-[0-9a-f]{8}", name).group(1) for name in names] == [  # type: ignore[union-attr]
        f"{n:03d}" for n in range(1, 7)
    ]
    job = bench.training_job(names[0])
    assert job["TuningJobArn"] == describe(bench)["HyperParameterTuningJobArn"]
    tuned = trials(bench)[0]["TunedHyperParameters"]
    assert set(tuned) == {"x", "n", "kind"}
    static = {"mode": "score", "_tuning_objective_metric": "validation:score"}
    assert job["HyperParameters"] == {**static, **tuned}
    assert all(isinstance(value, str) for value in job["HyperParameters"].values())
    assert "KeepAlivePeriodInSeconds" not in job["ResourceConfig"]
    assert (job["Environment"], job["RetryStrategy"]) == (
        {"OWN": "1"},
        {"MaximumRetryAttempts": 3},
    )
    tags = bench.call("ListTags", ResourceArn=job["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "risk"}]


def test_no_more_trials_run_at_once_than_allowed(bench: Bench) -> None:
    bench.call("CreateHyperParameterTuningJob", **request(bench, "wait"))
    bench.wait(lambda: len(trials(bench)) == 2)
    assert describe(bench)["TrainingJobStatusCounters"]["InProgress"] == 2
    assert "BestTrainingJob" not in describe(bench)
    bench.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    ended(bench)


def test_stopping_a_tuning_job_stops_its_trials(bench: Bench) -> None:
    bench.call("CreateHyperParameterTuningJob", **request(bench, "wait"))
    bench.wait(lambda: len(trials(bench)) == 2)
    for trial in trials(bench):
        bench.wait(lambda t=trial: "ready" in bench.log("training", t["TrainingJobName"]))  # type: ignore[misc]
    bench.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    job = ended(bench)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 2}
    with pytest.raises(ValidationError, match="in status Stopped"):
        bench.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")


def test_trials_that_fail_do_not_fail_the_job(bench: Bench) -> None:
    limits = {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 1}
    job = run(bench, "some", Strategy="Random", ResourceLimits=limits)
    failed = [trial for trial in trials(bench) if trial["TrainingJobStatus"] == "Failed"]
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert 0 < len(failed) < 8
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == len(failed)
    assert failed[0]["FailureReason"] == "AlgorithmError: x is too large, exit code: 1"
    assert "FinalHyperParameterTuningJobObjectiveMetric" not in failed[0]
    assert len(trials(bench, SortBy="FinalObjectiveMetricValue")) == 8 - len(failed)


def test_five_failures_without_a_success_end_the_job(bench: Bench) -> None:
    limits = {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 1}
    job = run(bench, "fail", ResourceLimits=limits)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert len(trials(bench)) == 5
    assert "BestTrainingJob" not in job


def test_a_trial_without_an_objective_does_not_count(bench: Bench) -> None:
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
    job = run(bench, "silent", ResourceLimits=limits)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("All training jobs failed.")
    assert job["ObjectiveStatusCounters"]["Failed"] == 2
    assert job["TrainingJobStatusCounters"]["Completed"] == 2


def test_trials_are_sorted_filtered_and_paged(bench: Bench) -> None:
    run(bench)
    by_score = trials(bench, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert list(map(score, by_score)) == sorted(map(score, by_score), reverse=True)
    assert trials(bench, StatusEquals="Failed") == []
    page = bench.call(
        "ListTrainingJobsForHyperParameterTuningJob",
        HyperParameterTuningJobName="tune",
        MaxResults=4,
    )
    assert len(page["TrainingJobSummaries"]) == 4
    assert len(trials(bench, NextToken=page["NextToken"])) == 2
    listed = bench.call("ListHyperParameterTuningJobs", NameContains="tun")
    (summary,) = listed["HyperParameterTuningJobSummaries"]
    assert summary["Strategy"] == "Bayesian"
    assert summary["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 6


def test_a_minimum_is_searched_just_as_well(bench: Bench) -> None:
    objective = {"Type": "Minimize", "MetricName": "validation:score"}
    job = run(bench, HyperParameterTuningJobObjective=objective)
    assert score(job["BestTrainingJob"]) == min(map(score, trials(bench)))


def test_a_target_ends_the_job_early(bench: Bench) -> None:
    criteria = {"TargetObjectiveMetricValue": 0.0}  # every trial reaches it
    limits = {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 1}
    job = run(bench, TuningJobCompletionCriteria=criteria, ResourceLimits=limits)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert len(trials(bench)) == 1


def test_a_job_that_does_not_improve_ends_early(bench: Bench) -> None:
    improving = {"MaxNumberOfTrainingJobsNotImproving": 3}
    limits = {"MaxNumberOfTrainingJobs": 100, "MaxParallelTrainingJobs": 1}
    criteria = {"BestObjectiveNotImproving": improving}
    job = run(bench, TuningJobCompletionCriteria=criteria, ResourceLimits=limits)
    details = job["TuningJobCompletionDetails"]
    assert details["NumberOfTrainingJobsObjectiveNotImproving"] == 3
    assert len(trials(bench)) < 100


def test_the_same_seed_gives_the_same_trials(tmp_path: Path) -> None:
    limits = {"MaxNumberOfTrainingJobs": 7, "MaxParallelTrainingJobs": 1}
    drawn = []
    for name in ("one", "two"):
        bench = Bench(tmp_path / name)
        run(bench, ResourceLimits=limits)
        drawn.append([trial["TunedHyperParameters"] for trial in trials(bench)])
    assert drawn[0] == drawn[1]
    assert len({trial["x"] for trial in drawn[0]}) == 7


def test_state_changes_are_events(bench: Bench) -> None:
    run(bench)
    bench.wait(lambda: len(own_events(bench)) == 2)
    assert [event["HyperParameterTuningJobStatus"] for event in own_events(bench)] == [
        "InProgress",
        "Completed",
    ]


def own_events(bench: Bench) -> list[dict[str, Any]]:
    kind = "SageMaker HyperParameter Tuning Job State Change"
    return [event["detail"] for event in bench.events.all if event["detail_type"] == kind]
