"""Sends probes: while a deployment bakes, the alarms that could end it see more than silence."""

from __future__ import annotations

import math
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

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
# What a model in trouble is answered with; every code of 5xx counts as well.
_FAILURES = ("ModelError", "ModelNotReadyException")
_SERVER_ERROR = 500

# A probe is sent once: one that is tried again hides what it is to find.
_CONNECT_SECONDS, _READ_SECONDS = 2, 5
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=_CONNECT_SECONDS,
    read_timeout=_READ_SECONDS,
)
# A round ends within the function's 50 s, even if nothing is answered: that is its worst case.
ROUND_SECONDS = 42
SLOWEST_SECONDS = _CONNECT_SECONDS + _READ_SECONDS


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``probes`` are sent at each invocation."""

    endpoint_name: str
    probes: int


def handle(_event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answers how many probes were answered and how many failed."""
    environment = read_environment(Environment)
    log = Log("probe_endpoint", context.aws_request_id)
    return probe(environment, client("sagemaker-runtime", CONFIG), log)


def probe(environment: Environment, runtime: SageMakerRuntimeClient, log: Log) -> dict[str, Any]:
    """A probe that fails, or that nobody answers, is a warning; that there is no endpoint is none.

    Any other refusal of AWS's is raised: the prober itself is broken then.
    """
    name, absent = environment.endpoint_name, threading.Event()

    def send(_: int) -> tuple[str, str]:
        if absent.is_set():
            return "absent", ""
        outcome, said = _sent(runtime, name)
        if outcome == "absent":
            absent.set()
        return outcome, said

    with ThreadPoolExecutor(max_workers=at_once(environment.probes)) as pool:
        outcomes = list(pool.map(send, range(environment.probes)))
    seen = Counter(outcome for outcome, _ in outcomes)
    if seen["failed"]:
        reason = next(said for outcome, said in reversed(outcomes) if outcome == "failed")
        log.warning("probes_failed", endpoint_name=name, failures=seen["failed"], reason=reason)
    return {"answered": seen["answered"], "failed": seen["failed"]}


def at_once(probes: int) -> int:
    """As few probes at the same time as end in ``ROUND_SECONDS`` if each takes its longest."""
    return max(1, math.ceil(probes / (ROUND_SECONDS // SLOWEST_SECONDS)))


def _sent(runtime: SageMakerRuntimeClient, endpoint: str) -> tuple[str, str]:
    """``answered``, ``failed`` with the model's or botocore's words, or ``absent``."""
    try:
        runtime.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="application/json",
            Accept="application/json",
            CustomAttributes=PROBE,
            Body=b"{}",
        )
    except ClientError as error:
        return _refused(error)
    except (ConnectionError, HTTPClientError) as error:
        return "failed", str(error)
    return "answered", ""


def _refused(error: ClientError) -> tuple[str, str]:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _FAILURES or status >= _SERVER_ERROR:
        return "failed", message or str(error)
    if code == "ValidationError" and _NO_ENDPOINT in message:
        return "absent", ""
    raise error
