"""A stack with a scaled endpoint: the constructs' scaling around the least that works."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aws_cdk import Stack as CdkStack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker

from tests.localcloud.conftest import ROLE, RunningCloud, policy
from tests.localcloud.fault_aids import deploy_function, new_name
from tests.localcloud.hosting_aids import Hosting
from tests.localcloud.synth_aids import template
from tests.localcloud.test_cfn_sagemaker import Stack
from warmfold_constructs.endpoint_scaler import EndpointScaler
from warmfold_constructs.endpoint_scaling import EndpointScaling, Fleet
from warmfold_constructs.serving_deployment_role import ServingDeploymentRole
from warmfold_constructs.serving_names import ServingNames

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


def deployed(cloud: RunningCloud, folder: Path) -> Serving:
    """The stack of a new endpoint, created; its templates are made in ``folder``."""
    endpoint = new_name("scaled")
    function = _function(cloud, folder / "scaler", endpoint)
    build = partial(_build_serving, endpoint)
    resources = template(folder / "serving", cloud.settings.account, build)["Resources"]
    for each in resources.values():
        if each["Type"] == CUSTOM:
            each["Properties"]["ServiceToken"] = function
    made = Serving(Hosting(cloud), Stack(cloud, new_name("serving")), endpoint, resources)
    assert made.deploy() == "CREATE_COMPLETE", made.stack.reasons()
    return made
