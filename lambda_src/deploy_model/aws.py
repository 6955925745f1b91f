"""The AWS calls: approved packages from the registry, the serving stack, its update."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deploy_model.logic import Endpoint, Stack, update_parameters
from deploy_model.orders import Orders, parse_orders
from warmfold_lambda.errors import ConfigurationError
from warmfold_lambda.registry import Package, approved_packages

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_sagemaker import SageMakerClient

# CloudFormation answers ValidationError with a text of its own for both (its API has no
# narrower code): an update that changes nothing, and one that comes while another runs.
_NOTHING_TO_DO = "No updates are to be performed"
_IN_PROGRESS = "_IN_PROGRESS state"

_ENDPOINT, _CONFIGURATION = "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig"

# The stack's template holds roles with names of their own.
_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


@dataclass(frozen=True)
class Deployment:
    """The registry and the operators on one side, the serving stack on the other."""

    sagemaker: SageMakerClient
    cloudformation: CloudFormationClient
    ssm: Any

    def orders(self, parameter_name: str) -> Orders:
        """Raises ``ConfigurationError`` if the parameter is gone, or is not what it should be."""
        try:
            found = self.ssm.get_parameter(Name=parameter_name)["Parameter"]
        except self.ssm.exceptions.ParameterNotFound as error:
            raise ConfigurationError(
                f"SSM parameter {parameter_name} is gone: delete and deploy the delivery stack, or "
                'make the parameter (a String) with the value {"frozen": false, "version": null}'
            ) from error
        return parse_orders(parameter_name, found["Value"], found["LastModifiedDate"])

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

    def endpoint(self, stack: Stack) -> Endpoint | None:
        """The stack's endpoint; ``None`` before the first approval."""
        found = self.cloudformation.describe_stack_resources(StackName=stack.name)
        names = {
            resource["ResourceType"]: resource.get("PhysicalResourceId", "").rpartition("/")[2]
            for resource in found["StackResources"]
        }
        if _ENDPOINT not in names:
            return None
        described = self.sagemaker.describe_endpoint(EndpointName=names[_ENDPOINT])
        return Endpoint(
            name=names[_ENDPOINT],
            status=described["EndpointStatus"],
            configuration=described.get("EndpointConfigName", ""),
            wanted_configuration=names[_CONFIGURATION],
            failure=described.get("FailureReason", ""),
        )

    def update(
        self, stack: Stack, package: Package, role_arn: str, shadow: Package | None = None
    ) -> str:
        """Start the update: ``started``, ``unchanged`` or, if another one is running, ``busy``."""
        parameters: Any = update_parameters(stack, package, shadow)
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
