"""Answering CloudFormation for a custom resource, whatever happens.

A function that does not answer leaves the stack waiting for its ``ServiceTimeout``: up to an hour.
CloudFormation user guide, "Custom resource request and response objects".
"""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from warmfold_lambda.errors import InputError, LambdaError
from warmfold_lambda.log import Log, TimedContext

Kind = Literal["Create", "Update", "Delete"]
Properties = Mapping[str, Any]

# What remains of the function's time when CloudFormation is told that it was too short.
_MARGIN_SECONDS = 15.0
_PUT_TIMEOUT_SECONDS = 4.0
_PUT_ATTEMPTS = 3
# The whole answer may have 4096 bytes; a letter may become 6 of them in JSON.
_REASON_LIMIT = 400
_OWN_PROPERTIES = ("ServiceToken", "ServiceTimeout")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What CloudFormation asks for.

    ``properties`` hold maps, lists and texts: numbers and booleans arrive as text.
    ``old_properties`` are empty but for an ``Update``; in a rollback they are those that failed.
    """

    kind: Kind
    stack_id: str
    logical_id: str
    properties: Properties
    old_properties: Properties = field(default_factory=lambda: MappingProxyType({}))


# Does what is asked for and returns the attributes that ``Fn::GetAtt`` finds; an exception is the
# resource's failure. It may be called again for the same request, and for a Delete of what was
# never created: both must do no harm.
Work = Callable[[Request], Mapping[str, str]]


def answered(event: Mapping[str, Any], context: TimedContext, log: Log, work: Work) -> None:
    """Do ``work`` and tell CloudFormation how it went, also if it fails or takes too long.

    The physical id is the stack's and the resource's name and never changes, so that CloudFormation
    never replaces the resource, which would send a Delete for the old id after every Update.
    Raises what ``work`` raised, but ``LambdaError``, and ``OSError`` if CloudFormation cannot be
    told: Lambda logs it in full and counts an error. It must not try again: a second attempt, a
    minute later, would do the work of a stack that has gone back since.
    """
    request = _request(event)
    answer = _Answer(event, log)
    seconds = context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
    watch = threading.Timer(max(seconds, 0.0), answer.fail, ["The function ran out of time"])
    watch.daemon = True
    watch.start()
    try:
        data = work(request)
    except LambdaError as error:
        answer.fail(str(error))
    except Exception as error:
        answer.fail(f"{type(error).__name__}: {error}")
        raise
    else:
        answer.succeed(data)
    finally:
        watch.cancel()


class _Answer:
    """The one answer to a request: the first that is given counts."""

    def __init__(self, event: Mapping[str, Any], log: Log) -> None:
        self._event, self._log = event, log
        self._lock = threading.Lock()
        self._given = False

    def succeed(self, data: Mapping[str, str]) -> None:
        self._give({"Status": "SUCCESS", "Data": dict(data)})

    def fail(self, reason: str) -> None:
        self._log.warning("custom_resource_refused", reason=reason)
        self._give({"Status": "FAILED", "Reason": reason[:_REASON_LIMIT]})

    def _give(self, members: dict[str, Any]) -> None:
        with self._lock:
            if self._given:
                return
            event = self._event
            same = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
            answer = {**same, "PhysicalResourceId": _physical_id(event), **members}
            _put(event["ResponseURL"], json.dumps(answer).encode())
            self._given = True


def _physical_id(event: Mapping[str, Any]) -> str:
    given = event.get("PhysicalResourceId")
    # arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID
    stack = event["StackId"].split("/")[1]
    return str(given) if given else f"{stack}/{event['LogicalResourceId']}"


def _put(url: str, body: bytes) -> None:
    """The URL is signed for a request without a content type, and is a secret: it is not logged."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise InputError("ResponseURL is not an http or https URL")
    request = urllib.request.Request(  # noqa: S310 - checked above
        url, data=body, method="PUT", headers={"Content-Type": ""}
    )
    for attempt in range(1, _PUT_ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=_PUT_TIMEOUT_SECONDS):  # noqa: S310
                return
        except OSError as error:
            refused = isinstance(error, urllib.error.HTTPError) and error.code < 500
            if refused or attempt == _PUT_ATTEMPTS:
                raise
            time.sleep(attempt / 2)


def _request(event: Mapping[str, Any]) -> Request:
    names = ("RequestType", "StackId", "RequestId", "LogicalResourceId", "ResponseURL")
    missing = [name for name in names if not isinstance(event.get(name), str)]
    if missing:
        raise InputError(f"not an event of CloudFormation: {', '.join(missing)} missing")
    return Request(
        kind=event["RequestType"],
        stack_id=event["StackId"],
        logical_id=event["LogicalResourceId"],
        properties=_own(event.get("ResourceProperties")),
        old_properties=_own(event.get("OldResourceProperties")),
    )


def _own(properties: Properties | None) -> Properties:
    """Without what CloudFormation reads itself."""
    members = {} if properties is None else properties
    return {name: value for name, value in members.items() if name not in _OWN_PROPERTIES}
