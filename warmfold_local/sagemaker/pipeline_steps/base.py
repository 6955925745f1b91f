"""What executors are given, and how a step's end is told."""

import secrets
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ServiceError, UnsupportedOperation
from warmfold_local.faults.hooks import throttle
from warmfold_local.sagemaker.expressions import ExpressionError, Scope, evaluate
from warmfold_local.sagemaker.graph import Step
from warmfold_local.sagemaker.protocol import call, encode
from warmfold_shapes.constraints import service_model

Outputs = Mapping[str, Any]

# How often the record of a job is looked at.
POLL_SECONDS = 0.05

# The exception types of a retry policy (developer guide, "Retry policy for pipeline steps").
SERVICE_FAULT = "Step.SERVICE_FAULT"
THROTTLING = "Step.THROTTLING"
JOB_INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"

_SUFFIX = string.ascii_letters + string.digits
_SUFFIX_LENGTH = 10


class StepFailedError(Exception):
    """The step has failed. ``retry_as`` is the exception type that a retry policy may name."""

    def __init__(self, reason: str, retry_as: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_as = retry_as


class StepTimedOutError(StepFailedError):
    """A Lambda step gave up waiting: also an execution that is being stopped has then failed."""


class StepStoppedError(Exception):
    """The step ended because the execution is being stopped."""


@dataclass(frozen=True, kw_only=True)
class StepRun:
    """One step of one execution. ``record`` is what ListPipelineExecutionSteps answers of it."""

    cloud: Cloud
    step: Step
    scope: Scope
    execution_id: str
    stopping: threading.Event
    record: Record

    def evaluate(self, value: Any) -> Any:
        """Raises ``StepFailedError`` if an expression cannot be resolved."""
        try:
            return evaluate(value, self.scope)
        except ExpressionError as error:
            raise StepFailedError(f"ClientError: {error}") from error

    def announce(self, metadata: Record) -> None:
        """Set the step's ``Metadata``."""
        with self.cloud.lock:
            self.record["Metadata"] = metadata

    def pause(self, seconds: float) -> None:
        """Wait; raises ``StepStoppedError`` once the execution or the cloud is being stopped."""
        if self.stopping.wait(seconds) or self.cloud.stopping.is_set():
            raise StepStoppedError

    def resource_name(self, limit: int) -> str:
        """A new name for the resource that the step makes, at most ``limit`` characters long.

        ``pipelines-<execution>-<step>-<10 characters>``; where that leaves no room for the step's
        name, as in a tuning job's 32, ``pipelines-`` is left out.
        """
        suffix = "".join(secrets.choice(_SUFFIX) for _ in range(_SUFFIX_LENGTH))
        step = self.step.name.replace("_", "-")
        prefix = f"pipelines-{self.execution_id}-"
        room = limit - len(prefix) - _SUFFIX_LENGTH - 1
        if room < 1:
            prefix = f"{self.execution_id}-"
            room = limit - len(prefix) - _SUFFIX_LENGTH - 1
        return f"{prefix}{step[:room]}-{suffix}"


Executor = Callable[[StepRun], Outputs]


def invoke(operation: str, request: Record, cloud: Cloud) -> Record:
    """Call a SageMaker operation for a step. Raises ``StepFailedError`` with the service's text."""
    try:
        if not operation.startswith(("Describe", "List")):  # a look at a running job is repeated
            throttle(cloud.faults, operation)
        return call(cloud, operation, request)
    except ServiceError as error:
        reason = (
            f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}"
        )
        raise StepFailedError(reason, _retry_as(error)) from error


def described(operation: str, request: Record, cloud: Cloud) -> Record:
    """What the operation answers, as a client would see it."""
    shape = service_model("sagemaker").operation_model(operation).output_shape
    answer = invoke(operation, request, cloud)
    if shape is None:
        return {}
    with cloud.lock:
        seen: Record = encode(shape, answer)
    return seen


def _retry_as(error: ServiceError) -> str | None:
    if isinstance(error, UnsupportedOperation):
        return None  # it will never succeed, although it is answered as a server's error
    if error.code in ("ThrottlingException", "Throttling"):
        return THROTTLING
    if error.code == "ResourceLimitExceeded":
        return RESOURCE_LIMIT
    return SERVICE_FAULT if error.status >= 500 else None
