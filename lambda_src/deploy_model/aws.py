"""The AWS calls: approved packages from the registry, the serving stack, its update."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deploy_model.logic import Stack, update_parameters
from warmfold_lambda.registry import Package, approved_packages

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_sagemaker import SageMakerClient

# CloudFormation answers ValidationError with a text of its own for both (its API has no
# narrower code): an update that changes nothing, and one that comes while another runs.
_NOTHING_TO_DO = "No updates are to be performed"
_IN_PROGRESS = "_IN_PROGRESS state"

# The stack's template holds roles with names of their own.
_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


@dataclass(frozen=True)
class Deployment:
    """The registry on one side, the serving stack on the other."""

    sagemaker: SageMakerClient
    cloudformation: CloudFormationClient

    def approved(self, group_name: str) -> list[Package]:
        return approved_packages(self.sagemaker, group_name)

    def modified(self, package: Package) -> datetime | None:
        """When the package, and so perhaps its approval, last changed; ``None`` if never."""
        answer = self.sagemaker.describe_model_package(ModelPackageName=package.arn)
        return answer.get("LastModifiedTime")

    def stack(self, name: str) -> Stack:
        found = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return Stack(
            name=name,
            status=found["StackStatus"],
            parameters={
                parameter["ParameterKey"]: parameter.get("ParameterValue", "")
                for parameter in found.get("Parameters", [])
            },
            updated=found.get("LastUpdatedTime"),
        )

    def update(self, stack: Stack, package: Package, role_arn: str) -> str:
        """Start the update: ``started``, ``unchanged`` or, if another one is running, ``busy``."""
        parameters: Any = update_parameters(stack, package)
        try:
            self.cloudformation.update_stack(
                StackName=stack.name,
                UsePreviousTemplate=True,
                Parameters=parameters,
                Capabilities=_CAPABILITIES,  # type: ignore[arg-type]
                RoleARN=role_arn,
            )
        except ClientError as error:
            return _outcome(error)
        return "started"


def _outcome(error: ClientError) -> str:
    message = error.response["Error"].get("Message", "")
    if _NOTHING_TO_DO in message:
        return "unchanged"
    if _IN_PROGRESS in message:
        return "busy"
    raise error
