"""What the training pipeline promises to the containers, the Lambda and the registry.

The whole definition, pretty-printed, is a snapshot of the synthesized templates; here stand the
rules that a change must not break unnoticed.
"""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.pipeline.examples import (
    GBDT,
    MACHINE,
    REFS,
    SPEC,
    scoring,
    searching,
    step_of,
    training,
)
from warmfold.pipeline import names
from warmfold.pipeline.document import read_document
from warmfold.pipeline.spec import JobNetwork
from warmfold.pipeline.training import training_pipeline
from warmfold.pipeline.validate import faults
from warmfold.pipeline.validate_references import referenced_steps
from warmfold_contract.metrics import OBJECTIVE, format_metric, parse_metric
from warmfold_contract.paths import Paths


def _arguments(name: str) -> dict[str, Any]:
    arguments: dict[str, Any] = step_of(training(), name)["Arguments"]
    return arguments


def test_the_steps_come_in_the_designed_order() -> None:
    definition = training()
    check = step_of(definition, names.CHECK_SCORE)["Arguments"]

    assert [step["Name"] for step in definition["Steps"]] == [
        "BuildFeatures",
        "Tune-gbdt",
        "SelectBestTrial",
        "TrainFinalModel",
        "EvaluateModel",
        "CheckScore",
    ]
    assert [step["Name"] for step in check["IfSteps"]] == [
        "RegisterModel",
        "CreateModel",
        "TransformHoldout",
    ]
    assert [step["Name"] for step in check["ElseSteps"]] == ["RegisterRejectedModel"]


def test_each_step_waits_for_what_it_reads() -> None:
    document = read_document(training())
    reads = {step.name: {name for _, name in referenced_steps(step)} for step in document.steps}

    assert reads == {
        "BuildFeatures": set(),
        "Tune-gbdt": {"BuildFeatures"},
        "SelectBestTrial": {"Tune-gbdt"},
        "TrainFinalModel": {"BuildFeatures", "SelectBestTrial"},
        "EvaluateModel": {"BuildFeatures", "SelectBestTrial", "TrainFinalModel"},
        "CheckScore": {"EvaluateModel"},
        "RegisterModel": {"TrainFinalModel", "EvaluateModel"},
        "CreateModel": {"TrainFinalModel"},
        "TransformHoldout": {"CreateModel", "BuildFeatures"},
        "RegisterRejectedModel": {"TrainFinalModel", "EvaluateModel"},
    }


def test_deployed_things_are_parameters_so_that_the_body_is_plain() -> None:
    definition = training()
    body = json.dumps(definition["Steps"])
    values = {
        value
        for name, value in vars(REFS).items()
        # SageMaker's documentation shows no expression here; its ARN is the body's only one.
        if name not in ("best_training_job_function_arn", "network")
    }

    assert [value for value in values if f'"{value}"' in body] == []
    assert REFS.best_training_job_function_arn in body


def test_no_holdout_data_reaches_a_training_channel() -> None:
    uris = [
        json.dumps(channel["DataSource"])
        for arguments in (
            _arguments("Tune-gbdt")["TrainingJobDefinition"],
            _arguments("TrainFinalModel"),
        )
        for channel in arguments["InputDataConfig"]
    ]

    assert len(uris) == 4
    assert not [uri for uri in uris if "Outputs['holdout']" in uri or "transform" in uri]


def test_every_job_runs_without_network() -> None:
    assert _arguments("BuildFeatures")["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert _arguments("EvaluateModel")["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert _arguments("Tune-gbdt")["TrainingJobDefinition"]["EnableNetworkIsolation"] is True
    assert _arguments("TrainFinalModel")["EnableNetworkIsolation"] is True
    assert _arguments("CreateModel")["EnableNetworkIsolation"] is True


@pytest.mark.parametrize("step", ["BuildFeatures", "EvaluateModel"])
def test_processing_folders_are_those_of_the_containers(step: str) -> None:
    paths = Paths.from_environment({})
    arguments = _arguments(step)

    for item in arguments["ProcessingInputs"]:
        assert item["S3Input"]["LocalPath"] == str(paths.processing_input(item["InputName"]))
    for item in arguments["ProcessingOutputConfig"]["Outputs"]:
        assert item["S3Output"]["LocalPath"] == str(paths.processing_output(item["OutputName"]))


def test_the_tuning_job_reads_the_line_that_a_trial_prints() -> None:
    definitions = _arguments("Tune-gbdt")["TrainingJobDefinition"]["AlgorithmSpecification"]
    by_name = {item["Name"]: item["Regex"] for item in definitions["MetricDefinitions"]}
    line = format_metric(OBJECTIVE, 0.7812345)

    match = re.search(by_name[OBJECTIVE], line)

    assert match is not None
    assert float(match[1]) == pytest.approx(0.7812345)
    assert parse_metric(line) == (OBJECTIVE, 0.7812345)


def test_a_trial_knows_its_algorithm_and_the_final_training_reads_its_own() -> None:
    trial = _arguments("Tune-gbdt")["TrainingJobDefinition"]["StaticHyperParameters"]
    final = _arguments("TrainFinalModel")["HyperParameters"]

    assert trial == {
        "warmfold_mode": "trial",
        "warmfold_algorithm": "lightgbm",
        "warmfold_task": "classification",
        "warmfold_feature_set": "default",
        "warmfold_metric": "auc",
        "warmfold_seed": "7",
        "warmfold_racing": "off",
        "warmfold_cv_strategy": "in_job",
        "max_rounds": "500",
        "early_stopping_rounds": "30",
    }
    assert final == {"warmfold_mode": "final", "warmfold_metric": "auc", "warmfold_seed": "7"}


def test_ranges_are_text_and_integers_stay_integers() -> None:
    ranges = _arguments("Tune-gbdt")["HyperParameterTuningJobConfig"]["ParameterRanges"]

    assert ranges == {
        "ContinuousParameterRanges": [
            {
                "Name": "learning_rate",
                "MinValue": "0.01",
                "MaxValue": "0.3",
                "ScalingType": "Logarithmic",
            }
        ],
        "IntegerParameterRanges": [
            {"Name": "num_leaves", "MinValue": "7", "MaxValue": "63", "ScalingType": "Auto"}
        ],
        "CategoricalParameterRanges": [{"Name": "boosting", "Values": ["gbdt", "dart"]}],
    }


def _given_to_the_lambda(definition: dict[str, Any]) -> list[tuple[Any, ...]]:
    given = step_of(definition, names.SELECT_BEST_TRIAL)["Arguments"]["candidates"]
    keys = ("kind", "name", "algorithm", "task", "feature_set")
    return [
        (*(candidate[key] for key in keys), candidate["job_name"]["Get"]) for candidate in given
    ]


OTHER = replace(GBDT, name="line", algorithm="linear", task="regression", feature_set="ratios")


def test_several_candidates_have_a_slot_each_and_meet_in_the_lambda() -> None:
    definition = training_pipeline(replace(SPEC, candidates=(GBDT, OTHER)), REFS)

    assert faults(definition) == []
    gbdt = ("gbdt", "lightgbm", "classification", "default")
    line = ("line", "linear", "regression", "ratios")
    assert _given_to_the_lambda(definition) == [
        ("amt", *gbdt, "Steps.Tune-gbdt.HyperParameterTuningJobName"),
        ("amt", *line, "Steps.Tune-line.HyperParameterTuningJobName"),
    ]


def test_a_metric_to_minimise_turns_tuning_and_gate_around() -> None:
    definition = training_pipeline(replace(SPEC, metric="log_loss", minimum_score=0.5), REFS)
    config = step_of(definition, "Tune-gbdt")["Arguments"]["HyperParameterTuningJobConfig"]
    condition = step_of(definition, names.CHECK_SCORE)["Arguments"]["Conditions"][0]

    assert faults(definition) == []
    assert config["HyperParameterTuningJobObjective"]["Type"] == "Minimize"
    assert condition["Type"] == "LessThanOrEqualTo"
    assert step_of(definition, "SelectBestTrial")["Arguments"]["direction"] == "Minimize"


def test_a_rejected_model_says_why_and_an_accepted_one_waits() -> None:
    accepted, rejected = _arguments("RegisterModel"), _arguments("RegisterRejectedModel")
    metadata = rejected["CustomerMetadataProperties"]

    assert accepted["ModelApprovalStatus"] == "PendingManualApproval"
    assert rejected["ModelApprovalStatus"] == "Rejected"
    assert "rejection_reason" in metadata
    assert metadata.keys() - {"rejection_reason"} == accepted["CustomerMetadataProperties"].keys()


def test_a_package_can_be_traced_to_its_code_data_and_run() -> None:
    assert _arguments("RegisterModel")["CustomerMetadataProperties"].keys() >= {
        "git_commit",
        "data_fingerprint",
        "fold_hash",
        "wheel_sha256",
        "trainer_image",
        "server_image",
        "pipeline_execution_arn",
        "score",
        "task",
    }


def test_a_package_says_how_it_stands_against_the_champion_and_how_it_is_calibrated() -> None:
    kept = _arguments("RegisterModel")["CustomerMetadataProperties"]
    assert kept.keys() >= {
        "champion",
        "champion_version",
        "difference_to_champion",
        "calibration",
    }
    assert kept["champion"]["Std:JsonGet"]["Path"] == "registration.champion"
    rejected = _arguments("RegisterRejectedModel")["CustomerMetadataProperties"]
    assert len(rejected) <= 50  # CustomerMetadataMap of the SageMaker API


def test_the_key_is_left_out_where_sagemaker_refuses_it() -> None:
    machine = replace(MACHINE, instance_type="ml.g4dn.xlarge")
    definition = training_pipeline(
        replace(SPEC, trial=machine, processing=machine, transform=machine), REFS
    )
    trial = step_of(definition, "Tune-gbdt")["Arguments"]["TrainingJobDefinition"]

    assert faults(definition) == []
    assert "VolumeKmsKeyId" not in trial["ResourceConfig"]
    assert "KmsKeyId" in trial["OutputDataConfig"]


def test_no_step_takes_the_result_of_an_earlier_run() -> None:
    """A cached step would not see that the data below its URI has changed."""
    definitions = (training(), searching(), scoring())
    assert all('"CacheConfig"' not in json.dumps(each) for each in definitions)


def test_nothing_keeps_instances_alive() -> None:
    assert "KeepAlive" not in json.dumps(training())


def test_cdk_tokens_pass_as_values_that_only_the_deployment_knows() -> None:
    names = [name for name in vars(REFS) if name != "network"]
    tokens = {name: f"${{Token[TOKEN.{index}]}}" for index, name in enumerate(names)}
    network = JobNetwork(
        subnet_ids=("${Token[TOKEN.20]}", "${Token[TOKEN.21]}"),
        security_group_ids=("${Token[TOKEN.22]}",),
        encrypt_between_instances=True,
    )
    definition = training_pipeline(SPEC, replace(REFS, **tokens, network=network))

    assert faults(definition) == []
    assert "s3://${Token[TOKEN.8]}/german-credit/raw/" in json.dumps(definition)
