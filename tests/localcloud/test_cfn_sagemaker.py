"""The SageMaker types of CloudFormation, through change sets, as the CDK deploys them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.localcloud.hosting_aids import Hosting

pytestmark = pytest.mark.localcloud

DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def template(image: str, data: str, instance_type: str = "ml.m5.large") -> dict[str, Any]:
    """A serving stack; numbers are strings, as parameters make them."""
    return {
        "Resources": {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "ExecutionRoleArn": ROLE,
                    "EnableNetworkIsolation": "true",
                    "PrimaryContainer": {"Image": image, "ModelDataUrl": data},
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {
                    "ProductionVariants": [
                        {
                            "VariantName": "main",
                            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                            "InstanceType": instance_type,
                            "InitialInstanceCount": "1",
                            "InitialVariantWeight": "1.0",
                        }
                    ]
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                    "RetainAllVariantProperties": True,
                },
            },
            "Target": {
                "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
                "Properties": {
                    "MinCapacity": "2",
                    "MaxCapacity": 4,
                    "ResourceId": {
                        "Fn::Join": [
                            "",
                            [
                                "endpoint/",
                                {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                                "/variant/main",
                            ],
                        ]
                    },
                    "ScalableDimension": DIMENSION,
                    "ServiceNamespace": "sagemaker",
                },
            },
            "Policy": {
                "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
                "Properties": {
                    "PolicyName": "invocations",
                    "PolicyType": "TargetTrackingScaling",
                    "ScalingTargetId": {"Ref": "Target"},
                    "TargetTrackingScalingPolicyConfiguration": {
                        "TargetValue": 100,
                        "PredefinedMetricSpecification": {
                            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                        },
                    },
                },
            },
        },
        "Outputs": {
            "EndpointName": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
            "EndpointArn": {"Value": {"Ref": "Endpoint"}},
            "ModelName": {"Value": {"Fn::GetAtt": ["Model", "ModelName"]}},
            "ConfigName": {"Value": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
        },
    }


class Stack:
    def __init__(self, cloud: RunningCloud, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.cloudformation = cloud.client("cloudformation")

    def deploy(self, body: dict[str, Any]) -> dict[str, Any]:
        """One change set, executed; the stack as described afterwards."""
        name = f"change-{time.time_ns()}"
        self.cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if self.described() else "CREATE",
            TemplateBody=json.dumps(body),
        )
        self.cloudformation.execute_change_set(StackName=self.name, ChangeSetName=name)
        found: dict[str, Any] = wait_for(self.settled, f"{self.name} settled")
        return found

    def described(self) -> dict[str, Any] | None:
        try:
            found = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError:
            return None
        return None if found["StackStatus"] == "DELETE_COMPLETE" else dict(found)

    def settled(self) -> dict[str, Any] | None:
        found = self.described()
        busy = found is None or found["StackStatus"].endswith(("_IN_PROGRESS", "_STARTED"))
        return None if busy else found

    def reasons(self) -> str:
        events = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)

    def delete(self) -> None:
        self.cloudformation.delete_stack(StackName=self.name)
        wait_for(
            lambda: (
                (self.described() or {"StackStatus": ""})["StackStatus"] in ("", "DELETE_FAILED")
            ),
            f"{self.name} deleted",
        )
        assert self.described() is None, self.reasons()


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


@pytest.fixture
def stack(cloud: RunningCloud) -> Iterator[Stack]:
    made = Stack(cloud, f"serving-{time.time_ns()}")
    yield made
    if made.described():
        made.delete()


@pytest.fixture
def hosting(cloud: RunningCloud) -> Hosting:
    return Hosting(cloud)


def test_a_serving_stack_is_created_updated_rolled_back_and_deleted(
    stack: Stack, hosting: Hosting
) -> None:
    image = hosting.cloud.tiny_server()
    created = stack.deploy(template(image, hosting.model_data("one")))
    assert created["StackStatus"] == "CREATE_COMPLETE", stack.reasons()
    first = outputs(created)
    assert first["EndpointArn"].endswith(f":endpoint/{first['EndpointName']}")
    assert hosting.invoke(first["EndpointName"])["Body"]["model"] == "one"
    described = hosting.sagemaker.describe_endpoint(EndpointName=first["EndpointName"])
    assert described["ProductionVariants"][0]["DesiredInstanceCount"] == 2  # the target's minimum

    updated = stack.deploy(template(image, hosting.model_data("two")))
    assert updated["StackStatus"] == "UPDATE_COMPLETE", stack.reasons()
    second = outputs(updated)
    assert second["EndpointName"] == first["EndpointName"]
    assert first["ModelName"].startswith("Model-")
    assert second["ModelName"] != first["ModelName"]
    assert second["ConfigName"] != first["ConfigName"]
    assert hosting.invoke(first["EndpointName"])["Body"]["model"] == "two"
    with pytest.raises(ClientError, match="Could not find"):
        hosting.sagemaker.describe_model(ModelName=first["ModelName"])
    described = hosting.sagemaker.describe_endpoint(EndpointName=first["EndpointName"])
    assert described["ProductionVariants"][0]["DesiredInstanceCount"] == 2  # retained

    broken = stack.deploy(template(hosting.cloud.tiny_server("exit"), hosting.model_data("3")))
    assert broken["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "did not pass the ping health check" in stack.reasons()
    assert hosting.invoke(first["EndpointName"])["Body"]["model"] == "two"
    assert outputs(broken) == second

    retyped = stack.deploy(template(image, hosting.model_data("two"), "ml.m5.xlarge"))
    assert retyped["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "registered as scalable targets" in stack.reasons()

    stack.delete()
    assert not hosting.exists(first["EndpointName"])
    for made in (first, second):
        with pytest.raises(ClientError, match="Could not find model"):
            hosting.sagemaker.describe_model(ModelName=made["ModelName"])
        with pytest.raises(ClientError, match="Could not find endpoint configuration"):
            hosting.sagemaker.describe_endpoint_config(EndpointConfigName=made["ConfigName"])


def test_an_endpoint_that_cannot_start_fails_the_stack_and_is_gone(
    stack: Stack, hosting: Hosting
) -> None:
    body = template(hosting.cloud.tiny_server("exit"), hosting.model_data("one"))
    failed = stack.deploy(body)
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "exit code 3" in stack.reasons()
    assert hosting.sagemaker.list_endpoints(NameContains="Endpoint-")["Endpoints"] == []


def test_a_misspelt_property_is_refused_with_its_name(stack: Stack, hosting: Hosting) -> None:
    body = template(hosting.cloud.tiny_server(), hosting.model_data("one"))
    body["Resources"]["Model"]["Properties"]["PrimaryContainer"]["ModelDataURL"] = "s3://b/k"
    assert stack.deploy(body)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "ModelDataURL" in stack.reasons()


def test_a_group_with_versions_survives_its_stack(stack: Stack, cloud: RunningCloud) -> None:
    name = f"group-{time.time_ns()}"
    body: dict[str, Any] = {
        "Resources": {
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": name, "Tags": [{"Key": "a", "Value": "1"}]},
            }
        }
    }
    assert stack.deploy(body)["StackStatus"] == "CREATE_COMPLETE"
    sagemaker = cloud.client("sagemaker")
    group = sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    body["Resources"]["Group"]["Properties"]["Tags"] = [{"Key": "b", "Value": "2"}]
    assert stack.deploy(body)["StackStatus"] == "UPDATE_COMPLETE"
    listed = sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"]
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    assert tags.pop("aws:cloudformation:stack-name") == stack.name
    assert {key for key in tags if not key.startswith("aws:")} == {"b"}
    package = sagemaker.create_model_package(
        ModelPackageGroupName=name,
        InferenceSpecification={
            "Containers": [{"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/server:v1"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    with pytest.raises(AssertionError, match="ConflictException"):
        stack.delete()
    sagemaker.delete_model_package(ModelPackageName=package)
    stack.delete()


def test_an_alarm_over_an_expression_is_made_and_evaluated(
    stack: Stack, cloud: RunningCloud
) -> None:
    errors = {
        "Id": "errors",
        "MetricStat": {
            "Metric": {"Namespace": "AWS/SageMaker", "MetricName": "InvocationModelErrors"},
            "Period": 60,
            "Stat": "Sum",
        },
        "ReturnData": False,
    }
    properties = {
        "AlarmName": f"{stack.name}-errors",
        "Metrics": [{"Id": "rate", "Expression": "100 * errors", "ReturnData": True}, errors],
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
    }
    body = {"Resources": {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}
    assert stack.deploy(body)["StackStatus"] == "CREATE_COMPLETE", stack.reasons()

    def described() -> dict[str, Any]:
        names = [properties["AlarmName"]]
        found = cloud.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        alarm: dict[str, Any] = found[0]
        return alarm

    assert described()["StateValue"] == "INSUFFICIENT_DATA"
    cloud.client("cloudwatch").put_metric_data(
        Namespace="AWS/SageMaker",
        MetricData=[{"MetricName": "InvocationModelErrors", "Value": 100.0}],
    )
    alarm = described()
    assert alarm["StateValue"] == "ALARM"
    assert alarm["Metrics"] == properties["Metrics"]
    assert alarm["Threshold"] == 1.0
