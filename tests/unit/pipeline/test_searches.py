"""The three ways to run a candidate's trials, as they stand in the definition."""

import json
from dataclasses import replace
from typing import Any

from tests.unit.pipeline.examples import GBDT, MACHINE, REFS, SPEC, step_of
from warmfold.pipeline import names
from warmfold.pipeline.candidates import FanOut
from warmfold.pipeline.spec import PipelineSpec
from warmfold.pipeline.training import training_pipeline
from warmfold.pipeline.validate import faults
from warmfold_contract.hyperparameters import MAX_PLATFORM_KEYS, PLATFORM_PREFIX
from warmfold_contract.metrics import metric_definitions
from warmfold_contract.paths import Paths

FAN_OUT = FanOut(keep_alive_seconds=600, folds_at_once=3, own_fold=True)
LINEAR = replace(GBDT, name="line", algorithm="linear", task="regression", feature_set="ratios")


def _arguments(name: str, spec: PipelineSpec) -> dict[str, Any]:
    definition = training_pipeline(spec, REFS)
    assert faults(definition) == []
    arguments: dict[str, Any] = step_of(definition, name)["Arguments"]
    return arguments


def _trial(**changes: Any) -> dict[str, Any]:
    trial: dict[str, Any] = _arguments("Tune-gbdt", replace(SPEC, **changes))[
        "TrainingJobDefinition"
    ]
    return trial


SEARCH = replace(SPEC, engine="in_job", racing=1.645, candidates=(GBDT, LINEAR))


def test_a_search_is_one_training_job_that_can_be_started_again() -> None:
    search = _arguments("Search-line", SEARCH)

    assert search["EnableNetworkIsolation"] is True
    assert search["CheckpointConfig"]["LocalPath"] == str(Paths.from_environment({}).checkpoints)
    assert search["AlgorithmSpecification"]["MetricDefinitions"] == metric_definitions(5)
    assert "RetryStrategy" not in search


def test_each_search_has_checkpoints_of_its_own() -> None:
    places = {
        json.dumps(_arguments(name, SEARCH)["CheckpointConfig"]["S3Uri"])
        for name in ("Search-gbdt", "Search-line")
    }

    assert len(places) == 2
    assert all('{"Get": "Execution.PipelineExecutionId"}' in place for place in places)


def test_a_search_knows_its_candidate_its_ranges_and_how_many_trials_there_are() -> None:
    given = _arguments("Search-line", SEARCH)["HyperParameters"]
    span = json.loads(given.pop("warmfold_range_num_leaves"))
    ranges = {key for key in given if key.startswith("warmfold_range_")}

    assert span == {
        "kind": "integer",
        "minimum": 7,
        "maximum": 63,
        "values": [],
        "scaling": "Auto",
    }
    assert {key: value for key, value in given.items() if key not in ranges} == {
        "warmfold_mode": "search",
        "warmfold_algorithm": "linear",
        "warmfold_task": "regression",
        "warmfold_feature_set": "ratios",
        "warmfold_metric": "auc",
        "warmfold_seed": "7",
        "warmfold_racing": "1.645",
        "warmfold_candidate": "line",
        "warmfold_strategy": "Bayesian",
        "warmfold_max_trials": "12",
        "warmfold_stops_when_converged": "false",
        "max_rounds": "500",
        "early_stopping_rounds": "30",
    }


def test_a_search_may_end_when_it_has_converged_whoever_searches() -> None:
    in_job = _arguments("Search-gbdt", replace(SEARCH, stops_when_converged=True))
    assert in_job["HyperParameters"]["warmfold_stops_when_converged"] == "true"
    config, untold = (
        _arguments("Tune-gbdt", replace(SPEC, stops_when_converged=stops))
        for stops in (True, False)
    )
    assert config["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"] == {
        "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}
    }
    assert "TuningJobCompletionCriteria" not in untold["HyperParameterTuningJobConfig"]


def test_a_search_runs_on_the_machine_that_is_meant_for_it() -> None:
    big = replace(MACHINE, instance_type="ml.c5.4xlarge", max_runtime_seconds=7200)
    search = _arguments("Search-gbdt", replace(SEARCH, search=big))

    assert search["ResourceConfig"]["InstanceType"] == "ml.c5.4xlarge"
    assert search["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200}


SPOT = replace(MACHINE, max_runtime_seconds=7200, spot_max_wait_seconds=9000)


def test_a_search_and_the_final_model_may_run_on_spot_capacity() -> None:
    spec = replace(SEARCH, search=SPOT, final=SPOT)
    for name in ("Search-gbdt", names.TRAIN_FINAL_MODEL):
        job = _arguments(name, spec)
        assert job["EnableManagedSpotTraining"] is True
        assert job["StoppingCondition"] == {
            "MaxRuntimeInSeconds": 7200,
            "MaxWaitTimeInSeconds": 9000,
        }
        assert "EnableManagedSpotTraining" not in _arguments(name, SEARCH)


def test_the_lambda_is_told_how_each_candidate_was_searched() -> None:
    given = _arguments(names.SELECT_BEST_TRIAL, SEARCH)["candidates"]

    assert [(c["kind"], c["job_name"]["Get"]) for c in given] == [
        ("in_job", "Steps.Search-gbdt.TrainingJobName"),
        ("in_job", "Steps.Search-line.TrainingJobName"),
    ]


def test_trials_that_race_share_scores_under_a_prefix_of_their_candidate() -> None:
    trial = _trial(racing=1.645)
    shared = trial["StaticHyperParameters"]["warmfold_incumbents_uri"]

    assert trial["StaticHyperParameters"]["warmfold_racing"] == "1.645"
    assert shared["Std:Join"]["Values"][-3:] == ["tuning", "incumbents", "gbdt"]
    assert trial["EnableNetworkIsolation"] is False


def test_trials_that_neither_race_nor_fan_out_run_without_network() -> None:
    assert _trial()["EnableNetworkIsolation"] is True
    assert "warmfold_incumbents_uri" not in _trial()["StaticHyperParameters"]


def test_a_trial_that_fans_out_knows_its_folds_role_and_how_many_may_run() -> None:
    trial = _trial(fan_out=FAN_OUT)
    given = trial["StaticHyperParameters"]

    assert trial["EnableNetworkIsolation"] is False
    assert given["warmfold_cv_strategy"] == "fan_out"
    assert given["warmfold_fold_role_arn"] == {"Get": "Parameters.FoldRoleArn"}
    assert (
        given.items()
        >= {
            "warmfold_fold_keep_alive_seconds": "600",
            "warmfold_fold_wave": "3",
            "warmfold_fold_own": "1",
        }.items()
    )


def test_no_job_has_more_platform_keys_than_a_candidate_leaves_room_for() -> None:
    metric = {"metric": "project.profit", "project_direction": "Maximize", "racing": 2.0}
    given = _trial(**metric, fan_out=FAN_OUT)["StaticHyperParameters"]

    assert sum(key.startswith(PLATFORM_PREFIX) for key in given) == MAX_PLATFORM_KEYS


def test_a_projects_own_metric_is_tuned_in_the_direction_that_is_given() -> None:
    spec = replace(SPEC, metric="project.cost", project_direction="Minimize")
    config = _arguments("Tune-gbdt", spec)["HyperParameterTuningJobConfig"]

    assert config["HyperParameterTuningJobObjective"]["Type"] == "Minimize"
    trial = _trial(metric="project.cost", project_direction="Minimize")
    assert trial["StaticHyperParameters"]["warmfold_direction"] == "Minimize"


def test_repeats_and_the_way_to_assign_reach_processing_and_every_fold_has_a_metric() -> None:
    spec = replace(SPEC, folds=5, repeats=3, assignment="grouped")
    environment = _arguments(names.BUILD_FEATURES, spec)["Environment"]

    assert environment["WARMFOLD_FOLDS"] == "5"
    assert environment["WARMFOLD_REPEATS"] == "3"
    assert environment["WARMFOLD_ASSIGNMENT"] == "grouped"
    assert _arguments(names.SELECT_BEST_TRIAL, spec)["folds"] == 15
    trial = _arguments("Tune-gbdt", spec)["TrainingJobDefinition"]
    assert trial["AlgorithmSpecification"]["MetricDefinitions"] == metric_definitions(15)
