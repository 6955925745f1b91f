"""Sends probes: while a deployment bakes, the alarms that could end it see more than silence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from warmfold_lambda.clients import client
from warmfold_lambda.environment import read_environment
from warmfold_lambda.log import Context, Log

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# What the model server takes for one row without any value (warmfold_server, service.PROBE): the
# prober knows no columns, and holds no data.
PROBE = "warmfold-probe"

# InvokeEndpoint answers ValidationError for an endpoint that does not exist (no narrower code).
_NO_ENDPOINT = "not found"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``probes`` are sent one after the other at each invocation."""

    endpoint_name: str
    probes: int


def handle(_event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answers how many probes were answered and how many failed."""
    environment = read_environment(Environment)
    log = Log("probe_endpoint", context.aws_request_id)
    return probe(environment, client("sagemaker-runtime"), log)


def probe(environment: Environment, runtime: SageMakerRuntimeClient, log: Log) -> dict[str, Any]:
    """A probe that the model fails is a warning; that there is no endpoint yet is none.

    Any other refusal of AWS's is raised: the prober itself is broken then.
    """
    seen: Counter[str] = Counter()
    reason = ""
    for _ in range(environment.probes):
        outcome, said = _sent(runtime, environment.endpoint_name)
        seen[outcome] += 1
        reason = said or reason
        if outcome == "absent":
            break
    name = environment.endpoint_name
    if seen["failed"]:
        log.warning("probes_failed", endpoint_name=name, failures=seen["failed"], reason=reason)
    return {"answered": seen["answered"], "failed": seen["failed"]}


def _sent(runtime: SageMakerRuntimeClient, endpoint: str) -> tuple[str, str]:
    """``answered``, ``failed`` with the model's words, or ``absent``."""
    try:
        runtime.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="application/json",
            Accept="application/json",
            CustomAttributes=PROBE,
            Body=b"{}",
        )
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "ModelError":
            return "failed", message
        if code == "ValidationError" and _NO_ENDPOINT in message:
            return "absent", ""
        raise
    return "answered", ""
