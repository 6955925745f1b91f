"""Probes: what is sent, what is counted, and what is nobody's fault."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from probe_endpoint.handler import Environment, handle, probe
from tests.unit.lambdas.aids import LOG, Invocation, Stub, log_lines, playing
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
