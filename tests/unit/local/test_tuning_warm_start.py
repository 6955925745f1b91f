"""Warm start: which parents fit, what is learnt from them, and the best over all."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import Bench, channel
from tests.unit.local.tuning_support import (
    changed,
    continuous,
    describe,
    request,
    run,
    score,
    several,
    trials,
)
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError

CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
IDENTICAL, TRANSFER = "IdenticalDataAndAlgorithm", "TransferLearning"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def child(bench: Bench, kind: str, *parents: str, **config: Any) -> dict[str, Any]:
    return {
        **request(bench, **config),
        "HyperParameterTuningJobName": "child",
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [
                {"HyperParameterTuningJobName": name} for name in parents
            ],
            "WarmStartType": kind,
        },
    }


def ended_child(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    def described() -> dict[str, Any]:
        return bench.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName="child")

    bench.call("CreateHyperParameterTuningJob", **asked)
    bench.wait(lambda: "HyperParameterTuningEndTime" in described())
    return described()


def test_the_best_overall_may_be_a_parents(bench: Bench) -> None:
    parent = run(bench)
    far = {
        "ContinuousParameterRanges": [continuous("x", "3", "4")],
        "IntegerParameterRanges": [continuous("n", "1", "9")],
        "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
    }
    job = ended_child(bench, child(bench, IDENTICAL, "tune", ParameterRanges=far))
    overall = job["OverallBestTrainingJob"]
    assert overall["TrainingJobName"] == parent["BestTrainingJob"]["TrainingJobName"]
    assert overall["TuningJobName"] == "tune"
    assert score(job["BestTrainingJob"]) < score(overall)
    assert "OverallBestTrainingJob" not in describe(bench)


def test_transfer_learning_tries_the_parents_best_first(bench: Bench) -> None:
    parent = run(bench)
    job = ended_child(bench, child(bench, TRANSFER, "tune"))
    first = trials(bench, HyperParameterTuningJobName="child")[0]
    best = parent["BestTrainingJob"]
    assert first["TunedHyperParameters"] == best["TunedHyperParameters"]
    assert "OverallBestTrainingJob" not in job


def test_what_was_static_may_be_tuned(bench: Bench) -> None:
    run(bench)
    asked = child(bench, TRANSFER, "tune")
    ranges = asked[CONFIG]["ParameterRanges"]
    asked = changed(asked, f"{CONFIG}.ParameterRanges.CategoricalParameterRanges", [])
    asked[DEFINITION]["StaticHyperParameters"]["kind"] = "a"
    assert ranges["CategoricalParameterRanges"]
    assert ended_child(bench, asked)["HyperParameterTuningJobStatus"] == "Completed"


REFUSED: list[tuple[str, str, Any, str]] = [
    (IDENTICAL, f"{DEFINITION}.StaticHyperParameters", {"mode": "score", "new": "1"}, "The set of"),
    (TRANSFER, f"{DEFINITION}.StaticHyperParameters", {}, "set of tunable plus static"),
    (TRANSFER, f"{DEFINITION}.Environment", {"OWN": "2"}, "Only the following fields in Training"),
    (
        TRANSFER,
        f"{CONFIG}.HyperParameterTuningJobObjective.Type",
        "Minimize",
        "Maximize validation:score, not Minimize",
    ),
    (
        IDENTICAL,
        f"{DEFINITION}.InputDataConfig",
        [channel("train", "s3://artifacts/other/")],
        "needs the input data and the training image of the parent",
    ),
    (TRANSFER, "WarmStartConfig.ParentHyperParameterTuningJobs", [{}] * 6, "equal to 5"),
    (TRANSFER, f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs", 745, "is 750"),
]


@pytest.mark.parametrize("kind, path, value, message", REFUSED)
def test_a_parent_that_does_not_fit_is_refused(
    bench: Bench, kind: str, path: str, value: Any, message: str
) -> None:
    run(bench)
    with pytest.raises(ServiceError, match=message):
        bench.call(
            "CreateHyperParameterTuningJob", **changed(child(bench, kind, "tune"), path, value)
        )


def test_parents_must_exist_once_and_have_ended(bench: Bench) -> None:
    with pytest.raises(ServiceError, match="can't find a tuning job called tune"):
        bench.call("CreateHyperParameterTuningJob", **child(bench, TRANSFER, "tune"))
    waiting = request(bench, "wait")
    bench.call("CreateHyperParameterTuningJob", **waiting)
    bench.wait(lambda: len(trials(bench)) == 2)
    assert "FailureReason" not in describe(bench)
    with pytest.raises(ValidationError, match="tune is in status InProgress"):
        bench.call("CreateHyperParameterTuningJob", **child(bench, TRANSFER, "tune"))
    with pytest.raises(ValidationError, match="named more than once"):
        bench.call("CreateHyperParameterTuningJob", **child(bench, TRANSFER, "tune", "tune"))
    bench.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    bench.wait(lambda: "HyperParameterTuningEndTime" in describe(bench))


def test_more_than_ten_changes_between_static_and_tunable_are_refused(bench: Bench) -> None:
    names = [f"k{i}" for i in range(11)]
    asked = request(bench)
    asked[DEFINITION]["StaticHyperParameters"] |= dict.fromkeys(names, "1")
    bench.call("CreateHyperParameterTuningJob", **asked)
    bench.wait(lambda: "HyperParameterTuningEndTime" in describe(bench))
    tuned = child(bench, TRANSFER, "tune")
    tuned[CONFIG]["ParameterRanges"] = {
        **tuned[CONFIG]["ParameterRanges"],
        "CategoricalParameterRanges": [
            {"Name": name, "Values": ["1", "2"]} for name in ("kind", *names)
        ],
    }
    with pytest.raises(ValidationError, match="More than 10 hyperparameters change"):
        bench.call("CreateHyperParameterTuningJob", **tuned)


def over_two_definitions(bench: Bench, name: str) -> dict[str, Any]:
    limits = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 1}
    asked = several(bench)
    asked[CONFIG] = {**asked[CONFIG], "Strategy": "Random", "ResourceLimits": limits}
    return {**asked, "HyperParameterTuningJobName": name}


def test_definitions_of_one_name_learn_from_each_other(bench: Bench) -> None:
    bench.call("CreateHyperParameterTuningJob", **over_two_definitions(bench, "tune"))
    bench.wait(lambda: "HyperParameterTuningEndTime" in describe(bench))
    warm = child(bench, TRANSFER, "tune")["WarmStartConfig"]
    ended_child(bench, {**over_two_definitions(bench, "child"), "WarmStartConfig": warm})

    def best(name: str, definition: str) -> dict[str, str]:
        found = [
            trial
            for trial in trials(bench, HyperParameterTuningJobName=name)
            if trial["TrainingJobDefinitionName"] == definition
        ]
        chosen = max(found, key=score) if name == "tune" else found[0]
        hyperparameters: dict[str, str] = chosen["TunedHyperParameters"]
        return hyperparameters

    for definition in ("first", "second"):
        assert best("child", definition) == best("tune", definition)


def test_a_definition_that_the_parent_has_not_is_refused_by_name(bench: Bench) -> None:
    run(bench)
    warm = child(bench, TRANSFER, "tune")["WarmStartConfig"]
    asked = {**over_two_definitions(bench, "child"), "WarmStartConfig": warm}
    with pytest.raises(ValidationError, match="has no training job definition of the name 'first'"):
        bench.call("CreateHyperParameterTuningJob", **asked)


def test_a_hyperband_search_may_start_warm_and_a_grid_may_not(bench: Bench) -> None:
    run(bench)
    asked = changed(child(bench, TRANSFER, "tune"), f"{CONFIG}.Strategy", "Hyperband")
    asked = changed(
        asked, f"{CONFIG}.StrategyConfig", {"HyperbandStrategyConfig": {"MaxResource": 3}}
    )
    ended_child(bench, asked)
    first = trials(bench, HyperParameterTuningJobName="child")[0]
    assert (
        first["TunedHyperParameters"] == describe(bench)["BestTrainingJob"]["TunedHyperParameters"]
    )
    warm = asked["WarmStartConfig"]
    grid = {**several(bench), "HyperParameterTuningJobName": "grid", "WarmStartConfig": warm}
    with pytest.raises(UnsupportedOperation, match="WarmStartConfig with strategy Grid"):
        bench.call("CreateHyperParameterTuningJob", **grid)
