"""A second model that gets a copy of an endpoint's requests, and whose answers nobody gets.

Source: developer guide, "Testing models with shadow variants": at most one, beside one production
variant. Its weight over the production variant's, which is 1, is the share that it gets a copy of.
"""

from dataclasses import dataclass

from aws_cdk import CfnCondition, CfnParameter, Fn
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from warmfold_constructs.job_network import vpc_config
from warmfold_constructs.serving_names import ServingNames

PARAMETER = "ShadowModelPackageArn"


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """``sampled_percent`` (1 to 100) of the requests are copied to ``instances`` machines."""

    sampled_percent: int
    instances: int


def shadowed(live: CfnParameter, package: CfnParameter) -> CfnCondition:
    """Whether there is a shadow: never without a model that answers."""
    given = [
        Fn.condition_not(Fn.condition_equals(parameter.value_as_string, ""))
        for parameter in (live, package)
    ]
    condition = CfnCondition(package.stack, "Shadowed", expression=Fn.condition_and(*given))
    condition.override_logical_id("Shadowed")
    return condition


def shadow_model(
    scope: Construct, package: CfnParameter, *, names: ServingNames, role_arn: str
) -> sagemaker.CfnModel:
    model = sagemaker.CfnModel(
        scope,
        "ShadowModel",
        execution_role_arn=role_arn,
        enable_network_isolation=True,
        vpc_config=vpc_config(names.network),
        containers=[
            sagemaker.CfnModel.ContainerDefinitionProperty(
                model_package_name=package.value_as_string
            )
        ],
    )
    model.override_logical_id(names.shadow_model_id)
    return model


def add_variant(
    configuration: sagemaker.CfnEndpointConfig,
    shadow: Shadow,
    model: sagemaker.CfnModel,
    *,
    name: str,
    instance_type: str,
) -> None:
    """The variant, if there is to be one: in CloudFormation's words, since it is a condition's."""
    condition = model.cfn_options.condition
    if condition is None:
        raise ValueError(f"{model.node.path}: has no condition")
    variant = {
        "VariantName": name,
        "ModelName": model.attr_model_name,
        "InstanceType": instance_type,
        "InitialInstanceCount": shadow.instances,
        "InitialVariantWeight": shadow.sampled_percent / 100,
    }
    configuration.add_property_override(
        "ShadowProductionVariants",
        {"Fn::If": [condition.logical_id, [variant], {"Ref": "AWS::NoValue"}]},
    )
