"""What a load test refuses, and what it says of an endpoint that is not what it needs."""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.load import load_settings
from warmfold.cli import load_test_command
from warmfold.cli.load_test_command import load_test
from warmfold.cli.main import run
from warmfold.demo import promote
from warmfold.errors import WarmfoldError
from warmfold.runs.request_rate import Stage

MODEL = load_settings("staging").models[0]


@pytest.fixture
def applicants(tmp_path: Path) -> str:
    file = tmp_path / "applicants.jsonl"
    file.write_text('{"age": 30}\n{"age": 50}\n', encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    "more, said",
    [
        (["--env", "prod"], "prod serves people"),
        (["--safety", "0"], "--safety is 0.0: give a number above 0 and up to 1"),
        (["--safety", "1.5"], "--safety is 1.5"),
        (["--seconds", "0"], "--seconds is 0.0"),
        (["--seconds", "nan"], "--seconds is nan"),
        ([], "no local cloud is running"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_asked(
    more: list[str], said: str, applicants: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--state-dir", str(tmp_path), "load-test", applicants, *more]) == 2
    assert said in capsys.readouterr().err


class Endpoint:
    """Answers for an endpoint of so many instances; one count for each look."""

    def __init__(self, *instances: int) -> None:
        self.instances = list(instances)
        self.asked = list[Any]()

    def client(self, service: str, **_: Any) -> Any:
        return SimpleNamespace(describe_endpoint=self._describe, invoke_endpoint=self._invoke)

    def client_of_many(self, service: str, threads: int) -> Any:
        return self.client(service)

    def _describe(self, **_: Any) -> Any:
        count = self.instances.pop(0)
        return {"ProductionVariants": [{"VariantName": "primary", "CurrentInstanceCount": count}]}

    def _invoke(self, **members: Any) -> Any:
        self.asked.append(json.loads(members["Body"]))
        return {"Body": SimpleNamespace(read=lambda: b"{}")}


def measured(
    monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint, file: str, *found: Stage
) -> argparse.Namespace:
    """The options of a load test of ``endpoint`` that comes to the stages ``found``."""
    deployment = SimpleNamespace(serving={"EndpointName": "credit"})
    monkeypatch.setattr(load_test_command, "target", lambda _: (endpoint, MODEL))
    monkeypatch.setattr(load_test_command, "find_deployment", lambda *_: deployment)
    monkeypatch.setattr(promote, "score", lambda *_: [0.5])

    def stages(ask: Any, **_: Any) -> Any:
        assert [ask(number) for number in range(3)] == [True] * 3
        return iter(found)

    monkeypatch.setattr(load_test_command, "stages", stages)
    return argparse.Namespace(env="staging", file=file, seconds=1.0, safety=0.5)


def stage(latency_seconds: float, failures: int = 0) -> Stage:
    latencies = [latency_seconds] * 40
    return Stage(askers=1, seconds=1.0, failures=failures, latencies_seconds=latencies)


def test_the_setting_is_printed_as_it_stands_in_the_file(
    monkeypatch: pytest.MonkeyPatch, applicants: str, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = Endpoint(2, 2)
    load_test(measured(monkeypatch, endpoint, applicants, stage(0.01)))
    said = capsys.readouterr().out
    # 40 answers a second by two instances, at half of it: 20 x 0.5 x 60
    assert said.endswith("target_invocations_per_instance = 600\n")
    assert "config/environments/staging.toml" in said
    ages = [asked["instances"] for asked in endpoint.asked]
    assert ages == [[{"age": 30}], [{"age": 50}], [{"age": 30}]]


def test_a_fleet_that_changed_meanwhile_was_not_measured(
    monkeypatch: pytest.MonkeyPatch, applicants: str
) -> None:
    options = measured(monkeypatch, Endpoint(1, 2), applicants, stage(0.01))
    with pytest.raises(WarmfoldError, match="got or lost instances meanwhile"):
        load_test(options)


@pytest.mark.parametrize("found", [stage(30.0), stage(0.01, failures=2)])
def test_an_endpoint_that_does_not_bear_one_request_at_a_time_has_no_rate(
    monkeypatch: pytest.MonkeyPatch, applicants: str, found: Stage
) -> None:
    options = measured(monkeypatch, Endpoint(1, 1), applicants, found)
    with pytest.raises(WarmfoldError, match="does not bear one request at a time: "):
        load_test(options)
