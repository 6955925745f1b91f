"""The registry, the operators' orders and the serving stack, as the deploying function asks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy_model.aws import Deployment
from deploy_model.handler import Environment, respond
from tests.unit.lambdas.aids import LOG, Stub, event, playing

GROUP = "warmfold-local-german-credit"
STACK = "warmfold-local-german-credit-serving"
ROLE = "arn:aws:iam::000000000000:role/serving-deployment"
PARAMETER = "/warmfold-local-german-credit/promotion"
ENDPOINT = "warmfold-local-german-credit"
ENVIRONMENT = Environment(
    model_package_group_name=GROUP,
    orders_parameter_name=PARAMETER,
    serving_stack_name=STACK,
    serving_deployment_role_arn=ROLE,
)
BEFORE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
UPDATED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AFTER = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SENT = event("model_package_state_change.sqs")
MESSAGE_ID = SENT["Records"][0]["messageId"]
DONE: dict[str, Any] = {"batchItemFailures": []}


def arn(version: int) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{GROUP}/{version}"


def package(version: int, status: str = "Completed") -> dict[str, Any]:
    return {
        "ModelPackageArn": arn(version),
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": version,
        "CreationTime": BEFORE,
        "ModelPackageStatus": status,
        "ModelApprovalStatus": "Approved",
    }


@dataclass
class World:
    """The registry, the operators' orders and the serving stack, stubbed."""

    sagemaker: Stub = field(default_factory=lambda: Stub("sagemaker"))
    cloudformation: Stub = field(default_factory=lambda: Stub("cloudformation"))
    ssm: Stub = field(default_factory=lambda: Stub("ssm"))
    orders: str = '{"frozen": false, "version": null}'
    given: datetime = BEFORE
    ordered: bool = True  # whether the function comes to ask for the orders

    def serves(
        self, config: str = "Config-1", status: str = "InService", failure: str = ""
    ) -> "World":
        """The stack gave the endpoint ``Config-1``; this is what it has."""
        kinds = {"Endpoint": ENDPOINT, "EndpointConfig": "Config-1"}
        resources = [
            {
                "LogicalResourceId": kind,
                "PhysicalResourceId": f"arn:aws:sagemaker:us-east-1:0:{kind.lower()}/{name}",
                "ResourceType": f"AWS::SageMaker::{kind}",
                "Timestamp": BEFORE,
                "ResourceStatus": "UPDATE_COMPLETE",
            }
            for kind, name in kinds.items()
        ]
        self.cloudformation.answers(
            "describe_stack_resources", {"StackResources": resources}, StackName=STACK
        )
        answer = {
            "EndpointName": ENDPOINT,
            "EndpointArn": f"arn:aws:sagemaker:us-east-1:000000000000:endpoint/{ENDPOINT}",
            "EndpointConfigName": config,
            "EndpointStatus": status,
            "CreationTime": BEFORE,
            "LastModifiedTime": BEFORE,
        }
        answer |= {"FailureReason": failure} if failure else {}
        self.sagemaker.answers("describe_endpoint", answer, EndpointName=ENDPOINT)
        return self

    def stack(self, deployed: str, status: str = "UPDATE_COMPLETE") -> "World":
        parameters = [
            {"ParameterKey": "InstanceCount", "ParameterValue": "1"},
            {"ParameterKey": "ModelPackageArn", "ParameterValue": deployed},
            {"ParameterKey": "BootstrapVersion", "ParameterValue": "/cdk-bootstrap/version"},
        ]
        found = {
            "StackName": STACK,
            "StackStatus": status,
            "CreationTime": BEFORE,
            "LastUpdatedTime": UPDATED,
            "Parameters": parameters,
        }
        self.cloudformation.answers("describe_stacks", {"Stacks": [found]}, StackName=STACK)
        return self

    def approved(self, *pages: list[dict[str, Any]]) -> "World":
        request: dict[str, Any] = {
            "ModelPackageGroupName": GROUP,
            "ModelApprovalStatus": "Approved",
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
        }
        for index, page in enumerate(pages):
            answer: dict[str, Any] = {"ModelPackageSummaryList": page}
            asked = request if index == 0 else request | {"NextToken": f"page-{index}"}
            if index + 1 < len(pages):
                answer["NextToken"] = f"page-{index + 1}"
            self.sagemaker.answers("list_model_packages", answer, **asked)
        return self

    def modified(self, version: int, when: datetime | None) -> "World":
        answer: dict[str, Any] = {
            "ModelPackageName": f"{GROUP}/{version}",
            "ModelPackageArn": arn(version),
            "CreationTime": BEFORE,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
        }
        if when is not None:
            answer["LastModifiedTime"] = when
        self.sagemaker.answers("describe_model_package", answer, ModelPackageName=arn(version))
        return self

    def updates(self, version: int) -> "World":
        self.cloudformation.answers("update_stack", {"StackId": "stack"}, **update_request(version))
        return self

    def refuses_update(self, version: int, message: str) -> "World":
        self.cloudformation.refuses(
            "update_stack", "ValidationError", message, **update_request(version)
        )
        return self

    def run(self, values: object = None) -> dict[str, Any]:
        value = {"Name": PARAMETER, "Value": self.orders, "LastModifiedDate": self.given}
        if self.ordered:
            self.ssm.answers("get_parameter", {"Parameter": value}, Name=PARAMETER)
        with playing(self.sagemaker, self.cloudformation, self.ssm):
            return respond(
                SENT if values is None else values,
                ENVIRONMENT,
                Deployment(self.sagemaker.client, self.cloudformation.client, self.ssm.client),
                LOG,
            )


def update_request(version: int) -> dict[str, Any]:
    return {
        "StackName": STACK,
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": "ModelPackageArn", "ParameterValue": arn(version)},
            {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
            {"ParameterKey": "InstanceCount", "UsePreviousValue": True},
        ],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "RoleARN": ROLE,
    }
