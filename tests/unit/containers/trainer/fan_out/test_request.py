"""A fold's request, made of a trial's description."""

from typing import Any

import pytest

from warmfold_shapes.constraints import service_model
from warmfold_trainer.fan_out.plan import Plan
from warmfold_trainer.fan_out.request import FoldRequests

ROLE = "arn:aws:iam::123456789012:role/path/folds"
TRIAL: dict[str, Any] = {
    "TrainingJobName": "tuning-001-0a1b2c3d",
    "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/tuning-001-0a1b2c3d",
    "TuningJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/tuning",
    "TrainingJobStatus": "InProgress",
    "AlgorithmSpecification": {
        "TrainingImage": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/trainer:1",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "a", "Regex": "b"}],
        "EnableSageMakerMetricsTimeSeries": False,
    },
    "RoleArn": "arn:aws:iam::123456789012:role/trials",
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train"}},
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://data/tuning/", "KmsKeyId": "output-key"},
    "ResourceConfig": {
        "InstanceType": "ml.m5.xlarge",
        "InstanceCount": 1,
        "VolumeSizeInGB": 10,
        "VolumeKmsKeyId": "volume-key",
    },
    "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": True,
    "EnableManagedSpotTraining": False,
    "RetryStrategy": {"MaximumRetryAttempts": 2},
    "Environment": {},
}
HYPERPARAMETERS = {
    "warmfold_mode": "trial",
    "warmfold_cv_strategy": "fan_out",
    "warmfold_racing": "1.645",
    "warmfold_incumbents_uri": "s3://data/incumbents",
    "warmfold_fold_role_arn": ROLE,
    "warmfold_fold_wave": "5",
    "warmfold_seed": "7",
    "num_leaves": "31",
}


def requests(keep_alive_seconds: int = 600, **changes: Any) -> FoldRequests:
    plan = Plan(role_arn=ROLE, keep_alive_seconds=keep_alive_seconds, wave=5, own=False)
    return FoldRequests({**TRIAL, **changes}, HYPERPARAMETERS, plan)


def test_a_request_has_what_the_trial_has_and_no_more() -> None:
    request = requests().request("tuning-001-0a1b2c3d-fold-02-0", 2)
    assert request == {
        "TrainingJobName": "tuning-001-0a1b2c3d-fold-02-0",
        "AlgorithmSpecification": {
            "TrainingImage": TRIAL["AlgorithmSpecification"]["TrainingImage"],
            "TrainingInputMode": "File",
        },
        "HyperParameters": {
            "warmfold_mode": "fold",
            "warmfold_fold": "2",
            "warmfold_seed": "7",
            "num_leaves": "31",
        },
        "RoleArn": ROLE,
        "InputDataConfig": TRIAL["InputDataConfig"],
        "OutputDataConfig": {"S3OutputPath": "s3://data/tuning/folds", "KmsKeyId": "output-key"},
        "ResourceConfig": {**TRIAL["ResourceConfig"], "KeepAlivePeriodInSeconds": 600},
        "VpcConfig": TRIAL["VpcConfig"],
        "StoppingCondition": TRIAL["StoppingCondition"],
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "ProfilerConfig": {"DisableProfiler": True},
        "Tags": [
            {"Key": "warmfold:parent", "Value": "tuning-001-0a1b2c3d"},
            {"Key": "warmfold:fold", "Value": "2"},
            {"Key": "warmfold:fold-role", "Value": "folds"},
        ],
    }
    shape: Any = service_model("sagemaker").operation_model("CreateTrainingJob").input_shape
    assert set(request) <= set(shape.members)


@pytest.mark.parametrize(
    "changes", [{"InstanceCount": 2}, {"KeepAlivePeriodInSeconds": 60}, {"InstanceGroups": []}]
)
def test_folds_of_all_trials_ask_for_the_same_machines(changes: dict[str, Any]) -> None:
    resources = {**TRIAL["ResourceConfig"], **changes}
    request = requests(ResourceConfig=resources).request("name", 1)
    assert request["ResourceConfig"] == requests().request("name", 1)["ResourceConfig"]


def test_without_a_keep_alive_period_or_a_key_none_is_asked_for() -> None:
    output = {"S3OutputPath": "s3://data/tuning", "KmsKeyId": ""}
    request = requests(0, OutputDataConfig=output).request("name", 1)
    assert "KeepAlivePeriodInSeconds" not in request["ResourceConfig"]
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://data/tuning/folds"}
    assert requests().artifact_uri("name") == "s3://data/tuning/folds/name/output/model.tar.gz"
