"""The validator knows more of SageMaker than our own pipelines use."""

from typing import Any

import pytest

from tests.unit.pipeline.build import condition_step, definition_of, texts
from tests.unit.pipeline.examples import REFS, training
from warmfold.pipeline.validate import SIZE_LIMIT, faults

LOCATION = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train"}}


def _training(**changes: Any) -> dict[str, Any]:
    arguments = {
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": LOCATION}],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/model"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 10,
            "KeepAlivePeriodInSeconds": 600,
        },
        "RoleArn": REFS.trial_role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **changes,
    }
    return {"Name": "Train", "Type": "Training", "Arguments": arguments}


def _tuning_definition(name: str) -> dict[str, Any]:
    span = {"Name": "rate", "MinValue": "0.1", "MaxValue": "0.2"}
    arguments: dict[str, Any] = _training()["Arguments"]
    resources = {**arguments["ResourceConfig"]}
    del resources["KeepAlivePeriodInSeconds"]
    algorithm = {
        **arguments["AlgorithmSpecification"],
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*);"}],
    }
    return {
        **arguments,
        "AlgorithmSpecification": algorithm,
        "ResourceConfig": resources,
        "DefinitionName": name,
        "TuningObjective": {"Type": "Minimize", "MetricName": "loss"},
        "HyperParameterRanges": {"ContinuousParameterRanges": [span]},
    }


def _tuning(*definitions: dict[str, Any]) -> dict[str, Any]:
    config = {
        "Strategy": "Bayesian",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
    }
    arguments = {
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinitions": list(definitions),
    }
    return {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}


def test_warm_pools_of_ordinary_training_jobs_are_fine() -> None:
    assert faults(definition_of(_training())) == []


def test_a_tuning_step_with_several_definitions_is_fine() -> None:
    definition = definition_of(_tuning(_tuning_definition("a"), _tuning_definition("b")))

    assert faults(definition) == []


def test_each_of_several_tuning_definitions_is_checked() -> None:
    broken = _tuning_definition("b")
    broken["TuningObjective"]["MetricName"] = "accuracy"
    del broken["DefinitionName"]

    text = texts(definition_of(_tuning(_tuning_definition("a"), broken)))

    assert "TrainingJobDefinitions[1].TuningObjective.MetricName" in text
    assert "TrainingJobDefinitions[1].DefinitionName: is missing" in text
    assert "TrainingJobDefinitions[0]" not in text


def test_a_tuning_steps_trials_can_be_referred_to() -> None:
    use = {
        "Name": "Use",
        "Type": "Lambda",
        "FunctionArn": {"Get": "Parameters.Function"},
        "Arguments": {
            "best": {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"},
            "third": {"Get": "Steps.Tune.TrainingJobSummaries[2].TrainingJobName"},
        },
    }
    definition = definition_of(
        _tuning(_tuning_definition("a")), use, Function=("String", REFS.bucket_name)
    )

    assert faults(definition) == []


def test_spot_training_needs_a_waiting_time_that_covers_the_run() -> None:
    stopping = {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 300}
    step = _training(EnableManagedSpotTraining=True, StoppingCondition=stopping)

    assert "MaxWaitTimeInSeconds: is 300. Use MaxRuntimeInSeconds (600) or more" in texts(
        definition_of(step)
    )


def test_serverless_training_needs_no_machine() -> None:
    step = _training(
        ServerlessJobConfig={
            "BaseModelArn": "arn:aws:sagemaker:eu-west-1:aws:hub-content/Hub/Model/name/1.0.0",
            "JobType": "FineTuning",
        }
    )
    for name in ("ResourceConfig", "StoppingCondition"):
        del step["Arguments"][name]

    assert faults(definition_of(step)) == []


def test_a_run_longer_than_sagemaker_takes_is_found() -> None:
    step = _training(StoppingCondition={"MaxRuntimeInSeconds": 2_419_201})

    assert "2419200 (28 days) at most" in texts(definition_of(step))


def test_a_fail_step_gives_nothing_and_says_why() -> None:
    stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"Message": "no"}}
    use = {
        "Name": "Use",
        "Type": "Callback",
        "SqsQueueUrl": "",
        "Arguments": {"x": {"Get": "Steps.Stop.ErrorMessage"}},
    }
    text = texts(definition_of(stop, use))

    assert "step Stop, Arguments.ErrorMessage: is None" in text
    assert "Fail step Stop has no properties" in text
    assert "step Use, SqsQueueUrl: is ''" in text


def test_steps_that_the_validator_does_not_know_are_let_through() -> None:
    step = {"Name": "Watch", "Type": "QualityCheck", "Arguments": {}, "CheckType": "x"}
    use = {
        "Name": "Use",
        "Type": "Callback",
        "SqsQueueUrl": "https://queue",
        "Arguments": {"baseline": {"Get": "Steps.Watch.CalculatedBaselineStatistics"}},
    }

    assert faults(definition_of(step, use)) == []


def test_a_parameter_without_default_is_checked_by_its_type() -> None:
    resources = {
        "InstanceType": {"Get": "Parameters.Kind"},
        "InstanceCount": {"Get": "Parameters.Kind"},
        "VolumeSizeInGB": {"Get": "Parameters.Size"},
    }
    definition = definition_of(
        _training(ResourceConfig=resources), Kind=("String", None), Size=("Integer", None)
    )

    (fault,) = faults(definition)

    assert fault.path == "Arguments.ResourceConfig.InstanceCount"
    assert "type string" in fault.problem


def test_json_get_from_s3_needs_a_join() -> None:
    def read(uri: object) -> dict[str, Any]:
        value = {"Std:JsonGet": {"S3Uri": uri, "Path": "score"}}
        condition = {"Type": "Equals", "LeftValue": value, "RightValue": 1}
        return definition_of(condition_step(condition))

    joined = {"Std:Join": {"On": "/", "Values": ["s3:/", "bucket", "score.json"]}}
    unknown = {"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.No"}]}}

    assert faults(read(joined)) == []
    assert "wants a Std:Join" in texts(read("s3://bucket/score.json"))
    assert "there is no parameter No" in texts(read(unknown))


def test_an_expression_beside_other_members_is_found() -> None:
    mixed = {"Std:Join": {"Values": ["a"]}, "Default": "b"}

    assert "An expression is an object with one member" in texts(
        definition_of(_training(OutputDataConfig={"S3OutputPath": mixed}))
    )


def test_experiment_settings_are_checked_too() -> None:
    definition = training()
    definition["PipelineExperimentConfig"] = {"ExperimentName": {"Get": "Execution.Name"}}

    assert "PipelineExperimentConfig.ExperimentName: Get 'Execution.Name'" in texts(definition)


@pytest.mark.parametrize(
    "definition, words",
    [
        (None, "is not a JSON object"),
        ([], "is not a JSON object"),
        ({"Steps": float("nan")}, "is not JSON"),
        ({"Steps": object()}, "is not JSON"),
        ({"Steps": "x" * SIZE_LIMIT}, f"SageMaker takes {SIZE_LIMIT} at most"),
    ],
    ids=["null", "list", "not a number", "no JSON type", "too large"],
)
def test_what_is_no_definition_at_all_is_one_fault(definition: object, words: str) -> None:
    (fault,) = faults(definition)

    assert words in str(fault)
    assert str(fault).startswith("pipeline definition: ")


@pytest.mark.parametrize("depth", [70, 2_000, 100_000])
def test_nesting_without_end_is_one_fault(depth: int) -> None:
    value: Any = {}
    for _ in range(depth):
        value = [value]

    (fault,) = faults({"Version": "2020-12-01", "Steps": value})

    assert "nested too deep" in str(fault) or "is not JSON" in str(fault)
