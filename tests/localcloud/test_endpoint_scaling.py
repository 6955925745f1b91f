"""Another instance type on a scaled endpoint, by an ordinary update of its stack.

The scaling is the construct's, its function has no more permissions than the construct gives it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack as CdkStack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker

from tests.localcloud.conftest import ROLE, RunningCloud, policy, wait_for
from tests.localcloud.fault_aids import deploy_function, new_name
from tests.localcloud.iam_aids import Roles, statement
from tests.localcloud.synth_aids import template
from tests.localcloud.test_cfn_sagemaker import Stack
from tests.localcloud.test_endpoints import Hosting
from warmfold_constructs.endpoint_scaler import EndpointScaler
from warmfold_constructs.endpoint_scaling import EndpointScaling, Fleet
from warmfold_constructs.serving_deployment_role import ServingDeploymentRole
from warmfold_constructs.serving_names import ServingNames

pytestmark = pytest.mark.localcloud

TYPE, OTHER = "ml.m5.large", "ml.m5.xlarge"
CUSTOM = "Custom::EndpointScaling"


def _names(endpoint: str) -> ServingNames:
    return ServingNames(endpoint=endpoint, variant="main")


def _build_scaler(endpoint: str, stack: CdkStack) -> None:
    key, names = kms.Key(stack, "Key"), _names(endpoint)
    role = ServingDeploymentRole(
        stack,
        "Deployment",
        role_name="deployment",
        serving=names,
        model_package_group="group",
        model_role_name="model",
        key=key,
        cdk_deploy_role_name="deploy",
    )
    EndpointScaler(
        stack, "Scaler", serving=names, deployment_role=role, log_retention_days=7, key=key
    )


def _build_serving(endpoint: str, stack: CdkStack) -> None:
    """What is around the scaling is the least that works; the model is added by hand."""
    fleet = Fleet(
        instance_type=TYPE,
        minimum_instances=2,
        maximum_instances=4,
        target_invocations_per_instance=100,
        scale_in_cooldown_seconds=60,
        scale_out_cooldown_seconds=30,
    )
    variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name="main",
        model_name="TO-BE-REPLACED",
        instance_type=TYPE,
        initial_instance_count=2,
        initial_variant_weight=1,
    )
    names = _names(endpoint)
    config = sagemaker.CfnEndpointConfig(stack, "Config", production_variants=[variant])
    config.override_logical_id(names.configuration_id)
    made = sagemaker.CfnEndpoint(
        stack,
        "Endpoint",
        endpoint_name=endpoint,
        endpoint_config_name=config.attr_endpoint_config_name,
        retain_all_variant_properties=True,
    )
    EndpointScaling(stack, "Scaling", names=names, fleet=fleet, endpoint=made, first=[])


def _function(cloud: RunningCloud, folder: Path, endpoint: str) -> str:
    """The scaler with its own permissions; its ARN."""
    resources = template(folder, cloud.settings.account, partial(_build_scaler, endpoint))
    found = resources["Resources"]
    text = json.dumps(found).replace('{"Ref": "AWS::Partition"}', '"aws"')
    (own,) = [
        each["Properties"]["PolicyDocument"]["Statement"]
        for id, each in json.loads(text).items()
        if each["Type"] == "AWS::IAM::Policy" and id.startswith("ScalerFunction")
    ]
    statements = [
        {**each, "Resource": [_joined(r) for r in _listed(each["Resource"])]}
        for each in own
        if "logs:" not in str(each["Action"])
    ]
    iam, name = cloud.client("iam"), new_name("scaler")
    trust = policy(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    (function,) = [r for r in found.values() if r["Type"] == "AWS::Lambda::Function"]
    variables = function["Properties"]["Environment"]["Variables"]
    return deploy_function(cloud, "scale_endpoint", role, **variables)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _joined(resource: Any) -> str:
    return resource if isinstance(resource, str) else "".join(resource["Fn::Join"][1])


@dataclass(frozen=True)
class Serving:
    """A stack with a scaled endpoint."""

    hosting: Hosting
    stack: Stack
    endpoint: str
    resources: dict[str, Any]

    def deploy(
        self,
        instance_type: str = TYPE,
        model: str = "one",
        mode: str = "ok",
        most: int = 4,
        scheduled: str = "[]",
    ) -> str:
        """The stack's status after an update to this; ``scheduled`` actions are JSON."""
        image = self.hosting.cloud.tiny_server(mode)
        name = new_name("model")
        self.hosting.sagemaker.create_model(
            ModelName=name,
            PrimaryContainer={"Image": image, "ModelDataUrl": self.hosting.model_data(model)},
            ExecutionRoleArn=ROLE,
            EnableNetworkIsolation=True,
        )
        text = (
            json.dumps(self.resources).replace(TYPE, instance_type).replace("TO-BE-REPLACED", name)
        )
        text = text.replace('"MaxCapacity": 4', f'"MaxCapacity": {most}')
        text = text.replace('"ScheduledActions": []', f'"ScheduledActions": {scheduled}')
        return str(self.stack.deploy({"Resources": json.loads(text)})["StackStatus"])

    @property
    def target(self) -> dict[str, str]:
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{self.endpoint}/variant/main",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }

    def instance_type(self) -> str:
        found = self.described()
        config = self.hosting.sagemaker.describe_endpoint_config(
            EndpointConfigName=found["EndpointConfigName"]
        )
        return str(config["ProductionVariants"][0]["InstanceType"])

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.hosting.sagemaker.describe_endpoint(EndpointName=self.endpoint)
        return found

    def count(self) -> int:
        return int(self.described()["ProductionVariants"][0]["DesiredInstanceCount"])

    def scaling(self) -> tuple[list[tuple[int, int]], list[tuple[str, float]]]:
        """Limits of the registered targets; names and aims of the policies."""
        client = self.hosting.cloud.client("application-autoscaling")
        resource = self.target["ResourceId"]
        targets = client.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[resource]
        )["ScalableTargets"]
        policies = client.describe_scaling_policies(
            ServiceNamespace="sagemaker", ResourceId=resource
        )["ScalingPolicies"]
        return [(t["MinCapacity"], t["MaxCapacity"]) for t in targets], [
            (p["PolicyName"], p["TargetTrackingScalingPolicyConfiguration"]["TargetValue"])
            for p in policies
        ]

    def expected(self, most: int = 4) -> tuple[list[tuple[int, int]], list[tuple[str, float]]]:
        return [(2, most)], [(f"{self.endpoint}-invocations", 100.0)]


@pytest.fixture(scope="module")
def serving(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    endpoint, folder = new_name("scaled"), tmp_path_factory.mktemp("synth")
    function = _function(cloud, folder / "scaler", endpoint)
    build = partial(_build_serving, endpoint)
    resources = template(folder / "serving", cloud.settings.account, build)["Resources"]
    for each in resources.values():
        if each["Type"] == CUSTOM:
            each["Properties"]["ServiceToken"] = function
    made = Serving(Hosting(cloud), Stack(cloud, new_name("serving")), endpoint, resources)
    assert made.deploy() == "CREATE_COMPLETE", made.stack.reasons()
    yield made
    if made.stack.described():
        made.stack.delete()


def test_the_scaling_is_there_with_the_endpoint(serving: Serving) -> None:
    assert serving.scaling() == serving.expected()


def test_another_instance_type_is_deployed_and_scaled_as_before(serving: Serving) -> None:
    serving.hosting.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=serving.endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 3}],
    )
    serving.hosting.settled(serving.endpoint)
    assert serving.deploy(OTHER) == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.instance_type() == OTHER
    assert serving.scaling() == serving.expected()
    assert serving.count() == 3  # what scaling had come to


def test_an_update_that_fails_leaves_type_and_scaling_as_they_were(serving: Serving) -> None:
    assert serving.deploy(OTHER) == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.deploy(TYPE, mode="exit", most=5) == "UPDATE_ROLLBACK_COMPLETE", (
        serving.stack.reasons()
    )
    assert "was not updated" in serving.stack.reasons()
    assert serving.instance_type() == OTHER
    assert serving.scaling() == serving.expected()
    assert serving.hosting.invoke(serving.endpoint)["Body"]["model"] == "one"


def test_scaling_that_cannot_be_put_up_takes_the_whole_update_back(serving: Serving) -> None:
    assert serving.deploy(OTHER) == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.deploy(TYPE, most=1) == "UPDATE_ROLLBACK_COMPLETE", serving.stack.reasons()
    assert "MinCapacity must not be greater" in serving.stack.reasons()
    assert serving.instance_type() == OTHER
    assert serving.scaling() == serving.expected()


def test_the_type_that_the_endpoint_has_counts_and_not_the_stacks(serving: Serving) -> None:
    """SageMaker goes back by itself if an alarm fires once CloudFormation has seen success."""
    assert serving.deploy(OTHER) == "UPDATE_COMPLETE", serving.stack.reasons()
    hosting, scaling = serving.hosting, serving.hosting.cloud.client("application-autoscaling")
    scaling.deregister_scalable_target(**serving.target)
    older = hosting.config(hosting.cloud.tiny_server(), hosting.model_data("one"))
    hosting.sagemaker.update_endpoint(EndpointName=serving.endpoint, EndpointConfigName=older)
    hosting.settled(serving.endpoint)
    scaling.register_scalable_target(**serving.target, MinCapacity=2, MaxCapacity=4)
    assert serving.instance_type() == TYPE
    assert serving.deploy(OTHER, model="two") == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.instance_type() == OTHER
    assert serving.scaling() == serving.expected()


def test_a_target_that_somebody_removed_comes_back_with_the_next_model(serving: Serving) -> None:
    client = serving.hosting.cloud.client("application-autoscaling")
    client.deregister_scalable_target(**serving.target)
    assert serving.deploy(OTHER, model="two") == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.scaling() == serving.expected()
    assert serving.hosting.invoke(serving.endpoint)["Body"]["model"] == "two"


def test_other_limits_need_no_other_endpoint(serving: Serving) -> None:
    assert serving.deploy(OTHER, most=6) == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.scaling() == serving.expected(most=6)


def test_off_hours_that_are_refused_leave_a_stack_that_can_be_updated(serving: Serving) -> None:
    action = {"Name": "evening", "Schedule": "cron(0 20 * * ? *)", "Timezone": "UTC"}
    scheduled = json.dumps([{**action, "MinCapacity": 1}])
    assert serving.deploy(OTHER, most=6, scheduled=scheduled) == "UPDATE_ROLLBACK_COMPLETE", (
        serving.stack.reasons()
    )
    assert "PutScheduledAction" in serving.stack.reasons()
    assert serving.scaling() == serving.expected(most=6)
    assert serving.deploy(OTHER, most=6) == "UPDATE_COMPLETE", serving.stack.reasons()


def test_cloudformation_calls_the_function_as_the_stacks_role(serving: Serving) -> None:
    roles = Roles(serving.hosting.cloud)
    service = "cloudformation.amazonaws.com"
    allowed = statement("cloudformation:*", "sagemaker:*", "iam:PassRole")
    role = roles.make("deployment", allowed, service=service)
    (custom,) = [
        each
        for each in serving.resources.values()
        if each["Type"] == CUSTOM and each["Properties"]["Stage"] == "before"
    ]
    alone = {**custom, "Properties": {**custom["Properties"], "Configuration": "none"}}
    name, client = new_name("custom"), serving.stack.cloudformation
    client.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Before": alone}}), RoleARN=role
    )
    stack = Stack(serving.hosting.cloud, name)
    wait_for(stack.settled, f"{name} settled")
    reasons = stack.reasons()
    assert "not authorized to perform: lambda:InvokeFunction" in reasons
    stack.delete()


def test_nothing_is_registered_once_the_stack_is_deleted(serving: Serving) -> None:
    serving.stack.delete()
    assert serving.scaling() == ([], [])
    assert not serving.hosting.exists(serving.endpoint)
