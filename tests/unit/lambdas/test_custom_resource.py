"""CloudFormation is answered once, whatever happens to the work."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.unit.http_server import Quiet, http_server
from tests.unit.lambdas.aids import LOG, log_lines
from warmfold_lambda.custom_resource import Request, Work, answered
from warmfold_lambda.errors import InputError, LambdaError

STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/serving/1a2b"


@dataclass
class CloudFormation:
    """Takes answers; the first ``failures`` of them it refuses with ``status``."""

    url: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)
    failures: int = 0
    status: int = 503

    def event(self, kind: str = "Create", **members: Any) -> dict[str, Any]:
        properties = {"ServiceToken": "arn", "ServiceTimeout": "900", "Stage": "after"}
        return {
            "RequestType": kind,
            "RequestId": "request-7",
            "ResponseURL": self.url,
            "StackId": STACK,
            "ResourceType": "Custom::Thing",
            "LogicalResourceId": "After",
            "ResourceProperties": properties,
            **members,
        }

    def put(self, body: bytes, content_type: str | None) -> int:
        if self.failures:
            self.failures -= 1
            return self.status
        self.answers.append(json.loads(body))
        self.content_types.append(content_type)
        return 200


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    service = CloudFormation()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(service.put(body, self.headers["Content-Type"]))
            self.end_headers()

    with http_server(Handler) as address:
        service.url = f"{address}/answer?signature=secret"
        yield service


@dataclass(frozen=True)
class Invocation:
    milliseconds: int = 60_000
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def run(event: Mapping[str, Any], work: Work, context: Invocation | None = None) -> None:
    answered(event, Invocation() if context is None else context, LOG, work)


def nothing(_request: Request) -> dict[str, str]:
    return {}


def test_success_is_told_with_the_attributes(cloudformation: CloudFormation) -> None:
    asked: list[Request] = []

    def work(request: Request) -> dict[str, str]:
        asked.append(request)
        return {"Name": "made"}

    old = {"ServiceToken": "arn", "Stage": "before"}
    event = cloudformation.event("Update", PhysicalResourceId="old", OldResourceProperties=old)
    run(event, work)
    assert cloudformation.answers == [
        {
            "Status": "SUCCESS",
            "Data": {"Name": "made"},
            "StackId": STACK,
            "RequestId": "request-7",
            "LogicalResourceId": "After",
            "PhysicalResourceId": "old",
        }
    ]
    assert cloudformation.content_types == [""]  # the URL is signed for a request without one
    (request,) = asked
    assert (request.kind, request.stack_id, request.logical_id) == ("Update", STACK, "After")
    assert (request.properties, request.old_properties) == ({"Stage": "after"}, {"Stage": "before"})


def test_a_new_resource_is_called_by_its_stack_and_its_own_name(
    cloudformation: CloudFormation,
) -> None:
    run(cloudformation.event(), nothing)
    assert cloudformation.answers[0]["PhysicalResourceId"] == "serving/After"


def test_a_mistake_is_told_in_its_own_words(
    cloudformation: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(_request: Request) -> dict[str, str]:
        raise LambdaError("the endpoint is still Updating: deploy again")

    run(cloudformation.event(), work)
    (answer,) = cloudformation.answers
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "serving/After")
    assert answer["Reason"] == "the endpoint is still Updating: deploy again"
    (line,) = log_lines(capsys.readouterr)
    assert (line["level"], line["event"]) == ("WARNING", "custom_resource_refused")
    assert "secret" not in str(line)


def test_our_own_fault_is_told_and_raised(cloudformation: CloudFormation) -> None:
    def work(_request: Request) -> dict[str, str]:
        raise KeyError("x" * 5000)

    with pytest.raises(KeyError):
        run(cloudformation.event("Delete", PhysicalResourceId="p"), work)
    (answer,) = cloudformation.answers
    assert answer["Reason"].startswith("KeyError: 'xxx")
    assert len(json.dumps(answer)) < 4096


def test_work_that_takes_too_long_is_told_before_the_function_ends(
    cloudformation: CloudFormation,
) -> None:
    def work(_request: Request) -> dict[str, str]:
        while not cloudformation.answers:
            time.sleep(0.01)
        return {}

    run(cloudformation.event(), work, Invocation(milliseconds=15_050))
    (answer,) = cloudformation.answers
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "The function ran out of time")


def test_an_answer_that_does_not_arrive_is_given_again(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    cloudformation.failures = 2
    run(cloudformation.event(), nothing)
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


@pytest.mark.parametrize("status, failures", [(503, 3), (403, 1)])
def test_cloudformation_that_cannot_be_told_is_an_error(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, status: int, failures: int
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    cloudformation.failures, cloudformation.status = failures, status
    with pytest.raises(OSError, match=str(status)):
        run(cloudformation.event(), nothing)
    assert cloudformation.failures == 0  # a refusal is not tried again


def test_only_a_web_address_is_answered(cloudformation: CloudFormation) -> None:
    with pytest.raises(InputError, match="not an http"):
        run(cloudformation.event(ResponseURL="file:///etc/passwd"), nothing)


def test_an_event_of_another_kind_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(InputError, match="RequestType, StackId, RequestId, LogicalResourceId"):
        run({"reconcile": True}, nothing)
