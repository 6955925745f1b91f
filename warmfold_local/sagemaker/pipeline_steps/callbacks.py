"""Callback steps: a message with a token goes to a queue, and the step waits for its answer.

Message and stop: "Callback step" (developer guide) and the API's StopPipelineExecution, which
says that an execution stops only once the consumer has answered. A step waits without limit.
"""

import json
import secrets
import string
import threading
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ResourceNotFound, ServiceError, ValidationError
from warmfold_local.sagemaker.pipeline_parameters import typed
from warmfold_local.sagemaker.pipeline_steps.base import (
    POLL_SECONDS,
    Outputs,
    StepFailedError,
    StepRun,
    StepStoppedError,
)

KIND = "Pipeline callback"
# botocore: CallbackToken, exactly ten letters and digits.
_TOKEN_LENGTH = 10
_CHARACTERS = string.ascii_letters + string.digits


@dataclass(eq=False, kw_only=True)
class Callback:
    """A step that waits. ``values`` are its outputs once it was answered with success."""

    execution_arn: str
    declared: list[dict[str, str]]
    answered: threading.Event = field(default_factory=threading.Event)
    values: Record = field(default_factory=dict)
    failure: str | None = None
    request_token: str | None = None


def wait_for_answer(run: StepRun) -> Outputs:
    """``{"OutputParameters": {name: value}}`` of the answer."""
    token = "".join(secrets.choice(_CHARACTERS) for _ in range(_TOKEN_LENGTH))
    arn = run.scope.execution("PipelineExecutionArn")
    callback = Callback(execution_arn=arn, declared=run.step.body.get("OutputParameters") or [])
    url = run.evaluate(run.step.body["SqsQueueUrl"])
    message = {"token": token, "pipelineExecutionArn": arn}
    message["arguments"] = run.evaluate(run.step.arguments)
    run.cloud.table(KIND).add(token, {"_callback": callback})
    try:
        run.announce({"Callback": {"CallbackToken": token, "SqsQueueUrl": url}})
        _send(run, url, message)
        _await(run, url, message, callback)
    finally:
        if not callback.answered.is_set():
            run.cloud.table(KIND).remove(token)
    if run.stopping.is_set():
        raise StepStoppedError
    if callback.failure is not None:
        raise StepFailedError(callback.failure)
    listed = [{"Name": name, "Value": value} for name, value in callback.values.items()]
    metadata = {"CallbackToken": token, "SqsQueueUrl": url, "OutputParameters": listed}
    run.announce({"Callback": metadata})
    return {"OutputParameters": _typed_outputs(callback)}


def succeed(cloud: Cloud, request: Record) -> str:
    """Take a step's outputs; the ARN of its execution."""
    given = {item["Name"]: item["Value"] for item in request.get("OutputParameters", [])}
    return _answer(cloud, request, given, None)


def fail(cloud: Cloud, request: Record) -> str:
    """End a step as failed; the ARN of its execution."""
    reason = request.get("FailureReason", "The callback failed without a reason.")
    return _answer(cloud, request, {}, reason)


def _answer(cloud: Cloud, request: Record, values: Record, failure: str | None) -> str:
    """A repeated ``ClientRequestToken`` changes nothing; a second answer is a conflict.

    Raises ``ValidationError`` if outputs are missing, unknown or of another type than declared,
    and the step goes on waiting (what the service does then is not documented).
    """
    record = cloud.table(KIND).find(request["CallbackToken"])
    if record is None or "_callback" not in record:  # or it waited in an earlier life of the cloud
        raise ResourceNotFound(f"Callback token {request['CallbackToken']} does not exist.")
    callback: Callback = record["_callback"]
    request_token = request.get("ClientRequestToken")
    with cloud.lock:
        if callback.answered.is_set():
            if request_token is not None and request_token == callback.request_token:
                return callback.execution_arn
            text = f"The step of callback token {request['CallbackToken']} was answered already."
            raise ServiceError("ConflictException", text)
        if failure is None:
            _require_declared(callback, values)
        callback.values, callback.failure = values, failure
        callback.request_token = request_token
        callback.answered.set()
    return callback.execution_arn


def _await(run: StepRun, url: str, message: Record, callback: Callback) -> None:
    told = False
    while not callback.answered.wait(POLL_SECONDS):
        if run.cloud.stopping.is_set():
            raise StepStoppedError
        if run.stopping.is_set() and not told:
            _send(run, url, {**message, "status": "Stopping"})
            told = True


def _send(run: StepRun, url: str, message: Record) -> None:
    try:
        run.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message))
    except (ClientError, BotoCoreError) as error:
        raise StepFailedError(f"ClientError: Failed to send a message to {url}: {error}") from error


def _require_declared(callback: Callback, values: Record) -> None:
    names = [item["OutputName"] for item in callback.declared]
    faults = [f"{name} is missing" for name in names if name not in values]
    faults += [f"{name} is not declared by the step" for name in values if name not in names]
    if not faults:
        try:
            _typed_outputs_of(callback.declared, values)
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValidationError("Invalid output parameters: " + "; ".join(faults))


def _typed_outputs(callback: Callback) -> dict[str, Any]:
    return _typed_outputs_of(callback.declared, callback.values)


def _typed_outputs_of(declared: list[dict[str, str]], values: Record) -> dict[str, Any]:
    """Raises ``ValueError`` for a text that is not of the declared type."""
    outputs = {}
    for item in declared:
        name = item["OutputName"]
        try:
            outputs[name] = typed(values[name], item["OutputType"])
        except ValueError as error:
            raise ValueError(f"{name} {error}") from error
    return outputs
