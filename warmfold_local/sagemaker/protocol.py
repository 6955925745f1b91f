"""AWS JSON 1.1: decode, validate as the service does, dispatch, encode.

SageMaker speaks it, and Application Auto Scaling; ``service`` is botocore's client name.
"""

import json
import logging
import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from warmfold_local.access.callers import authorise
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.capacity import throttle
from warmfold_local.sagemaker.members import refuse_members
from warmfold_shapes.constraints import Violation, service_model, violations

logger = logging.getLogger("warmfold_local")

Request = dict[str, Any]
Handler = Callable[[Cloud, Request], dict[str, Any] | None]

SAGEMAKER = "sagemaker"

_OPERATIONS: dict[tuple[str, str], Handler] = {}


def operation(name: str, service: str = SAGEMAKER) -> Callable[[Handler], Handler]:
    """Register the handler of one API operation, by its API name."""
    if name not in service_model(service).operation_names:
        raise ValueError(f"{service} has no operation {name}")

    def register(handler: Handler) -> Handler:
        _OPERATIONS[service, name] = handler
        return handler

    return register


def registered(service: str) -> list[str]:
    """The operations of a service that have a handler, by name."""
    return sorted(name for of, name in _OPERATIONS if of == service)


def call(cloud: Cloud, name: str, request: Request, service: str = SAGEMAKER) -> dict[str, Any]:
    """Validate, authorise and execute one operation, as ``cloud.identity``; also the way for parts
    of the cloud to call another.

    Raises ``ServiceError`` with the service's own code and text.
    """
    handler = _OPERATIONS.get((service, name))
    if handler is None:
        raise UnsupportedOperation(name)
    shape = service_model(service).operation_model(name).input_shape
    if shape is not None:
        broken = list(violations(shape, request))
        if broken:
            raise ValidationError(_validation_text(broken))
    request = _without_nulls(request)
    if service == SAGEMAKER:
        refuse_members(name, request)
    authorise(cloud, service, name, request)
    # What the caller was allowed to start is the service's own work.
    return handler(cloud.as_identity(None), request) or {}


def handle(
    cloud: Cloud, target: str, body: bytes, service: str = SAGEMAKER
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request; ``target`` is the header ``X-Amz-Target`` (``SageMaker.X``)."""
    name = target.rpartition(".")[2]
    try:
        request = _decode(body)
        throttle(cloud, service, name)
        output = call(cloud, name, request, service)
        cloud.commit()  # what an answer says is still so after a restart
        shape = service_model(service).operation_model(name).output_shape
        payload = json.dumps(encode(shape, output) if shape is not None else {})
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, payload.encode()
    except ServiceError as error:
        return error_response(error)
    except Exception:
        logger.exception("%s failed", name)
        return error_response(
            ServiceError("InternalFailure", f"{name} failed inside the local cloud", 500)
        )


def error_response(error: ServiceError) -> tuple[int, dict[str, str], bytes]:
    payload = json.dumps({"__type": error.code, "message": error.message})
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code}
    return error.status, headers, payload.encode()


def encode(shape: Shape, value: Any) -> Any:
    """Keep what the shape names; timestamps become epoch seconds."""
    if isinstance(shape, StructureShape):
        return {
            name: encode(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [encode(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: encode(shape.value, item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{shape.name} is {value}, which JSON cannot carry")
    return value


def _decode(body: bytes) -> Request:
    """Numbers that no AWS shape can hold, and text that is not Unicode, are no JSON here."""
    try:
        request = json.loads(
            body or b"{}", parse_float=_finite, parse_int=_int64, parse_constant=_finite
        )
        if rb"\ud" in body.lower():  # an escaped surrogate may stand alone
            json.dumps(request, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ServiceError("SerializationException", "request body is not JSON") from error
    if not isinstance(request, dict):
        raise ServiceError("SerializationException", "request body is not a JSON object")
    return request


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def _int64(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError("an integer beyond 64 bits")
    return value


def _without_nulls(value: Any) -> Any:
    """A copy in which a member that is null is absent, as it means the same (AWS JSON 1.1)."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _validation_text(broken: list[Violation]) -> str:
    noun = "error" if len(broken) == 1 else "errors"
    parts = [
        f"Value '{v.value if v.value is not None else 'null'}' at "
        f"'{v.path[:1].lower()}{v.path[1:]}' failed to satisfy constraint: {v.constraint}"
        for v in broken
    ]
    return f"{len(broken)} validation {noun} detected: " + "; ".join(parts)
