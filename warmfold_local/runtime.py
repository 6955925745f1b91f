"""SageMaker Runtime: InvokeEndpoint, handed on to one server of the endpoint's fleet."""

import contextlib
import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from warmfold_local.access.callers import authorise
from warmfold_local.cloud import Cloud, Record
from warmfold_local.data_capture import Exchange, Payload
from warmfold_local.endpoint_metrics import EndpointMetrics
from warmfold_local.errors import ServiceError
from warmfold_local.faults.hooks import InvocationTerms, invocation_terms
from warmfold_local.sagemaker.deployments import Variants, serving
from warmfold_local.sagemaker.endpoints import KIND
from warmfold_local.sagemaker.fleet import Fleet, Server
from warmfold_local.shadow_traffic import ShadowTraffic

# The API model's own limit (botocore: sagemaker-runtime BodyBlob), also for the answer.
PAYLOAD_LIMIT_BYTES = 6_291_456

_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the "
    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)

# ModelError's messages are cut at this many characters (botocore: Message).
_MESSAGE_LIMIT = 2048

_CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"

# "all other POST headers are stripped" (hosting, developer guide).
_FORWARDED = ("Content-Type", "Accept", _CUSTOM_ATTRIBUTES, _INFERENCE_ID)

# A header value of an invocation is at most 1,024 ASCII characters (botocore: Header).
_HEADER_LIMIT = 1024

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One request; ``headers`` have lower-case names."""

    endpoint: str
    headers: Mapping[str, str]
    body: bytes


class _ModelError(ServiceError):
    """The container failed, or answered other than 2xx."""

    def __init__(self, message: str, status: int, original: str, log_stream_arn: str) -> None:
        super().__init__("ModelError", message, 424)
        self.status_code = status
        self.original = original
        self.log_stream_arn = log_stream_arn


class _Deadline:
    """Ends an exchange as a whole: a socket's own time-out begins anew with every byte."""

    def __init__(self, connection: http.client.HTTPConnection, seconds: float) -> None:
        self.over = False
        self._connection = connection
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def start(self) -> None:
        """Once there is a connection."""
        self._socket = self._connection.sock
        self._timer.start()

    def cancel(self) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.over = True
        with contextlib.suppress(OSError):  # it has just ended by itself
            self._socket.shutdown(socket.SHUT_RDWR)


def invoke(cloud: Cloud, invocation: Invocation) -> Answer:
    """Answer one InvokeEndpoint; blocks for as long as the container takes (60 seconds)."""
    try:
        return _invoke(cloud, invocation)
    except ServiceError as error:
        return _error(error)


def _invoke(cloud: Cloud, invocation: Invocation) -> Answer:
    _require_valid(invocation)
    authorise(cloud, "sagemaker-runtime", "InvokeEndpoint", {"EndpointName": invocation.endpoint})
    record = cloud.table(KIND).find(invocation.endpoint)
    fleet, variants = (None, []) if record is None else serving(record)
    if record is None or fleet is None:
        account = cloud.settings.account
        raise ServiceError(
            "ValidationError", f"Endpoint {invocation.endpoint} of account {account} not found."
        )
    wanted = invocation.headers.get("x-amzn-sagemaker-target-variant")
    server = _pick(record, fleet, variants, wanted)
    _copy_to_shadow(cloud, invocation, fleet)
    # Faults that are asked for are the answering variant's.
    terms = partial(invocation_terms, cloud.faults, invocation.endpoint)
    return _measured(cloud, invocation, server, terms)


def _copy_to_shadow(cloud: Cloud, invocation: Invocation, fleet: Fleet) -> None:
    """By the ratio of the two variants' weights; nobody waits for the shadow's answer."""
    (production, *_) = fleet.config["ProductionVariants"]
    for shadow in fleet.config.get("ShadowProductionVariants") or ():
        weight = production["InitialVariantWeight"]
        if random.random() * weight < shadow["InitialVariantWeight"]:  # noqa: S311 (a sample)
            server = fleet.shadows[shadow["VariantName"]]
            cloud.part(ShadowTraffic).send(partial(_ask_shadow, cloud, invocation, server))


def _ask_shadow(cloud: Cloud, invocation: Invocation, server: Server) -> None:
    with contextlib.suppress(_ModelError):  # its metrics say so
        _measured(cloud, invocation, server, InvocationTerms)


def _measured(
    cloud: Cloud, invocation: Invocation, server: Server, terms_of: Callable[[], InvocationTerms]
) -> Answer:
    """One invocation of the model's container, for CloudWatch and data capture too."""
    invoked = partial(cloud.part(EndpointMetrics).invoked, invocation.endpoint, server.variant)
    started, asked_at = time.perf_counter(), cloud.now()
    try:
        terms = terms_of()
        if terms.status is not None:
            text = "a fault that was asked for"
            raise _model_error(cloud, invocation.endpoint, terms.status, text)
        answer = _forward(cloud, invocation, server, terms.limit_seconds)
    except _ModelError as error:
        invoked(model_seconds=time.perf_counter() - started, status=error.status_code)
        raise
    invoked(model_seconds=time.perf_counter() - started, status=answer[0])
    if server.capture is not None:
        server.capture.note(_exchange(asked_at, invocation, answer))
    return answer


def _exchange(asked_at: datetime, invocation: Invocation, answer: Answer) -> Exchange:
    _, headers, body = answer
    asked = invocation.headers
    return Exchange(
        time=asked_at,
        request=Payload(content_type=asked.get("content-type", ""), body=invocation.body),
        response=Payload(content_type=headers.get("Content-Type", ""), body=body),
        custom_attributes=asked.get(_CUSTOM_ATTRIBUTES.lower()),
        inference_id=asked.get(_INFERENCE_ID.lower()),
    )


def _require_valid(invocation: Invocation) -> None:
    if len(invocation.body) > PAYLOAD_LIMIT_BYTES:
        raise ServiceError(
            "ValidationError",
            f"1 validation error detected: Value at 'body' failed to satisfy constraint: Member "
            f"must have length less than or equal to {PAYLOAD_LIMIT_BYTES}",
        )
    for name in _FORWARDED:
        value = invocation.headers.get(name.lower(), "")
        if len(value) > _HEADER_LIMIT or not value.isascii():
            raise ServiceError(
                "ValidationError",
                f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
                f"Member must be at most {_HEADER_LIMIT} ASCII characters",
            )


def _pick(record: Record, fleet: Fleet, variants: Variants, wanted: str | None) -> Server:
    """The variant asked for, or one by weight."""
    if wanted is not None:
        if wanted not in fleet.servers:
            raise ServiceError(
                "ValidationError",
                f"Variant {wanted} of endpoint {record['EndpointName']} not found.",
            )
        return fleet.servers[wanted]
    weights = [variant["CurrentWeight"] for variant in variants]
    if not any(weights):
        raise ServiceError("ServiceUnavailable", "Every variant of the endpoint has weight 0.", 503)
    chosen = random.choices(variants, weights)[0]["VariantName"]  # noqa: S311 (traffic split)
    return fleet.servers[chosen]


def _forward(cloud: Cloud, invocation: Invocation, server: Server, limit_seconds: float) -> Answer:
    connection = server.container.connection(limit_seconds)
    headers = {
        name: invocation.headers[name.lower()]
        for name in _FORWARDED
        if name.lower() in invocation.headers
    }
    deadline = _Deadline(connection, limit_seconds)
    try:
        connection.connect()
        deadline.start()
        connection.request("POST", "/invocations", body=invocation.body, headers=headers)
        response = connection.getresponse()
        body = response.read(PAYLOAD_LIMIT_BYTES + 1)
        if deadline.over or (response.length and len(body) <= PAYLOAD_LIMIT_BYTES):
            raise http.client.IncompleteRead(body, response.length)
    except (OSError, http.client.HTTPException) as error:
        if deadline.over or isinstance(error, TimeoutError):
            raise _model_error(cloud, invocation.endpoint, 0, _TIMED_OUT) from error
        text = f"the container broke the connection ({type(error).__name__})"
        code = server.exit_code
        text += "" if code is None else f"; it has ended with exit code {code}"
        raise _model_error(cloud, invocation.endpoint, 500, text) from error
    finally:
        deadline.cancel()
        connection.close()
    if not 200 <= response.status < 300:
        original = body.decode("utf-8", "replace")
        raise _model_error(cloud, invocation.endpoint, response.status, original)
    if len(body) > PAYLOAD_LIMIT_BYTES:
        raise _model_error(cloud, invocation.endpoint, 500, "the response is over the limit")
    return 200, _answer_headers(response, server), body


def _answer_headers(response: http.client.HTTPResponse, server: Server) -> dict[str, str]:
    headers = {"x-Amzn-Invoked-Production-Variant": server.variant}
    for name in ("Content-Type", _CUSTOM_ATTRIBUTES):
        value = response.getheader(name)
        if value is not None:
            headers[name] = value
    return headers


def _model_error(cloud: Cloud, endpoint: str, status: int, original: str) -> _ModelError:
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    arn = cloud.arn(f"log-group:{group}", service="logs")
    original = original[:_MESSAGE_LIMIT]
    message = (
        f'Received {side} error ({status}) from primary with message "{original}". '
        f"See the log of endpoint {endpoint} for more information."
    )
    return _ModelError(message[:_MESSAGE_LIMIT], status, original, arn)


def _error(error: ServiceError) -> Answer:
    """rest-json: the code in a header, members in the body."""
    members: dict[str, object] = {"Message": error.message}
    if isinstance(error, _ModelError):
        members |= {
            "OriginalStatusCode": error.status_code,
            "OriginalMessage": error.original,
            "LogStreamArn": error.log_stream_arn,
        }
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps(members).encode()
