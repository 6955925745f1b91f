"""Tuning jobs: ranges, the search, and whole jobs whose trials are real containers."""

import copy
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench
from warmfold_local.errors import ResourceInUse, ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.tuning_ranges import ParameterRange, parse_ranges
from warmfold_local.sagemaker.tuning_search import Search, default_seed

# Scores a trial by its hyperparameter x, best at 0.3; what else it does is in `mode`.
TRIAL = """
import json, os, pathlib, signal, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
values = json.loads((base / "input/config/hyperparameters.json").read_text())
assert values["_tuning_objective_metric"] == "validation:score"
x, mode = float(values["x"]), values["mode"]
def end(*_):
    raise SystemExit(143)
signal.signal(signal.SIGTERM, end)
if mode == "wait":
    print("ready", flush=True)
    time.sleep(60)
if mode == "fail" or (mode == "some" and x > 0.5):
    (base / "output/failure").write_text("x is too large")
    raise SystemExit(1)
print("validation:score=-99;")
if mode != "silent":
    print("validation:score=%r;" % (1 - (x - 0.3) ** 2))
print("other:score=5;")
"""


def continuous(name: str, low: str, high: str, scaling: str = "Auto") -> dict[str, str]:
    return {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scaling}


RANGES = {
    "ContinuousParameterRanges": [continuous("x", "0.0", "1.0")],
    "IntegerParameterRanges": [continuous("n", "1", "9")],
    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def request(bench: Bench, mode: str = "score", **config: Any) -> dict[str, Any]:
    limits = {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 2}
    silent = mode == "silent"
    regex = "validation:score=([0-9.]+);" if silent else r"validation:score=([-+0-9.eE]+);"
    return {
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize",
                "MetricName": "validation:score",
            },
            "ResourceLimits": limits,
            "ParameterRanges": RANGES,
            "RandomSeed": 7,
            **config,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"mode": mode},
            "AlgorithmSpecification": {
                "TrainingImage": bench.image(TRIAL),
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "validation:score", "Regex": regex}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/tuning"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
                "KeepAlivePeriodInSeconds": 600,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "RetryStrategy": {"MaximumRetryAttempts": 3},
            "Environment": {"OWN": "1"},
        },
        "Tags": [{"Key": "team", "Value": "risk"}],
    }


def describe(bench: Bench) -> dict[str, Any]:
    return bench.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName="tune")


def ended(bench: Bench) -> dict[str, Any]:
    bench.wait(lambda: "HyperParameterTuningEndTime" in describe(bench))
    return describe(bench)


def run(bench: Bench, mode: str = "score", **config: Any) -> dict[str, Any]:
    bench.call("CreateHyperParameterTuningJob", **request(bench, mode, **config))
    return ended(bench)


def trials(bench: Bench, **members: Any) -> list[dict[str, Any]]:
    page = bench.call(
        "ListTrainingJobsForHyperParameterTuningJob",
        **{"HyperParameterTuningJobName": "tune", "MaxResults": 100, **members},
    )
    found: list[dict[str, Any]] = page["TrainingJobSummaries"]
    return found


def score(trial: dict[str, Any]) -> float:
    return float(trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


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
    assert job["ConsumedResources"] == {"RuntimeInSeconds": 6}
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


def mean_distance(strategy: str) -> float:
    """How far from the optimum the later half of 40 suggestions lies, over five seeds."""
    ranges = parse_ranges({"ContinuousParameterRanges": [continuous("x", "0", "1")]}, {})
    distances = []
    for seed in range(5):
        search = Search(ranges, strategy=strategy, maximize=True, trials=40, seed=seed)
        for number in range(40):
            suggestion = search.ask()
            distance = abs(float(suggestion.hyperparameters["x"]) - 0.3)
            search.tell(suggestion, -distance)
            distances += [distance] if number >= 20 else []
    return sum(distances) / len(distances)


def test_the_bayesian_search_learns_from_scores() -> None:
    assert mean_distance("Bayesian") < 0.6 * mean_distance("Random")


def test_parallel_suggestions_differ() -> None:
    ranges = parse_ranges(RANGES, {})
    search = Search(ranges, strategy="Bayesian", maximize=True, trials=40, seed=1)
    for _ in range(12):
        search.tell(search.ask(), 0.5)
    assert len({search.ask().hyperparameters["x"] for _ in range(10)}) == 10


@pytest.mark.parametrize("strategy", ["Bayesian", "Random"])
def test_failed_trials_are_told_to_the_search(strategy: str) -> None:
    search = Search(parse_ranges(RANGES, {}), strategy=strategy, maximize=True, trials=8, seed=1)
    for _ in range(12):
        search.tell(search.ask(), None)
    assert search.ask().hyperparameters["kind"] in ("a", "b")


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.sampled_from(["Auto", "Linear", "Logarithmic"]))
def test_drawn_values_lie_in_their_range(a: float, b: float, scaling: str) -> None:
    low, high = sorted((a, b))
    low = max(low, 1e-9) if scaling == "Logarithmic" else low
    high = max(low, high)
    given_ranges = {"ContinuousParameterRanges": [continuous("x", repr(low), repr(high), scaling)]}
    search = Search(
        parse_ranges(given_ranges, {}), strategy="Random", maximize=True, trials=5, seed=1
    )
    for _ in range(5):
        text = search.ask().hyperparameters["x"]
        assert low <= float(text) <= high


def test_reverse_logarithmic_values_crowd_towards_one() -> None:
    ranges = {"ContinuousParameterRanges": [continuous("x", "0.9", "0.9999", "ReverseLogarithmic")]}
    search = Search(parse_ranges(ranges, {}), strategy="Random", maximize=True, trials=5, seed=1)
    values = [float(search.ask().hyperparameters["x"]) for _ in range(300)]
    assert all(0.9 <= value <= 0.9999 for value in values)
    assert 0.4 < sum(value > 0.997 for value in values) / 300 < 0.6  # half of the log scale


def test_auto_scaling_is_logarithmic_for_wide_positive_ranges() -> None:
    (wide, narrow) = parse_ranges(
        {
            "ContinuousParameterRanges": [
                continuous("wide", "0.001", "1"),
                continuous("narrow", "0.5", "1"),
            ]
        },
        {},
    )
    assert (wide.scaling, narrow.scaling) == ("Logarithmic", "Linear")


def test_integers_are_written_as_integers() -> None:
    assert ParameterRange(name="n", integer=True, low=1, high=9).text(3) == "3"
    assert math.isclose(float(ParameterRange(name="x", low=0, high=1).text(1e-5)), 1e-5)


def test_the_default_seed_is_the_names() -> None:
    assert default_seed("a") == default_seed("a") != default_seed("b")


def changed(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one member at a dotted path replaced."""
    copied = copy.deepcopy(values)
    *parents, last = path.split(".")
    at = copied
    for part in parents:
        at = at[part]
    at[last] = value
    return copied


CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
CONTINUOUS = f"{CONFIG}.ParameterRanges.ContinuousParameterRanges"
BAD_REQUESTS: list[tuple[str, Any, type[ServiceError], str]] = [
    (f"{CONFIG}.Strategy", "Hyperband", UnsupportedOperation, "strategy Hyperband"),
    (f"{CONFIG}.Strategy", "Grid", UnsupportedOperation, "strategy Grid"),
    (f"{CONFIG}.TrainingJobEarlyStoppingType", "Auto", UnsupportedOperation, "early stopping"),
    (f"{CONFIG}.ParameterRanges", {}, ValidationError, "needs 1 to 30 parameter ranges"),
    (CONTINUOUS, [continuous("x", "2", "1")], ValidationError, "'x' is empty: MinValue 2"),
    (CONTINUOUS, [continuous("x", "low", "1")], ValidationError, "'low', not a number"),
    (CONTINUOUS, [continuous("x", "nan", "1")], ValidationError, "'nan', not a number"),
    (CONTINUOUS, [continuous("n", "0", "1")], ValidationError, "'n' has more than one range"),
    (CONTINUOUS, [continuous("mode", "0", "1")], ValidationError, "both static and tunable"),
    (CONTINUOUS, [continuous("x", "0", "1", "Logarithmic")], ValidationError, "above 0"),
    (CONTINUOUS, [continuous("x", "0", "1", "ReverseLogarithmic")], ValidationError, r"\[0, 1\)"),
    (
        f"{CONFIG}.ParameterRanges.IntegerParameterRanges",
        [continuous("n", "1", "2.5")],
        ValidationError,
        "'2.5', not an integer",
    ),
    (
        f"{CONFIG}.HyperParameterTuningJobObjective.MetricName",
        "other",
        ValidationError,
        "A metric is required for this hyperparameter tuning job objective",
    ),
    (
        f"{DEFINITION}.StaticHyperParameters",
        {f"k{i}": "1" for i in range(98)},
        ValidationError,
        "at most 100 hyperparameters",
    ),
    (
        f"{DEFINITION}.AlgorithmSpecification.TrainingImage",
        "000000000000.dkr.ecr.us-east-1.amazonaws.com/none:v1",
        ValidationError,
        "has not been built",
    ),
    ("HyperParameterTuningJobName", "n" * 33, ValidationError, "equal to 32"),
    (
        "WarmStartConfig",
        {"ParentHyperParameterTuningJobs": [{}], "WarmStartType": "TransferLearning"},
        UnsupportedOperation,
        "WarmStartConfig",
    ),
]


@pytest.mark.parametrize("path, value, error, message", BAD_REQUESTS)
def test_a_wrong_request_is_refused_before_anything_runs(
    bench: Bench, path: str, value: Any, error: type[ServiceError], message: str
) -> None:
    with pytest.raises(error, match=message):
        bench.call("CreateHyperParameterTuningJob", **changed(request(bench), path, value))
    assert bench.call("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"] == []


def test_a_name_is_used_once(bench: Bench) -> None:
    asked = request(bench)
    bench.call("CreateHyperParameterTuningJob", **asked)
    with pytest.raises(ResourceInUse, match="already exists"):
        bench.call("CreateHyperParameterTuningJob", **asked)
    ended(bench)
