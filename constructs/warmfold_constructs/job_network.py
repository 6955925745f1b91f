"""What a network asks of IAM: whose jobs must lie in it, and what SageMaker does to place them."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.acknowledge import acknowledge
from warmfold_constructs.policies import allow, arn

Conditions = Mapping[str, Mapping[str, Any]]

# Developer guide, "How to use SageMaker AI execution roles": jobs and models in a VPC. EC2's
# Describe actions know no resources (Service Authorization Reference, "Amazon EC2").
_LOOKS = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
_NAMED_LATER = "Network interfaces get random ids; where they lie is bound."


def model_conditions(network: JobNetwork | None) -> Conditions:
    """A statement's conditions that keep a model without network of its own, and in exactly
    these subnets and groups."""
    return together({"Bool": {"sagemaker:NetworkIsolation": "true"}}, _place(network))


def _place(network: JobNetwork | None) -> Conditions:
    """Without ``Null`` a request that names none would meet ``ForAllValues``."""
    if network is None:
        return {}
    keys = {
        "sagemaker:VpcSubnets": [*network.subnet_ids],
        "sagemaker:VpcSecurityGroupIds": [*network.security_group_ids],
    }
    return {"ForAllValues:StringEquals": keys, "Null": dict.fromkeys(keys, "false")}


def job_conditions(network: JobNetwork | None) -> Conditions:
    """Conditions that keep a job there; it must encrypt what its machines send each other if the
    network says so."""
    if network is None or not network.encrypt_between_instances:
        return _place(network)
    encrypted = {"Bool": {"sagemaker:InterContainerTrafficEncryption": "true"}}
    return {**_place(network), **encrypted}


def together(*parts: Conditions) -> dict[str, dict[str, Any]]:
    """Conditions that all have to hold."""
    merged: dict[str, dict[str, Any]] = {}
    for part in parts:
        for operator, keys in part.items():
            merged.setdefault(operator, {}).update(keys)
    return merged


def allow_interfaces(role: iam.Role, network: JobNetwork) -> None:
    """Let SageMaker, as ``role``, put the interfaces of a job or model into the network."""
    allow(role, _LOOKS, ["*"])
    acknowledge(role, {"IAM5[Resource::*]": "Looking at a VPC knows no resources."})
    subnets = [arn(role, "ec2", "subnet", id) for id in network.subnet_ids]
    groups = [arn(role, "ec2", "security-group", id) for id in network.security_group_ids]
    interfaces = [arn(role, "ec2", "network-interface", "*")]
    allow(
        role,
        ["ec2:CreateNetworkInterface"],
        [*subnets, *groups, *interfaces],
        because=_NAMED_LATER,
    )
    allow(
        role,
        ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"],
        interfaces,
        conditions={"ArnEquals": {"ec2:Subnet": subnets}},
    )


def vpc_config(network: JobNetwork | None) -> sagemaker.CfnModel.VpcConfigProperty | None:
    """Where a model's containers are; ``None``, as without the property, for no VPC of ours."""
    if network is None:
        return None
    return sagemaker.CfnModel.VpcConfigProperty(
        subnets=[*network.subnet_ids], security_group_ids=[*network.security_group_ids]
    )
