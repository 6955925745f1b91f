"""What a tuning job's request may say: everything wrong is refused before anything runs."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import Bench
from tests.unit.local.tuning_support import (
    CATEGORICAL,
    RANGES,
    changed,
    continuous,
    describe,
    ended,
    request,
    run,
    several,
    trials,
)
from warmfold_local.errors import ResourceInUse, ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.tuning_spec import parse_spec


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
CONTINUOUS = f"{CONFIG}.ParameterRanges.ContinuousParameterRanges"
LIMITS = {"MaxParallelTrainingJobs": 1}
HYPERBAND = {"HyperbandStrategyConfig": {"MaxResource": 9}}
BAD_REQUESTS: list[tuple[str, Any, type[ServiceError], str]] = [
    (f"{CONFIG}.Strategy", "Hyperband", ValidationError, "MaxResource, or one of the static"),
    (f"{CONFIG}.Strategy", "Grid", ValidationError, "Only categorical parameters are supported"),
    (f"{CONFIG}.StrategyConfig", HYPERBAND, ValidationError, "for the Hyperband strategy only"),
    (f"{CONFIG}.ResourceLimits", LIMITS | {"MaxNumberOfTrainingJobs": 751}, ServiceError, "is 750"),
    (f"{CONFIG}.ResourceLimits", {"MaxParallelTrainingJobs": 101}, ServiceError, "is 100, and"),
    (f"{CONFIG}.ResourceLimits", LIMITS | {"MaxRuntimeInSeconds": 119}, ValidationError, "120"),
    ("Autotune", {"Mode": "Enabled"}, UnsupportedOperation, "Autotune"),
    ("TrainingJobDefinitions", [], ValidationError, "length greater than or equal"),
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
        ValidationError,
        "needs a HyperParameterTuningJobName",
    ),
    (
        f"{CONFIG}.ParameterRanges",
        {"IntegerParameterRanges": [continuous("n", "1", "3")]},
        ValidationError,
        r"provided ranges \[3.0\] must be equal or greater than .* MaxNumberOfJobs, \[6\]",
    ),
    (CONTINUOUS, [continuous("x", "-1e308", "1e308")], ValidationError, "wider than a double"),
    (
        f"{CONFIG}.ParameterRanges",
        {"CategoricalParameterRanges": [{"Name": f"k{i}", "Values": ["a"]} for i in range(31)]},
        ValidationError,
        "30",
    ),
    (
        f"{CONFIG}.ParameterRanges.CategoricalParameterRanges",
        [{"Name": "kind", "Values": [str(i) for i in range(31)]}],
        ValidationError,
        "30",
    ),
    (
        f"{CONFIG}.ParameterRanges.IntegerParameterRanges",
        [continuous("n", "0", str(2**53 + 1))],
        ValidationError,
        r"beyond 2\*\*53",
    ),
    (
        f"{DEFINITION}.Environment",
        {f"V{i}": "1" for i in range(49)},
        ValidationError,
        "48",
    ),
]


@pytest.mark.parametrize("path, value, error, message", BAD_REQUESTS)
def test_a_wrong_request_is_refused_before_anything_runs(
    bench: Bench, path: str, value: Any, error: type[ServiceError], message: str
) -> None:
    with pytest.raises(error, match=message):
        bench.call("CreateHyperParameterTuningJob", **changed(request(bench), path, value))
    assert bench.call("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"] == []


def test_an_unknown_job_is_not_found(bench: Bench) -> None:
    for operation in ("Describe{}", "Stop{}", "Delete{}", "ListTrainingJobsFor{}"):
        with pytest.raises(ServiceError, match="can't find a tuning job called none") as found:
            bench.call(
                operation.format("HyperParameterTuningJob"), HyperParameterTuningJobName="none"
            )
        assert found.value.code == "ResourceNotFound"


def test_hyperband_infers_its_most_epochs_from_a_static_hyperparameter(bench: Bench) -> None:
    asked = changed(request(bench, Strategy="Hyperband"), f"{DEFINITION}.StaticHyperParameters", {})
    asked[DEFINITION]["StaticHyperParameters"] = {"num_epochs": "27"}
    resource = parse_spec(asked).definitions[0].resource
    assert resource is not None
    assert (resource.least, resource.most) == (1, 27)
    own = changed(asked, f"{CONFIG}.StrategyConfig", HYPERBAND)
    found = parse_spec(own).definitions[0].resource
    assert found is not None
    assert found.most == 9
    for least, most in ((10, 9), (1, 20_001)):
        values = {"HyperbandStrategyConfig": {"MinResource": least, "MaxResource": most}}
        with pytest.raises(ValidationError, match="MinResource ≤ MaxResource ≤ 20000"):
            parse_spec(changed(asked, f"{CONFIG}.StrategyConfig", values))
    early = changed(own, f"{CONFIG}.TrainingJobEarlyStoppingType", "Auto")
    with pytest.raises(ValidationError, match="must be Off to use Hyperband"):
        parse_spec(early)


def test_a_grid_has_as_many_trials_as_combinations(bench: Bench) -> None:
    grid = request(bench, Strategy="Grid", ParameterRanges=CATEGORICAL)
    with pytest.raises(ValidationError, match=r"is 6: .* must equal .* combinations, 4"):
        parse_spec(grid)
    assert parse_spec(changed(grid, f"{CONFIG}.ResourceLimits", LIMITS)).max_trials == 4
    big = [{"Name": f"k{i}", "Values": [str(v) for v in range(30)]} for i in range(30)]
    ranges = changed(grid, f"{CONFIG}.ResourceLimits", LIMITS)
    ranges = changed(ranges, f"{CONFIG}.ParameterRanges", {"CategoricalParameterRanges": big})
    with pytest.raises(ServiceError, match="is 750") as error:
        parse_spec(ranges)
    assert error.value.code == "ResourceLimitExceeded"


def test_without_a_number_of_trials_there_are_no_more_than_combinations(bench: Bench) -> None:
    few = request(bench, ParameterRanges=CATEGORICAL, ResourceLimits=LIMITS)
    assert parse_spec(few).max_trials == 4
    assert parse_spec(request(bench, ResourceLimits=LIMITS)).max_trials == 750


DEFINITIONS = "TrainingJobDefinitions"


@pytest.mark.parametrize(
    "change, message",
    [
        ({"DefinitionName": "first"}, "a DefinitionName of its own"),
        ({"TuningObjective": {"Type": "Minimize", "MetricName": "validation:score"}}, "same Type"),
        ({"TuningObjective": {"Type": "Maximize", "MetricName": "x"}}, "A metric is required"),
        ({"TuningObjective": None}, "TuningObjective of its own for each definition"),
        ({"HyperParameterRanges": None}, "needs 1 to 30 parameter ranges"),
    ],
)
def test_definitions_that_do_not_go_together_are_refused(
    bench: Bench, change: dict[str, Any], message: str
) -> None:
    asked = several(bench)
    asked[DEFINITIONS][1] = {k: v for k, v in (asked[DEFINITIONS][1] | change).items() if v}
    with pytest.raises(ValidationError, match=message):
        bench.call("CreateHyperParameterTuningJob", **asked)


def test_several_definitions_leave_no_ranges_to_the_job(bench: Bench) -> None:
    asked = several(bench)
    with pytest.raises(ValidationError, match="ParameterRanges must be absent"):
        parse_spec(changed(asked, f"{CONFIG}.ParameterRanges", RANGES))
    with pytest.raises(ValidationError, match="either a TrainingJobDefinition or"):
        parse_spec({**asked, DEFINITION: asked[DEFINITIONS][0]})


def test_several_definitions_take_turns_and_share_the_best(bench: Bench) -> None:
    bench.call("CreateHyperParameterTuningJob", **several(bench))
    job = ended(bench)
    names = [trial["TrainingJobDefinitionName"] for trial in trials(bench)]
    assert sorted(names[:4]) == ["first", "first", "second", "second"]
    assert names == ["first", "second", "first", "second", "second", "second"]
    assert job["BestTrainingJob"]["TrainingJobDefinitionName"] == "second"
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.3"}


def test_a_name_is_used_once(bench: Bench) -> None:
    run(bench)
    with pytest.raises(ResourceInUse, match=r"with the name, tune, already exists. Choose a diff"):
        bench.call("CreateHyperParameterTuningJob", **request(bench))


def test_a_deleted_job_leaves_its_training_jobs_and_frees_its_name(bench: Bench) -> None:
    run(bench)
    first = [trial["TrainingJobName"] for trial in trials(bench)]
    arn = describe(bench)["HyperParameterTuningJobArn"]
    bench.call("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    with pytest.raises(ServiceError, match="can't find"):
        describe(bench)
    assert bench.call("ListTags", ResourceArn=arn)["Tags"] == []
    assert bench.training_job(first[0])["TrainingJobStatus"] == "Completed"
    run(bench)
    second = [trial["TrainingJobName"] for trial in trials(bench)]
    assert len(second) == 6
    assert not set(first) & set(second)


def test_a_running_job_is_not_deleted(bench: Bench) -> None:
    bench.call("CreateHyperParameterTuningJob", **request(bench, "wait"))
    with pytest.raises(ValidationError, match="in status InProgress: stop it"):
        bench.call("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    bench.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    assert ended(bench)["HyperParameterTuningJobStatus"] == "Stopped"
