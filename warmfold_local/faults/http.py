"""Faults at the front door: requests throttled, answers lost, S3 slow or failing; and their API.

``POST /_warmfold/faults`` sets a fault (a JSON object, or a list of them), ``GET`` lists what is
set and what has fired, ``DELETE`` clears all, or one with ``?id=fault-1``. Like every request but
the health check they must be signed, with the instance's own key.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from warmfold_local.auth import HttpRequest
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.faults.hooks import FULL, throttle
from warmfold_local.faults.kinds import (
    AlarmFires,
    AnswerLost,
    DiskFull,
    Fault,
    S3Disturbed,
    Throttled,
    TimedFault,
)
from warmfold_local.faults.parse import parse
from warmfold_local.faults.registry import Faults
from warmfold_local.sagemaker.capacity import terminate_pool

logger = logging.getLogger("warmfold_local")

PATH = "/_warmfold/faults"

# AWS's Query protocol has another word for it than the JSON ones.
_QUERY_THROTTLE = "Throttling"

_S3_ERRORS = {
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "SlowDown": (503, "Please reduce your request rate."),
    "AccessDenied": (403, "Access Denied"),
}

Answer = tuple[int, dict[str, str], bytes]
Send = Callable[[Any], Awaitable[None]]


def administer(cloud: Cloud, request: HttpRequest) -> Answer:
    """Raises ``ServiceError`` for what is no valid request for faults."""
    if request.method == "GET":
        return _json(cloud.faults.listed())
    if request.method == "DELETE":
        identifiers = parse_qs(request.query_string).get("id", [None])
        return _json({"cleared": cloud.faults.clear(identifiers[0])})
    if request.method == "POST":
        wanted = _body(request.body)
        faults = [parse(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
        return _json({"ids": [_set(cloud, fault) for fault in faults]})
    raise ServiceError("MethodNotAllowed", "faults know GET, POST and DELETE", 405)


async def disturb(faults: Faults, service: str, request: HttpRequest, send: Send) -> Send:
    """How to answer a request. Waits, or raises ``ServiceError``, if it is to be disturbed."""
    if service == "s3":
        return await _disturb_s3(faults, request, send)
    if not faults.any_of(Throttled, AnswerLost):
        return send
    operation, query = _operation(request)
    if not operation:
        return send
    throttle(faults, operation, _QUERY_THROTTLE if query else "ThrottlingException")
    return _losing(faults, operation, send)


def _set(cloud: Cloud, fault: Fault) -> str:
    if isinstance(fault, DiskFull) and not FULL.is_char_device():  # macOS has no such device
        raise UnsupportedOperation(fault.kind, "fault")
    identifier = cloud.faults.add(fault)
    if isinstance(fault, TimedFault):
        cloud.spawn(f"{fault.kind} {identifier}", lambda: _happen(cloud, identifier, fault))
    return identifier


def _happen(cloud: Cloud, identifier: str, fault: TimedFault) -> None:
    if cloud.stopping.wait(fault.after_seconds) or not cloud.faults.is_set(identifier):
        return
    if isinstance(fault, AlarmFires):
        cloud.client("cloudwatch").set_alarm_state(
            AlarmName=fault.match, StateValue=fault.state, StateReason=f"set by {identifier}"
        )
    elif not terminate_pool(cloud, fault.match):
        logger.warning("%s: job %s has no pool that is Available", identifier, fault.match)
        return
    cloud.faults.fired(identifier, fault.match)


async def _disturb_s3(faults: Faults, request: HttpRequest, send: Send) -> Send:
    name = unquote(request.raw_path).lstrip("/")
    fault = faults.take(S3Disturbed, name, method=request.method)
    if fault is None:
        return send
    await asyncio.sleep(fault.delay_seconds)
    if fault.error == "BreaksOff":
        return _breaking_off(send)
    if fault.error is not None:
        status, text = _S3_ERRORS[fault.error]
        raise ServiceError(fault.error, text, status)
    return send


def _breaking_off(send: Send) -> Send:
    """A ``send`` that gives half of the first piece of the body, and never says that it is over:
    the server closes the connection."""
    over = False

    async def breaking(message: Any) -> None:
        nonlocal over
        if message["type"] == "http.response.start":
            await send(message)
        elif not over:
            over = True
            half = message["body"][: len(message["body"]) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})

    return breaking


def _operation(request: HttpRequest) -> tuple[str, bool]:
    """The operation that is called, empty if it is not named, and whether by the Query protocol."""
    target = request.headers.get("x-amz-target")
    if target is not None:
        return target.rpartition(".")[2], False
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        action = parse_qs(request.body.decode("latin-1")).get("Action", [""])
        return action[0], True
    return "", False


def _losing(faults: Faults, operation: str, send: Send) -> Send:
    """A ``send`` that loses the answer of an operation that succeeded, if that is due."""
    lost: AnswerLost | None = None

    async def losing(message: Any) -> None:
        nonlocal lost
        if message["type"] == "http.response.start" and message["status"] < 300:
            lost = faults.take(AnswerLost, operation)
            if lost is not None:
                await _lose(send, lost)
        if lost is None:
            await send(message)

    return losing


async def _lose(send: Send, fault: AnswerLost) -> None:
    """What the client sees instead: an error, or a connection that ends within the answer."""
    body = b'{"__type": "InternalFailure", "message": "the answer was lost"}'
    breaks_off = fault.how == "close"
    length = len(body) + (1 if breaks_off else 0)  # a byte is promised that never comes
    headers = [
        (b"content-type", b"application/x-amz-json-1.1"),
        (b"content-length", str(length).encode()),
        (b"connection", b"close"),
    ]
    status = 200 if breaks_off else 500
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": breaks_off})


def _body(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValidationError("the body is not JSON") from error


def _json(values: dict[str, Any]) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(values).encode()
