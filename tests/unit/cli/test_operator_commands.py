"""Operators' commands: what they refuse, and what they write. A cloud plays in tests/localcloud."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from config.names import Names
from tests.sessions import shared_session
from tests.unit.runs.answers import ARN
from warmfold.cli.main import run
from warmfold.cli.operator_commands import version_or_latest, version_or_off
from warmfold.cli.parser import make_parser
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws
from warmfold.runs.orders import (
    Orders,
    deployed_version,
    give_orders,
    read_orders,
    require_approved,
)

NAMES = Names("prod").model("credit")
QUEUE = "https://sqs.eu-west-1.amazonaws.com/000000000000/approvals"


class OneClient(Aws):
    """Stubbed clients by service."""

    def client(self, service: str) -> Any:
        return self.__dict__[service][0]

    def stub(self, service: str) -> Stubber:
        stubber: Stubber = self.__dict__[service][1]
        return stubber


@pytest.fixture
def aws() -> OneClient:
    session = shared_session("eu-west-1")
    made = OneClient(session=session, environment="prod")
    for service in ("ssm", "sqs", "cloudformation"):
        client: Any = session.client(service)
        made.__dict__[service] = (client, Stubber(client))
        made.stub(service).activate()
    return made


def parameter(aws: OneClient, value: str) -> None:
    answer = {"Parameter": {"Name": NAMES.orders_parameter, "Value": value}}
    aws.stub("ssm").add_response("get_parameter", answer, {"Name": NAMES.orders_parameter})


def stack(aws: OneClient, name: str, **members: Any) -> None:
    found = {
        "StackName": name,
        "StackStatus": "UPDATE_COMPLETE",
        "CreationTime": datetime(2026, 3, 2, tzinfo=UTC),
        **members,
    }
    aws.stub("cloudformation").add_response(
        "describe_stacks", {"Stacks": [found]}, {"StackName": name}
    )


def test_orders_are_read_and_written_and_the_function_is_told(aws: OneClient) -> None:
    parameter(aws, '{"frozen": true, "version": 3}')
    orders = read_orders(aws, NAMES)
    assert orders == Orders(frozen=True, version=3)
    outputs = [{"OutputKey": "QueueUrl", "OutputValue": QUEUE}]
    stack(aws, "warmfold-prod-credit-delivery", Outputs=outputs)
    wanted = {"Name": "/warmfold-prod-credit/promotion", "Overwrite": True}
    text = json.dumps({"frozen": False, "version": 3})
    aws.stub("ssm").add_response("put_parameter", {}, {**wanted, "Value": text})
    aws.stub("sqs").add_response(
        "send_message", {}, {"QueueUrl": QUEUE, "MessageBody": '{"orders": true}'}
    )
    give_orders(aws, NAMES, Orders(frozen=False, version=3))
    for service in ("ssm", "sqs", "cloudformation"):
        aws.stub(service).assert_no_pending_responses()


@pytest.mark.parametrize("value", ["", "3", "[]", '{"frozen": false}'])
def test_a_parameter_that_holds_no_orders_is_a_mistake_with_a_remedy(
    aws: OneClient, value: str
) -> None:
    parameter(aws, value)
    with pytest.raises(WarmfoldError, match="promotion does not hold orders: write"):
        read_orders(aws, NAMES)


def test_a_model_that_is_not_deployed_takes_no_orders(aws: OneClient) -> None:
    aws.stub("ssm").add_client_error("get_parameter", "ParameterNotFound")
    with pytest.raises(WarmfoldError, match="deploy stack warmfold-prod-credit-delivery first"):
        read_orders(aws, NAMES)


@pytest.mark.parametrize("arn, version", [(f"{ARN}model-package/credit/12", 12), ("", None)])
def test_the_deployed_version_is_that_of_the_serving_stack(
    aws: OneClient, arn: str, version: int | None
) -> None:
    parameters = [{"ParameterKey": "ModelPackageArn", "ParameterValue": arn}]
    stack(aws, "warmfold-prod-credit-serving", Parameters=parameters)
    assert deployed_version(aws, NAMES) == version


def test_only_an_approved_version_is_pinned() -> None:
    versions = {2: "arn-2", 10: "arn-10"}
    assert require_approved(versions, 10, "credit") == "arn-10"
    for approved, known in ((versions, "2, 10"), ({}, "none")):
        with pytest.raises(WarmfoldError, match=rf"version 3 .*\(approved: {known}\)"):
            require_approved(approved, 3, "credit")


def test_a_version_is_a_number_or_the_latest() -> None:
    assert (version_or_latest("3"), version_or_latest("latest")) == (3, None)
    for text in ("0", "-1", "v3", "1.5", "", "٣"):
        with pytest.raises(argparse.ArgumentTypeError, match="is no version"):
            version_or_latest(text)


@pytest.mark.parametrize(
    "command", [["pin", "1"], ["pin", "latest"], ["rollback"], ["freeze"], ["unfreeze"]]
)
def test_every_command_needs_a_cloud(
    command: list[str], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_parser().parse_args(command).env == "local"
    assert run(["--state-dir", str(tmp_path), *command]) == 2
    assert "no local cloud is running" in capsys.readouterr().err


@pytest.mark.parametrize("text, version", [("off", None), ("4", 4)])
def test_a_shadow_is_a_version_or_off(text: str, version: int | None) -> None:
    assert version_or_off(text) == version
    with pytest.raises(argparse.ArgumentTypeError, match="or off"):
        version_or_off("latest")
