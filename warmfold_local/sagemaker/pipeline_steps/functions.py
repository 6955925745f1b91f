"""Lambda steps: invoke a function with the step's arguments, take its declared outputs."""

import json
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from warmfold_local.sagemaker.expressions import text
from warmfold_local.sagemaker.pipeline_definition import is_of_type
from warmfold_local.sagemaker.pipeline_steps.base import (
    Outputs,
    StepFailedError,
    StepRun,
    StepTimedOutError,
)

# "Lambda step": the default time-out; the function itself goes on when the step gives up.
TIMEOUT_SECONDS = 120.0
_VALUE_LIMIT = 1024  # characters of an output (botocore, OutputParameter)


def invoke_function(run: StepRun, timeout_seconds: float = TIMEOUT_SECONDS) -> Outputs:
    """``{"OutputParameters": {name: value}}``. Stopping the execution waits for the function."""
    arn = run.step.body["FunctionArn"]
    payload = json.dumps(run.evaluate(run.step.arguments)).encode()
    run.announce({"Lambda": {"Arn": arn}})
    result = _result(arn, _call(run, arn, payload, timeout_seconds))
    declared = run.step.body.get("OutputParameters") or []
    outputs = {item["OutputName"]: _output(result, item, arn) for item in declared}
    listed = [{"Name": name, "Value": text(value)} for name, value in outputs.items()]
    run.announce({"Lambda": {"Arn": arn, "OutputParameters": listed}})
    return {"OutputParameters": outputs}


def _call(run: StepRun, arn: str, payload: bytes, timeout_seconds: float) -> Mapping[str, Any]:
    answer: Future[Mapping[str, Any]] = Future()

    def work() -> None:
        try:
            found = run.cloud.client("lambda").invoke(FunctionName=arn, Payload=payload)
            answer.set_result({**found, "Payload": found["Payload"].read()})
        except (ClientError, BotoCoreError) as error:
            answer.set_exception(StepFailedError(f"ClientError: Failed to invoke {arn}: {error}"))
        except Exception as error:
            # Handed to the step's own thread, which waits for it, and raises it there.
            answer.set_exception(error)
            raise

    run.cloud.spawn(f"lambda step {run.step.name}", work)
    try:
        return answer.result(timeout_seconds)
    except TimeoutError as error:
        raise StepTimedOutError(
            f"ClientError: Lambda function {arn} did not answer within {timeout_seconds:g} "
            "seconds; it may still be running"
        ) from error


def _result(arn: str, answer: Mapping[str, Any]) -> Any:
    try:
        result = json.loads(answer["Payload"] or b"null")
    except ValueError as error:
        raise StepFailedError(f"ClientError: Lambda function {arn} did not return JSON") from error
    if answer.get("FunctionError"):
        details = result if isinstance(result, dict) else {}
        kind = details.get("errorType", answer["FunctionError"])
        message = details.get("errorMessage", "the function ended without a message")
        raise StepFailedError(f"ClientError: Lambda function {arn} failed: {kind}: {message}")
    return result


def _output(result: Any, declared: Mapping[str, str], arn: str) -> Any:
    name, kind = declared["OutputName"], declared["OutputType"]
    if not isinstance(result, dict) or name not in result:
        raise StepFailedError(f"ClientError: Lambda function {arn} returned no output {name!r}")
    value = result[name]
    if not is_of_type(value, kind):
        raise StepFailedError(
            f"ClientError: output {name!r} of Lambda function {arn} is not of type {kind}"
        )
    if len(text(value)) > _VALUE_LIMIT:
        raise StepFailedError(
            f"ClientError: output {name!r} of Lambda function {arn} is longer than "
            f"{_VALUE_LIMIT} characters"
        )
    return value
