"""What endpoints capture: sampled, written as SageMaker does, never lost without a word."""

import base64
import json
import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.local.jobs_support import ROLE, Bench
from warmfold_local import data_capture
from warmfold_local.data_capture import Capture, Captures, CaptureSettings, Exchange, Payload
from warmfold_local.errors import UnsupportedOperation
from warmfold_local.sagemaker import endpoint_configs
from warmfold_local.sagemaker.endpoint_retained import (
    captured_by,
    capturing_as_before,
    retained_members,
    retains_capture,
)

MODULES = (endpoint_configs,)  # imported for its operations
NOON = datetime(2026, 3, 4, 12, 5, 6, 78_000, UTC)
URI = "s3://bucket/credit/captured"
CONFIG: dict[str, Any] = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"{URI}/",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {
        "JsonContentTypes": ["application/json"],
        "CsvContentTypes": ["text/csv"],
    },
}


class Bucket:
    """Takes what is put, unless it is ``down``."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.down = False

    def put(self, body: bytes, uri: str) -> None:
        if self.down:
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "slow"}}, "PutObject")
        self.objects[uri] = body

    def records(self) -> Iterator[dict[str, Any]]:
        for _, body in sorted(self.objects.items()):
            yield from map(json.loads, body.decode().splitlines())


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def capture(bucket: Bucket, **changes: Any) -> Capture:
    settings = CaptureSettings.of({**CONFIG, **changes})
    assert settings is not None
    chance = random.Random(7)  # noqa: S311 (a sample)
    return Capture(settings=settings, folder="live/primary", put=bucket.put, chance=chance)


def exchange(time: datetime = NOON, **changes: Any) -> Exchange:
    members: dict[str, Any] = {
        "time": time,
        "request": Payload(content_type="text/csv", body=b"1,2\n"),
        "response": Payload(content_type="application/json; charset=utf-8", body=b"[0.5]"),
        "custom_attributes": None,
        "inference_id": None,
        **changes,
    }
    return Exchange(**members)


def test_a_record_has_the_members_and_the_key_of_sagemakers(bucket: Bucket) -> None:
    made = capture(bucket)
    made.note(exchange(custom_attributes="trace=1", inference_id="case 7"))
    made.flush()
    ((key, body),) = bucket.objects.items()
    name = key.removeprefix(f"{URI}/live/primary/2026/03/04/12/05-06-078-")
    assert len(name) == len("00000000-0000-0000-0000-000000000000.jsonl")
    assert body.endswith(b"}\n")
    (record,) = bucket.records()
    assert record.pop("eventVersion") == "0"
    assert len(record["eventMetadata"].pop("eventId")) == 36
    assert record == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2\n",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "application/json; charset=utf-8",
                "mode": "OUTPUT",
                "data": "[0.5]",
                "encoding": "JSON",
            },
        },
        "eventMetadata": {
            "customAttributes": ["trace=1"],
            "inferenceId": "case 7",
            "inferenceTime": "2026-03-04T12:05:06Z",
        },
    }


@pytest.mark.parametrize(
    "payload",
    [
        Payload(content_type="application/x-other", body=b"text"),
        Payload(content_type="", body=b"text"),
        Payload(content_type="text/csv", body=b"\xff\xfe"),
    ],
)
def test_what_is_neither_json_nor_csv_is_base64(bucket: Bucket, payload: Payload) -> None:
    made = capture(bucket)
    made.note(exchange(request=payload))
    made.flush()
    (record,) = bucket.records()
    part = record["captureData"]["endpointInput"]
    assert part["encoding"] == "BASE64"
    assert base64.b64decode(part["data"]) == payload.body


@pytest.mark.parametrize(
    "modes, parts",
    [
        (["Input"], {"endpointInput"}),
        (["Output"], {"endpointOutput"}),
        (["InputAndOutput"], {"endpointInput", "endpointOutput"}),
    ],
)
def test_only_the_modes_asked_for_are_captured(
    bucket: Bucket, modes: list[str], parts: set[str]
) -> None:
    made = capture(bucket, CaptureOptions=[{"CaptureMode": mode} for mode in modes])
    made.note(exchange())
    made.flush()
    (record,) = bucket.records()
    assert record["captureData"].keys() == parts


def test_nothing_is_captured_that_is_switched_off() -> None:
    assert CaptureSettings.of(None) is None
    assert CaptureSettings.of({**CONFIG, "EnableCapture": False}) is None


@pytest.mark.parametrize("percent, tolerance", [(0, 0), (20, 40), (100, 0)])
def test_the_share_that_is_asked_for_is_sampled(
    bucket: Bucket, percent: int, tolerance: int
) -> None:
    made = capture(bucket, InitialSamplingPercentage=percent)
    for _ in range(1000):
        made.note(exchange())
    made.flush()
    assert len(list(bucket.records())) == pytest.approx(10 * percent, abs=tolerance)


def test_no_character_of_a_body_ends_a_line(bucket: Bucket) -> None:
    made, text = capture(bucket), "a\u2028b\x85c\r\nd"
    made.note(exchange(request=Payload(content_type="text/csv", body=text.encode())))
    made.flush()
    (record,) = bucket.records()
    assert record["captureData"]["endpointInput"]["data"] == text


def test_every_hour_has_its_folder(bucket: Bucket) -> None:
    made = capture(bucket)
    for hour in (12, 12, 13):
        made.note(exchange(NOON.replace(hour=hour)))
    made.flush()
    folders = sorted(key.removeprefix(URI).rpartition("/")[0] for key in bucket.objects)
    assert folders == [f"/live/primary/2026/03/04/{hour}" for hour in (12, 13)]


def test_what_s3_does_not_take_waits_and_is_complained_about_once(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    made = capture(bucket)
    bucket.down = True
    for number in range(3):
        made.note(exchange(inference_id=str(number)))
        made.flush()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "live/primary: captured requests cannot be written, and wait" in caplog.text
    bucket.down = False
    made.flush()
    ids = [record["eventMetadata"]["inferenceId"] for record in bucket.records()]
    assert ids == ["0", "1", "2"]


def test_more_than_is_kept_is_counted_and_said(
    bucket: Bucket, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_capture, "_KEPT_BYTES", 2 * exchange().size_bytes)
    made = capture(bucket)
    for _ in range(5):
        made.note(exchange())
    made.flush()
    assert len(list(bucket.records())) == 2
    assert "3 requests beyond" in caplog.text


def test_an_answer_that_comes_as_the_server_ends_is_written_still(bucket: Bucket) -> None:
    captures, made = Captures(), capture(bucket)
    captures.add(made)
    made.note(exchange())
    captures.retire(made)
    assert len(list(bucket.records())) == 1
    made.note(exchange())
    captures.flush()
    assert len(list(bucket.records())) == 2
    captures.flush()
    made.note(exchange())
    captures.flush()  # nobody's any more
    assert len(list(bucket.records())) == 2


@pytest.mark.parametrize("ending", [Captures.end, Captures.flush])
def test_what_is_lost_in_the_end_is_said(
    bucket: Bucket, caplog: pytest.LogCaptureFixture, ending: Any
) -> None:
    captures, made = Captures(), capture(bucket)
    captures.add(made)
    bucket.down = True
    made.note(exchange())
    captures.retire(made)
    ending(captures)
    assert "1 captured requests are lost" in caplog.text


UPDATE = {"RetainAllVariantProperties": True}
EXCLUDING = {
    **UPDATE,
    "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DataCaptureConfig"}],
}


@pytest.mark.parametrize("request_, kept", [({}, False), (UPDATE, True), (EXCLUDING, False)])
def test_an_update_keeps_the_capture_only_if_it_is_told_to(
    request_: dict[str, Any], kept: bool
) -> None:
    assert retains_capture(request_) is kept
    assert bool(retained_members(request_)) is bool(request_)


def test_what_captured_nothing_begins_with_the_new_configuration() -> None:
    new = {"EndpointConfigName": "new", "DataCaptureConfig": CONFIG}
    nothing = captured_by({"EndpointConfigName": "old"})
    assert capturing_as_before(nothing, new) == new
    less = {**CONFIG, "InitialSamplingPercentage": 5}
    before = captured_by({"DataCaptureConfig": less})
    assert capturing_as_before(before, new) == {**new, "DataCaptureConfig": less}


def test_describe_endpoint_says_whether_capture_goes_on() -> None:
    stopped = captured_by({"DataCaptureConfig": {**CONFIG, "EnableCapture": False}})
    assert stopped["DataCaptureConfig"] == {
        "EnableCapture": False,
        "CaptureStatus": "Stopped",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"{URI}/",
        "KmsKeyId": "",
    }


def test_another_place_than_s3_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    container = {"Image": bench.image("")}
    bench.call("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large"}
    with pytest.raises(UnsupportedOperation, match="DestinationS3Uri"):
        bench.call(
            "CreateEndpointConfig",
            EndpointConfigName="c",
            ProductionVariants=[variant],
            DataCaptureConfig={**CONFIG, "DestinationS3Uri": "https://example.com/x"},
        )
