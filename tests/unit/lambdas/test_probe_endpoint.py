"""Probes: what is sent, what is counted, and what is nobody's fault."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from probe_endpoint.handler import (
    CONFIG,
    ROUND_SECONDS,
    SLOWEST_SECONDS,
    Environment,
    at_once,
    handle,
    probe,
)
from tests.sessions import shared_session
from tests.unit.http_server import Quiet, http_server
from tests.unit.lambdas.aids import LOG, Invocation, Stub, log_lines, playing
from warmfold_constructs.endpoint_prober import TIMEOUT_SECONDS
from warmfold_lambda.errors import ConfigurationError

ENVIRONMENT = Environment(endpoint_name="credit", probes=2)
REQUEST: dict[str, Any] = {
    "EndpointName": "credit",
    "ContentType": "application/json",
    "Accept": "application/json",
    "CustomAttributes": "warmfold-probe",
    "Body": b"{}",
}


def run(runtime: Stub) -> dict[str, Any]:
    with playing(runtime):
        return probe(ENVIRONMENT, runtime.client, LOG)


def test_as_many_probes_are_sent_as_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    runtime = Stub("sagemaker-runtime")
    for _ in range(ENVIRONMENT.probes):
        runtime.answers("invoke_endpoint", {"Body": b"{}"}, **REQUEST)
    assert run(runtime) == {"answered": 2, "failed": 0}
    assert capsys.readouterr().out == ""


def test_a_probe_that_the_model_fails_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    runtime = Stub("sagemaker-runtime")
    runtime.refuses("invoke_endpoint", "ModelError", "Received server error (500)", **REQUEST)
    runtime.answers("invoke_endpoint", {"Body": b"{}"}, **REQUEST)
    assert run(runtime) == {"answered": 1, "failed": 1}
    (line,) = log_lines(capsys.readouterr)
    assert (line["level"], line["event"], line["failures"]) == ("WARNING", "probes_failed", 1)
    assert line["reason"] == "Received server error (500)"
    assert line["endpoint_name"] == "credit"


def test_before_the_first_model_there_is_nothing_to_probe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runtime = Stub("sagemaker-runtime")
    said = "Endpoint credit of account 000000000000 not found."
    runtime.refuses("invoke_endpoint", "ValidationError", said, **REQUEST)
    assert run(runtime) == {"answered": 0, "failed": 0}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationError"])
def test_any_other_refusal_is_raised(code: str) -> None:
    runtime = Stub("sagemaker-runtime")
    runtime.refuses("invoke_endpoint", code, "no", **REQUEST)
    with pytest.raises(ClientError, match="no"):
        run(runtime)


def test_the_function_says_which_variables_are_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"ENDPOINT_NAME is not set.*PROBES is not set"):
        handle({}, Invocation())


@contextmanager
def service(first: str, then: str) -> Iterator[tuple[str, list[str]]]:
    """A service that answers its first request and all others so: ``hang``, ``503`` or ``200``.

    Gives its address, and what it answered.
    """
    said: list[str] = []
    over = threading.Event()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            way = then if said else first
            said.append(way)
            if way == "hang":
                over.wait(20)
                return
            self.send_response(int(way))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    with http_server(Handler) as address:
        try:
            yield address, said
        finally:
            over.set()


def probe_over_the_wire(address: str, probes: int) -> dict[str, Any]:
    """As the function does, except that it waits for a tenth of the time."""
    config = CONFIG.merge(Config(read_timeout=SLOWEST_SECONDS / 20))
    runtime = shared_session().client(
        "sagemaker-runtime", region_name="us-east-1", endpoint_url=address, config=config
    )
    return probe(Environment(endpoint_name="credit", probes=probes), runtime, LOG)


@pytest.mark.parametrize(
    "trouble, reason", [("hang", "Read timeout on endpoint"), ("503", "(503)")]
)
def test_a_canary_that_hangs_or_is_unavailable_gets_every_probe_of_the_round(
    trouble: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with service(trouble, trouble) as (address, said):
        assert probe_over_the_wire(address, 12) == {"answered": 0, "failed": 12}
        assert said == [trouble] * 12  # each was sent, and none twice
    (line,) = log_lines(capsys.readouterr)
    assert (line["event"], line["failures"]) == ("probes_failed", 12)
    assert reason in line["reason"]


@pytest.mark.parametrize("trouble", ["hang", "503"])
def test_a_probe_that_fails_does_not_keep_the_next_ones_from_being_sent(trouble: str) -> None:
    with service(trouble, "200") as (address, _):
        assert probe_over_the_wire(address, 6) == {"answered": 5, "failed": 1}


@pytest.mark.parametrize("probes", [1, 6, 7, 30, 60])
def test_a_round_ends_in_the_functions_time_even_if_nothing_is_answered(probes: int) -> None:
    rounds = -(-probes // at_once(probes))
    assert rounds * SLOWEST_SECONDS <= ROUND_SECONDS < TIMEOUT_SECONDS
    given = vars(CONFIG)
    assert given["connect_timeout"] + given["read_timeout"] == SLOWEST_SECONDS
    assert given["retries"]["total_max_attempts"] == 1
    assert at_once(probes) <= given["max_pool_connections"]
