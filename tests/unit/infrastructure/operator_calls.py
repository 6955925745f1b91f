"""What the commands of approvers ask AWS for: they run, and answers are made up at the wire."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name

from config.names import ModelNames, Names
from config.settings import Settings
from tests.sessions import shared_session
from warmfold.cli import model_commands, operator_commands
from warmfold.runs.aws import Aws
from warmfold_local.access.asks import Ask
from warmfold_local.access.sagemaker import asks

_THEN = datetime(2026, 3, 2, tzinfo=UTC)
QUEUE = "https://sqs/queue"
# Version 1 is deployed before 2, and 3 awaits approval.
COMMANDS: Mapping[str, tuple[Callable[[argparse.Namespace], None], int | None]] = {
    "approve": (model_commands.approve, 3),
    "pin": (operator_commands.pin, 1),
    "rollback": (operator_commands.rollback, None),
    "freeze": (operator_commands.freeze, None),
    "unfreeze": (operator_commands.unfreeze, None),
    "shadow": (operator_commands.shadow, 1),
}


class Answers:
    """One deployed model with three versions; every call is kept as what IAM is asked for it."""

    def __init__(self, settings: Settings) -> None:
        self.asked: list[Ask] = []
        self._model = settings.models[0]
        self.names: ModelNames = Names(settings.name).model(self._model.name)
        self._account = settings.environment.account
        self._region = settings.environment.region
        self._shadow = ""
        session = shared_session(self._region)
        self.aws = _Answered(session=session, environment=settings.name)
        self.aws.__dict__["answers"] = self

    def target(self, options: argparse.Namespace) -> tuple[Aws, Any]:
        return self.aws, self._model

    def arn(self, resource: str, service: str = "sagemaker") -> str:
        return f"arn:aws:{service}:{self._region}:{self._account}:{resource}"

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.asked += self._asks(service, operation, request)
        if operation == "PutParameter":
            shadow = json.loads(request["Value"]).get("shadow")
            self._shadow = self._version(shadow) if shadow else ""
        answer: Callable[[dict[str, Any]], dict[str, Any]] = getattr(
            self, f"_{xform_name(operation)}", _empty
        )
        return answer(request)

    def _asks(self, service: str, operation: str, request: dict[str, Any]) -> Iterator[Ask]:
        if service == "sagemaker":
            yield from asks(service, operation, request, self.arn)
            return
        resource = {
            "cloudformation": f"stack/{request.get('StackName')}/1f0a",
            "ssm": f"parameter{request.get('Name')}",
            "sqs": "<german-credit-delivery/PromotionQueue>",
        }[service]
        yield Ask(action=f"{service}:{operation}", resource=self.arn(resource, service))

    def _version(self, number: int) -> str:
        return self.arn(f"model-package/{self.names.model_package_group}/{number}")

    def _describe_stacks(self, request: dict[str, Any]) -> dict[str, Any]:
        outputs = {"QueueUrl": QUEUE, "ModelPackageGroupName": self.names.model_package_group}
        held = {"ModelPackageArn": self._version(2), "ShadowModelPackageArn": self._shadow}
        stack = {
            "StackName": request["StackName"],
            "StackStatus": "UPDATE_COMPLETE",
            "CreationTime": _THEN,
            "LastUpdatedTime": _THEN,
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in held.items()],
        }
        return {"Stacks": [stack]}

    def _list_model_packages(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("ModelApprovalStatus")
        found = [self._package(number) for number in (1, 2, 3)]
        packages = [p for p in found if wanted in (None, p["ModelApprovalStatus"])]
        return {"ModelPackageSummaryList": packages}

    def _describe_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._package(int(request["ModelPackageName"].rpartition("/")[2]))

    def _package(self, number: int) -> dict[str, Any]:
        return {
            "ModelPackageGroupName": self.names.model_package_group,
            "ModelPackageArn": self._version(number),
            "ModelPackageVersion": number,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": "PendingManualApproval" if number == 3 else "Approved",
            "CreationTime": _THEN,
        }

    def _get_parameter(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"Parameter": {"Value": '{"frozen": false, "version": null}'}}

    def _describe_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"EndpointStatus": "InService", "EndpointConfigName": self._made("Config")}

    def _describe_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ProductionVariants": [{"ModelName": self._made("Model")}]}

    def _describe_model(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"Containers": [{"ModelPackageName": self._version(n)} for n in (1, 2, 3)]}

    def _made(self, kind: str) -> str:
        """As CloudFormation names it."""
        words = "".join(word.capitalize() for word in self.names.endpoint.split("-"))
        return f"{words}{kind}-0a1b2c"


def _empty(request: dict[str, Any]) -> dict[str, Any]:
    return {}


class _Answered(Aws):
    """Clients whose calls are answered before they are sent."""

    def client(self, service: str) -> Any:
        client: Any = self.session.client(service)  # type: ignore[call-overload]
        answers: Answers = self.__dict__["answers"]
        given: dict[str, Any] = {}
        events = client.meta.events
        events.register("provide-client-params", lambda params, **_: given.update(now=params))
        events.register(
            "before-call",
            lambda model, **_: (_Sent(), answers.call(service, model.name, given["now"])),
        )
        return client


class _Sent:
    status_code = 200


def calls(command: str, settings: Settings, patch: Any) -> list[Ask]:
    """Everything that a command asks for, in the order of its calls."""
    answers = Answers(settings)
    for module in (model_commands, operator_commands):
        patch.setattr(module, "target", answers.target)
    run, version = COMMANDS[command]
    run(argparse.Namespace(version=version))
    return answers.asked
