"""Publishing a finished batch of predictions."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from publish_predictions.aws import Predictions
from publish_predictions.handler import respond
from publish_predictions.logic import LineCounter
from tests.unit.lambdas.aids import LOG, Stub, event, log_lines, playing
from warmfold_lambda.errors import InputError, LambdaError

BUCKET = "warmfold-artifacts"
GROUP = "warmfold-test-german-credit"
DAY_KEY = "german-credit/batch/output/day=2026-03-02"


@dataclass
class Bucket:
    """The artifact bucket, stubbed; ``calls`` is the order in which it was used."""

    s3: Stub = field(default_factory=lambda: Stub("s3"))
    calls: list[str] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        events = self.s3.client.meta.events
        events.register("provide-client-params.s3.*", self._note)

    def holds(self, run: str, *pages: list[str]) -> "Bucket":
        request = {"Bucket": BUCKET, "Prefix": f"{DAY_KEY}/run={run}/"}
        for index, names in enumerate(pages):
            last = index + 1 == len(pages)
            keys = [{"Key": f"{DAY_KEY}/run={run}/{name}"} for name in names]
            answer: dict[str, Any] = {"Contents": keys, "IsTruncated": not last}
            if not last:
                answer["NextContinuationToken"] = f"page-{index + 1}"
            asked = request if index == 0 else request | {"ContinuationToken": f"page-{index}"}
            self.s3.answers("list_objects_v2", answer, **asked)
        return self

    def reads(self, run: str, name: str, content: bytes) -> "Bucket":
        answer = {
            "Body": StreamingBody(io.BytesIO(content), len(content)),
            "ContentLength": len(content),
        }
        key = f"{DAY_KEY}/run={run}/{name}"
        self.s3.answers("get_object", answer, Bucket=BUCKET, Key=key)
        return self

    def takes_manifest(self) -> "Bucket":
        self.s3.answers("put_object", {})
        return self

    def publish(self, values: object = None) -> dict[str, Any]:
        with playing(self.s3):
            return respond(
                event("publish_predictions") if values is None else values,
                GROUP,
                Predictions(self.s3.client),
                LOG,
            )

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        if model.name == "PutObject":
            assert (params["Bucket"], params["Key"]) == (BUCKET, f"{DAY_KEY}/manifest.json")
            self.written.append(json.loads(params["Body"]))


def test_the_manifest_lists_and_counts_every_output_of_the_run() -> None:
    run = "a1b2c3d4e5f6"
    bucket = Bucket().holds(run, ["part-2.jsonl.out", "note.txt"], ["part-1.jsonl.out"])
    bucket.reads(run, "part-2.jsonl.out", b'{"score":0.1}\n{"score":0.2}\n')
    bucket.reads(run, "part-1.jsonl.out", b'{"score":0.3}').takes_manifest()

    output = bucket.publish()

    uri = f"s3://{BUCKET}/{DAY_KEY}/run={run}"
    assert output == {
        "manifest_uri": f"s3://{BUCKET}/{DAY_KEY}/manifest.json",
        "files": 2,
        "records": 3,
    }
    assert bucket.written == [
        {
            "format": 1,
            "day": "2026-03-02",
            "execution_id": run,
            "output_uri": uri,
            "records": 3,
            "files": [
                {"uri": f"{uri}/part-1.jsonl.out", "bytes": 13, "records": 1},
                {"uri": f"{uri}/part-2.jsonl.out", "bytes": 28, "records": 2},
            ],
        }
    ]


def test_the_manifest_is_written_last_and_once() -> None:
    run = "a1b2c3d4e5f6"
    bucket = Bucket().holds(run, ["a.out", "b.out"])
    bucket.reads(run, "a.out", b"x\n").reads(run, "b.out", b"").takes_manifest()

    bucket.publish()

    assert bucket.calls == ["ListObjectsV2", "GetObject", "GetObject", "PutObject"]


def test_the_number_of_rows_is_counted_for_the_models_dashboard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bucket = Bucket().holds("a1b2c3d4e5f6", ["a.out"])
    bucket.reads("a1b2c3d4e5f6", "a.out", b"x\ny\n").takes_manifest().publish()
    counted = log_lines(capsys.readouterr)[-1]
    assert (counted["BatchRecords"], counted["ModelPackageGroupName"]) == (2, GROUP)


def test_a_rerun_of_the_day_switches_the_manifest_to_the_new_run() -> None:
    values = event("publish_predictions")
    again = values | {
        "execution_id": "ffffffffffff",
        "output_uri": f"s3://{BUCKET}/{DAY_KEY}/run=ffffffffffff",
    }
    bucket = Bucket()
    for run in ("a1b2c3d4e5f6", "ffffffffffff"):
        bucket.holds(run, ["a.out"]).reads(run, "a.out", b"x\n").takes_manifest()
    with playing(bucket.s3):
        for request in (values, again):
            respond(request, GROUP, Predictions(bucket.s3.client), LOG)

    runs = [written["execution_id"] for written in bucket.written]
    assert runs == ["a1b2c3d4e5f6", "ffffffffffff"]
    assert all("run=ffffffffffff" in file["uri"] for file in bucket.written[-1]["files"])


def test_a_run_without_output_leaves_the_manifest_as_it_was() -> None:
    with pytest.raises(LambdaError, match="wrote no predictions"):
        Bucket().holds("a1b2c3d4e5f6", ["readme.txt"]).publish()


def test_a_malformed_event_names_every_fault() -> None:
    with pytest.raises(InputError) as caught:
        Bucket().publish({"output_uri": "x", "day": ""})
    for name in ("output_uri", "manifest_uri", "day", "execution_id"):
        assert f"input.{name}" in str(caught.value)


@given(st.lists(st.binary(max_size=6)))
def test_lines_are_counted_alike_however_the_stream_is_cut(chunks: list[bytes]) -> None:
    counter = LineCounter()
    for chunk in chunks:
        counter.add(chunk)
    whole = b"".join(chunks)
    assert counter.lines == whole.count(b"\n") + (bool(whole) and not whole.endswith(b"\n"))
