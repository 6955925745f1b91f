"""Operators' orders to promotion: stay at a version, deploy nothing, follow approvals again.

The orders are an SSM parameter, which the function that deploys reads before it does anything;
a message to its queue makes it look now. See docs/promotion.md.
"""

import json
from dataclasses import asdict, dataclass

from config.names import ModelNames
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws, stack_outputs
from warmfold.runs.versions import registered

_PARAMETER, _SHADOW_PARAMETER = "ModelPackageArn", "ShadowModelPackageArn"


@dataclass(frozen=True, kw_only=True)
class Orders:
    """``version`` is the pinned one; ``None`` follows approvals. ``shadow`` gets copies only."""

    frozen: bool
    version: int | None
    shadow: int | None = None


def read_orders(aws: Aws, names: ModelNames) -> Orders:
    """Raises ``WarmfoldError`` if the model is not deployed, or somebody wrote something else."""
    client = aws.client("ssm")
    try:
        found = client.get_parameter(Name=names.orders_parameter)["Parameter"]
    except client.exceptions.ParameterNotFound as error:
        raise WarmfoldError(
            f"SSM parameter {names.orders_parameter} does not exist: deploy stack "
            f"{names.delivery_stack} first"
        ) from error
    try:
        return Orders(**json.loads(found["Value"]))
    except (TypeError, ValueError) as error:
        raise WarmfoldError(
            f"SSM parameter {names.orders_parameter} does not hold orders: write "
            '{"frozen": false, "version": null} into it'
        ) from error


def give_orders(aws: Aws, names: ModelNames, orders: Orders) -> None:
    """Write them, and have the function that deploys look at them at once."""
    queue_url = stack_outputs(aws, names.delivery_stack)["QueueUrl"]
    values = asdict(orders)
    if orders.shadow is None:  # a function deployed before there were shadows knows of none
        del values["shadow"]
    aws.client("ssm").put_parameter(
        Name=names.orders_parameter, Value=json.dumps(values), Overwrite=True
    )
    # If an update runs now, the message comes again after it.
    aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps({"orders": True}))


def deployed_version(aws: Aws, names: ModelNames) -> int | None:
    """Version of the package that the serving stack holds; ``None`` before the first approval."""
    return version_of(_parameters(aws, names).get(_PARAMETER, ""))


def shadow_version(aws: Aws, names: ModelNames) -> int | None:
    """The same of the shadow. Raises ``WarmfoldError`` if the stack has no room for one."""
    values = _parameters(aws, names)
    if _SHADOW_PARAMETER not in values:
        raise WarmfoldError(
            f"stack {names.serving_stack} has no room for a shadow: add [models.serving.shadow] to "
            "the environment's file and deploy"
        )
    return version_of(values[_SHADOW_PARAMETER])


def _parameters(aws: Aws, names: ModelNames) -> dict[str, str]:
    stacks = aws.client("cloudformation").describe_stacks(StackName=names.serving_stack)["Stacks"]
    return {p["ParameterKey"]: p["ParameterValue"] for p in stacks[0].get("Parameters", [])}


def version_of(package_arn: str) -> int | None:
    """``None`` of no package."""
    return int(package_arn.rpartition("/")[2]) if package_arn else None


def approved_versions(aws: Aws, names: ModelNames) -> dict[int, str]:
    """ARNs of the approved packages, by version."""
    approved = registered(
        aws.client("sagemaker"), names.model_package_group, ModelApprovalStatus="Approved"
    )
    return {
        package["ModelPackageVersion"]: package["ModelPackageArn"]
        for package in approved
        if package["ModelPackageStatus"] == "Completed"
    }


def require_approved(versions: dict[int, str], version: int, group: str) -> str:
    """Its ARN. Raises ``WarmfoldError`` naming the versions that may be deployed."""
    if version not in versions:
        known = ", ".join(map(str, sorted(versions))) or "none"
        raise WarmfoldError(
            f"version {version} of {group} is not approved (approved: {known}): name one of "
            f"these, or approve it first with `warmfold approve {version}`, if there is one"
        )
    return versions[version]
