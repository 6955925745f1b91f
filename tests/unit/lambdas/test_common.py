"""The package that all functions share."""

import json
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lambdas.aids import LOG, log_lines
from warmfold_lambda.clients import CONFIG, TOTAL_MAX_ATTEMPTS, client
from warmfold_lambda.environment import read_environment
from warmfold_lambda.errors import ConfigurationError, InputError
from warmfold_lambda.events import Reader, split_uri


@dataclass(frozen=True, kw_only=True)
class Example:
    bucket_name: str
    folds: int
    time_zone: ZoneInfo


def test_the_environment_is_read_by_type() -> None:
    variables = {"BUCKET_NAME": "b", "FOLDS": "5", "TIME_ZONE": "Europe/Zurich", "OTHER": "x"}

    found = read_environment(Example, variables)

    assert found == Example(bucket_name="b", folds=5, time_zone=ZoneInfo("Europe/Zurich"))


@dataclass(frozen=True, kw_only=True)
class Optional:
    subnet_ids: tuple[str, ...] = ()


def test_a_variable_may_be_absent_where_there_is_a_default_but_not_empty() -> None:
    assert read_environment(Optional, {}).subnet_ids == ()
    assert read_environment(Optional, {"SUBNET_IDS": "a,b"}).subnet_ids == ("a", "b")
    with pytest.raises(ConfigurationError, match="SUBNET_IDS is not set"):
        read_environment(Optional, {"SUBNET_IDS": ""})


def test_every_missing_or_malformed_variable_is_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_environment(Example, {"BUCKET_NAME": "  ", "FOLDS": "five", "TIME_ZONE": "Mars/Base"})

    message = str(caught.value)
    assert "BUCKET_NAME is not set" in message
    assert "FOLDS is 'five', not a whole number" in message
    assert "TIME_ZONE is 'Mars/Base', not an IANA time zone" in message


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BUCKET_NAME": "b", "FOLDS": "2", "TIME_ZONE": "UTC"}.items():
        monkeypatch.setenv(name, value)

    assert read_environment(Example).folds == 2


def test_a_log_line_is_one_json_object_with_the_invocation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    LOG.notice("trial_selected", score=0.75, day=date(2026, 3, 2))

    assert log_lines(capsys.readouterr) == [
        {
            "level": "INFO",
            "event": "trial_selected",
            "function": "under_test",
            "request_id": "request-1",
            "score": 0.75,
            "day": "2026-03-02",
        }
    ]


def test_a_warning_is_counted_by_the_name_that_cloudformation_gave_the_function(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "stack-function-1A2B")
    LOG.warning("no_data")
    (line,) = log_lines(capsys.readouterr)
    assert (line["level"], line["Warnings"]) == ("WARNING", 1)
    assert line["FunctionName"] == "stack-function-1A2B"
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    assert metrics["Dimensions"] == [["FunctionName"]]
    assert metrics["Metrics"] == [{"Name": "Warnings"}]


def test_only_members_known_to_be_harmless_reach_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    LOG.warning("oops", reason="r", applicant={"income": 1234}, secret_key="abcdef")

    text = capsys.readouterr().out
    assert "1234" not in text
    assert "abcdef" not in text
    assert json.loads(text)["left_out"] == ["applicant", "secret_key"]


def test_clients_retry_often_enough_for_a_rate_limit_that_all_pipelines_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    made = client("sqs")

    assert TOTAL_MAX_ATTEMPTS >= 10
    assert made.meta.config.retries == CONFIG.retries  # type: ignore[attr-defined]
    assert made.meta.config.retries["mode"] == "standard"
    assert client("sqs") is made


def test_a_reader_reports_every_fault_together() -> None:
    reader = Reader({"folds": 1, "direction": "Up", "uri": "https://x/y", "list": []})
    reader.whole_number("folds", minimum=2)
    reader.text("direction", ("Maximize", "Minimize"))
    reader.s3_uri("uri")
    reader.objects("list")
    reader.text("absent")

    with pytest.raises(InputError) as caught:
        reader.finish()

    message = str(caught.value)
    for name in ("folds", "direction", "uri", "list", "absent"):
        assert f"input.{name}" in message


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.integers())))
def test_what_is_no_object_is_refused(value: object) -> None:
    reader = Reader(value)
    reader.text("day")
    with pytest.raises(InputError, match="not a JSON object"):
        reader.finish()


def test_a_whole_number_may_come_as_text_but_a_truth_value_may_not() -> None:
    reader = Reader({"folds": "5", "flag": True})

    assert reader.whole_number("folds", minimum=2) == 5
    reader.whole_number("flag", minimum=0)
    assert len(reader.faults) == 1


def test_an_s3_uri_is_split_into_bucket_and_key() -> None:
    assert split_uri("s3://bucket/a/b.json") == ("bucket", "a/b.json")
    assert split_uri("bucket/a")[0] == ""
