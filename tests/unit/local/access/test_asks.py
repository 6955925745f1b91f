"""What each operation asks for, against the Service Authorization Reference's table."""

from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local import autoscaling, sagemaker
from warmfold_local.access.asks import Ask
from warmfold_local.access.sagemaker import KEYS, asks, passed_roles
from warmfold_local.sagemaker.protocol import registered

for module in walk_packages(sagemaker.__path__, f"{sagemaker.__name__}."):
    import_module(module.name)

# The resource types of the operations that are offered ("Actions defined by Amazon SageMaker").
RESOURCES = {
    "endpoint": "CreateEndpoint DeleteEndpoint DescribeEndpoint UpdateEndpoint "
    "UpdateEndpointWeightsAndCapacities",
    "endpoint-config": "CreateEndpointConfig DeleteEndpointConfig DescribeEndpointConfig",
    "hyper-parameter-tuning-job": "CreateHyperParameterTuningJob DeleteHyperParameterTuningJob "
    "DescribeHyperParameterTuningJob ListTrainingJobsForHyperParameterTuningJob "
    "StopHyperParameterTuningJob",
    "model": "CreateModel DeleteModel DescribeModel",
    "model-package": "BatchDescribeModelPackage CreateModelPackage DeleteModelPackage "
    "DescribeModelPackage ListModelPackages UpdateModelPackage",
    "model-package-group": "CreateModelPackageGroup DeleteModelPackageGroup "
    "DeleteModelPackageGroupPolicy DescribeModelPackageGroup GetModelPackageGroupPolicy "
    "PutModelPackageGroupPolicy",
    "pipeline": "CreatePipeline DeletePipeline DescribePipeline ListPipelineExecutions "
    "ListPipelineVersions StartPipelineExecution UpdatePipeline UpdatePipelineVersion",
    "pipeline-execution": "DescribePipelineDefinitionForExecution DescribePipelineExecution "
    "ListPipelineExecutionSteps ListPipelineParametersForExecution RetryPipelineExecution "
    "SendPipelineExecutionStepFailure SendPipelineExecutionStepSuccess StopPipelineExecution "
    "UpdatePipelineExecution",
    "processing-job": "CreateProcessingJob DeleteProcessingJob DescribeProcessingJob "
    "StopProcessingJob",
    "training-job": "CreateTrainingJob DeleteTrainingJob DescribeTrainingJob StopTrainingJob "
    "UpdateTrainingJob",
    "transform-job": "CreateTransformJob DescribeTransformJob StopTransformJob",
    "any": "AddTags DeleteTags ListTags",
    "*": "ListEndpointConfigs ListEndpoints ListHyperParameterTuningJobs ListModelPackageGroups "
    "ListModels ListPipelines ListProcessingJobs ListTrainingJobs ListTransformJobs Search",
}
EXECUTION = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/abc"
PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/g/1"
# A request with every name that any of the operations may have.
NAMED = {
    "CallbackToken": "abcdefghij",
    "EndpointConfigName": "config",
    "EndpointName": "endpoint",
    "HyperParameterTuningJobName": "tune",
    "ModelName": "model",
    "ModelPackageArn": PACKAGE,
    "ModelPackageArnList": [PACKAGE],
    "ModelPackageGroupName": "group",
    "ModelPackageName": PACKAGE,
    "PipelineExecutionArn": EXECUTION,
    "PipelineName": "Pipe",
    "ProcessingJobName": "process",
    "ResourceArn": PACKAGE,
    "TrainingJobName": "train",
    "TransformJobName": "transform",
}
EXPECTED = {name: kind for kind, names in RESOURCES.items() for name in names.split()}


def arn(resource: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:{resource}"


def asked(operation: str, request: Any = None, service: str = "sagemaker") -> list[Ask]:
    return list(asks(service, operation, NAMED if request is None else request, arn))


def test_every_operation_that_is_offered_stands_in_the_table() -> None:
    assert set(registered("sagemaker")) == set(EXPECTED)


@pytest.mark.parametrize("operation", sorted(EXPECTED))
def test_an_operation_asks_for_its_own_action_on_its_own_resource(operation: str) -> None:
    found = asked(operation)[0]
    kind = EXPECTED[operation]
    assert found.action == f"sagemaker:{operation}"
    if kind == "*":
        assert found.resource == "*"
    elif kind == "pipeline-execution":
        assert found.resource == EXECUTION or "/execution/" in found.resource
    elif kind == "any":
        assert found.resource == PACKAGE
    else:
        assert found.resource.startswith(arn(f"{kind}/"))
        assert "*" not in found.resource or kind == "model-package"


def test_an_endpoint_is_authorised_on_its_configuration_as_well() -> None:
    for operation in ("CreateEndpoint", "UpdateEndpoint"):
        resources = [ask.resource for ask in asked(operation)]
        assert resources == [arn("endpoint/endpoint"), arn("endpoint-config/config")]


def test_a_pipelines_arn_has_its_name_in_lower_case_whatever_the_request_says() -> None:
    for name in ("Pipe", arn("pipeline/Pipe")):
        (ask, *_) = asked("StartPipelineExecution", {"PipelineName": name})
        assert ask.resource == arn("pipeline/pipe")


TRAINING = {
    "TrainingJobName": "t",
    "RoleArn": "arn:aws:iam::000000000000:role/trial",
    "ResourceConfig": {
        "InstanceType": "ml.m5.large",
        "KeepAlivePeriodInSeconds": 600,
        "VolumeKmsKeyId": "key-1",
    },
    "OutputDataConfig": {"S3OutputPath": "s3://b/", "KmsKeyId": "key-2"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "EnableNetworkIsolation": True,
    "VpcConfig": {"Subnets": ["a", "b"], "SecurityGroupIds": ["c"]},
    "Tags": [{"Key": "team", "Value": "ml"}],
}


def test_a_training_jobs_conditions() -> None:
    create, tag, pass_role = asked("CreateTrainingJob", TRAINING)
    tags = {"aws:RequestTag/team": "ml", "aws:TagKeys": ("team",)}
    assert create.context == {
        **tags,
        "sagemaker:InstanceTypes": ("ml.m5.large",),
        "sagemaker:KeepAlivePeriod": "600",
        "sagemaker:MaxRuntimeInSeconds": "60",
        "sagemaker:NetworkIsolation": "true",
        "sagemaker:OutputKmsKey": "key-2",
        "sagemaker:VolumeKmsKey": "key-1",
        "sagemaker:VpcSecurityGroupIds": ("c",),
        "sagemaker:VpcSubnets": ("a", "b"),
    }
    assert (tag.action, tag.resource) == ("sagemaker:AddTags", create.resource)
    assert tag.context == {**tags, "sagemaker:TaggingAction": "CreateTrainingJob"}
    assert (pass_role.action, pass_role.resource) == ("iam:PassRole", TRAINING["RoleArn"])
    assert pass_role.context == {"iam:PassedToService": "sagemaker.amazonaws.com"}


@given(st.sampled_from(["HyperParameters", "Environment", "StaticHyperParameters"]))
def test_a_users_own_map_cannot_answer_for_a_condition(member: str) -> None:
    """Wherever it stands: a hyperparameter may have any name."""
    spoof = {member: {"KeepAlivePeriodInSeconds": "1", "InstanceType": "ml.m5.large"}}
    request = {**spoof, **TRAINING, "ResourceConfig": {"InstanceType": "ml.p4d.24xlarge"}}
    context = asked("CreateTrainingJob", request)[0].context
    assert context["sagemaker:InstanceTypes"] == ("ml.p4d.24xlarge",)
    assert "sagemaker:KeepAlivePeriod" not in context


def test_of_several_definitions_every_type_and_the_largest_limit_count() -> None:
    definitions = [
        {"ResourceConfig": {"InstanceType": kind}, "StoppingCondition": {"MaxRuntimeInSeconds": n}}
        for kind, n in (("ml.m5.large", 900), ("ml.c5.large", 60))
    ]
    request = {"HyperParameterTuningJobName": "t", "TrainingJobDefinitions": definitions}
    context = asked("CreateHyperParameterTuningJob", request)[0].context
    assert context["sagemaker:InstanceTypes"] == ("ml.m5.large", "ml.c5.large")
    assert context["sagemaker:MaxRuntimeInSeconds"] == "900"


def test_every_role_of_a_tuning_job_is_passed() -> None:
    definitions = [{"RoleArn": "role/a"}, {"RoleArn": "role/b"}, {"RoleArn": "role/a"}]
    request = {"TrainingJobDefinitions": definitions}
    assert passed_roles("CreateHyperParameterTuningJob", request) == ["role/a", "role/b"]
    assert passed_roles("DescribeTrainingJob", TRAINING) == []


def test_a_condition_key_belongs_to_an_operation_that_is_offered() -> None:
    assert set(KEYS) <= set(registered("sagemaker"))


def test_application_auto_scaling_asks_for_the_scaling_and_what_it_will_do() -> None:
    request = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/e/variant/primary",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    found = asked("RegisterScalableTarget", request, autoscaling.SERVICE)
    assert [ask.action for ask in found] == [
        "application-autoscaling:RegisterScalableTarget",
        "sagemaker:DescribeEndpoint",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
        "iam:CreateServiceLinkedRole",
    ]
    assert found[1].resource == arn("endpoint/e")
    assert asked("DescribeScalableTargets", request, autoscaling.SERVICE)[0].resource == "*"
