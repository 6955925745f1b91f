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

from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
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


def call(cloud: Cloud, name: str, request: Request, service: str = SAGEMAKER) -> dict[str, Any]:
    """Validate and execute one operation; also the way for parts of the cloud to call another.

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
    return handler(cloud, request) or {}


def handle(
    cloud: Cloud, target: str, body: bytes, service: str = SAGEMAKER
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request; ``target`` is the header ``X-Amz-Target`` (``SageMaker.X``)."""
    name = target.rpartition(".")[2]
    try:
        request = _decode(body)
        output = call(cloud, name, request, service)
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
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise ServiceError("SerializationException", "request body is not JSON") from error
    if not isinstance(request, dict):
        raise ServiceError("SerializationException", "request body is not a JSON object")
    return request


def _validation_text(broken: list[Violation]) -> str:
    noun = "error" if len(broken) == 1 else "errors"
    parts = [
        f"Value '{v.value if v.value is not None else 'null'}' at "
        f"'{v.path[:1].lower()}{v.path[1:]}' failed to satisfy constraint: {v.constraint}"
        for v in broken
    ]
    return f"{len(broken)} validation {noun} detected: " + "; ".join(parts)
