"""What the Lambda tests share: recorded events, stubbed boto3 clients, a captured log."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.stub import Stubber

from tests.sessions import shared_session
from warmfold_lambda.clients import CONFIG
from warmfold_lambda.log import Log

EVENTS = Path(__file__).parents[2] / "events"
LOG = Log("under_test", "request-1")


@dataclass(frozen=True)
class Invocation:
    """The part of Lambda's context object that the handlers use."""

    aws_request_id: str = "request-1"


def event(name: str) -> dict[str, Any]:
    """A recorded event of ``tests/events``, by its file name without ``.json``."""
    values: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return values


@dataclass
class Stub:
    """A boto3 client whose requests and answers are held against the service's shapes."""

    service: str
    client: Any = field(init=False)
    stubber: Stubber = field(init=False)

    def __post_init__(self) -> None:
        self.client = shared_session().client(
            self.service,  # type: ignore[call-overload]
            config=CONFIG,
        )
        self.stubber = Stubber(self.client)

    def answers(self, operation: str, answer: dict[str, Any], **request: Any) -> None:
        self.stubber.add_response(operation, answer, request or None)

    def refuses(self, operation: str, code: str, message: str, **request: Any) -> None:
        self.stubber.add_client_error(operation, code, message, expected_params=request or None)


@contextmanager
def playing(*stubs: Stub) -> Iterator[None]:
    """Activate the stubs; on leaving, every expected call must have been made."""
    for stub in stubs:
        stub.stubber.activate()
    yield
    for stub in stubs:
        stub.stubber.assert_no_pending_responses()


def log_lines(read: Callable[[], Any]) -> list[dict[str, Any]]:
    """The log's lines, out of pytest's ``capsys.readouterr``."""
    return [json.loads(line) for line in read().out.splitlines()]
