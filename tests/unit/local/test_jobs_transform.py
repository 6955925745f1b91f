"""Batch transforms: records, filters and joins alone, then whole jobs against a tiny server."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker import models
from warmfold_local.sagemaker.transform_filters import Filter, RecordError
from warmfold_local.sagemaker.transform_records import Plan, assemble, mini_batches

# Scores {"x": n} with 2n, a line each; refuses a record without a number, as the contract says.
SERVER = """
import http.server, json, os, pathlib, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        parameters = os.environ.get("PARAMETERS")
        if self.path == "/execution-parameters" and parameters:
            self.answer(200, parameters.encode())
        else:
            self.answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print("request", len(body.splitlines()), self.headers["Content-Type"], flush=True)
        try:
            if self.headers["Content-Type"] == "text/csv":
                scores = [str(2 * float(line.split(",")[0])) for line in body.splitlines()]
            else:
                values = [float(json.loads(line)["x"]) for line in body.splitlines()]
                scores = [json.dumps({"score": 2 * value}) for value in values]
        except (ValueError, KeyError, TypeError):
            self.answer(400, b"bad")
            return
        self.answer(200, ("\\n".join(scores) + "\\n").encode())

    def log_message(self, *_):
        pass

seen = {key: value for key, value in os.environ.items() if "SAGEMAKER" in key}
print("environment", json.dumps(seen), flush=True)
assert sys.argv[1:] == ["serve"]
address = (os.environ["WARMFOLD_BIND_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


def plan(**members: Any) -> Plan:
    values = {
        "by_line": True,
        "one_by_one": False,
        "payload_bytes": 20,
        "assemble_lines": True,
        "compressed": False,
        "processing": None,
    }
    return Plan(**{**values, **members})


@given(st.lists(st.text("abc", min_size=1, max_size=12), max_size=30), st.booleans())
def test_mini_batches_hold_every_record_in_order_and_fit_the_payload(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], one_by_one: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "input"
    path.write_text("\r\n".join(lines) + "\n\n", encoding="utf-8")
    batches = list(mini_batches(path, plan(one_by_one=one_by_one)))
    records = [record.decode() for batch in batches for record in batch.records]
    assert records == lines
    assert all(len(batch.body) <= 20 for batch in batches)
    assert [b.first for b in batches] == [
        1 + sum(len(earlier.records) for earlier in batches[:i]) for i in range(len(batches))
    ]
    if one_by_one:
        assert all(len(batch.records) == 1 for batch in batches)


def test_a_record_above_the_payload_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_text("short\n" + "x" * 20 + "\n", encoding="utf-8")
    with pytest.raises(RecordError, match="record 2 is larger than MaxPayloadInMB"):
        list(mini_batches(path, plan()))


def test_an_object_is_sent_whole_without_a_split(tmp_path: Path) -> None:
    path = tmp_path / "input.gz"
    path.write_bytes(gzip.compress(b"a\nb\n"))
    whole = plan(by_line=False, compressed=True, assemble_lines=False)
    (batch,) = mini_batches(path, whole)
    assert batch.body == b"a\nb\n"
    assert assemble(batch, b"reply", whole) == b"reply"


@pytest.mark.parametrize(
    "path, record, expected",
    [
        ("$", {"a": 1}, {"a": 1}),
        ("$.a", {"a": 1, "b": 2}, 1),
        ("$['a','b']", {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}),
        ("$.a.b", {"a": {"b": [1]}}, [1]),
        ("$.*", {"a": 1, "b": 2}, [1, 2]),
        ("$.a[0,-1]", {"a": [1, 2, 3]}, [1, 3]),
        ("$[1:]", ["1", "2", "3"], ["2", "3"]),
        ("$[-1]", ["1", "2", "3"], "3"),
    ],
)
def test_a_filter_selects_as_the_service_documents(path: str, record: Any, expected: Any) -> None:
    assert Filter(path).apply(record) == expected


@pytest.mark.parametrize("path", ["$.b", "$.a.b", "$[0]", "$['a','b']"])
def test_a_record_without_what_the_filter_names_is_an_error(path: str) -> None:
    with pytest.raises(RecordError, match="the record lacks what"):
        Filter(path).apply({"a": "text"})


@pytest.mark.parametrize(
    "path, error",
    [
        ("a.b", ValidationError),
        ("$[", ValidationError),
        ("", ValidationError),
        ("$..a", ValidationError),
        ("$[?(@.x>1)]", ValidationError),
        ("$[0:2]", UnsupportedOperation),
    ],
)
def test_a_filter_that_is_not_offered_is_refused(path: str, error: type[ServiceError]) -> None:
    with pytest.raises(error):
        Filter(path)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def create(bench: Bench, code: str = SERVER, **members: Any) -> None:
    """A model and a transform job ``job`` over ``in/``; ``members`` replace the job's own."""
    assert models.KIND == "Model"
    environment = members.pop("ModelEnvironment", {})
    container = {"Image": bench.image(code), "Environment": environment}
    bench.call("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}}
    request: dict[str, Any] = {
        "TransformJobName": "job",
        "ModelName": "m",
        "TransformInput": {
            "DataSource": source,
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{BUCKET}/out",
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    for key, value in members.items():
        request[key] = {**request.get(key, {}), **value} if isinstance(value, dict) else value
    bench.call("CreateTransformJob", **request)


def ended(bench: Bench) -> dict[str, Any]:
    def describe() -> dict[str, Any]:
        return bench.call("DescribeTransformJob", TransformJobName="job")

    bench.wait(lambda: "TransformEndTime" in describe())
    return describe()


def lines_of(bench: Bench, key: str) -> list[Any]:
    return [json.loads(line) for line in bench.get(key).decode().splitlines()]


def outputs(bench: Bench) -> list[str]:
    return sorted(key for _, key in bench.s3.objects if key.startswith("out/"))


def test_every_object_gets_its_output_in_order(bench: Bench) -> None:
    rows = "".join(f'{{"x": {i}}}\n' for i in range(500))
    bench.put("in/day 1/a.jsonl", rows)
    bench.put("in/b.jsonl", '{"x": 1}')
    create(bench, MaxConcurrentTransforms=4, BatchStrategy="SingleRecord")
    job = ended(bench)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert outputs(bench) == ["out/b.jsonl.out", "out/day 1/a.jsonl.out"]
    assert lines_of(bench, "out/day 1/a.jsonl.out") == [{"score": 2.0 * i} for i in range(500)]
    assert bench.log("transform").count("request 1 ") == 501


def test_what_the_models_server_used_is_recorded(bench: Bench) -> None:
    bench.put("in/b.jsonl", '{"x": 1}')
    create(bench)
    assert ended(bench)["TransformJobStatus"] == "Completed"
    host = bench.cloud.table("Transform job").get("job")["_resources"]["hosts"]["algo-1"]
    assert host["cpu_seconds"] > 0.01
    assert host["peak_memory_bytes"] > 5 * 1024 * 1024


def test_records_are_sent_together_by_default(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"x": 1}\n{"x": 2}\n')
    create(bench)
    ended(bench)
    assert bench.log("transform").count("request 2 application/jsonlines") == 1


def test_the_container_may_ask_for_single_records_and_the_request_may_overrule_it(
    bench: Bench, tmp_path: Path
) -> None:
    offered = json.dumps({"BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1})
    for number, own in enumerate(({}, {"BatchStrategy": "MultiRecord"})):
        other = Bench(tmp_path / str(number))
        other.put("in/a.jsonl", '{"x": 1}\n{"x": 2}\n')
        create(other, ModelEnvironment={"PARAMETERS": offered}, **own)
        assert ended(other)["TransformJobStatus"] == "Completed"
        assert other.log("transform").count("request 1 ") == (0 if own else 2)


@pytest.mark.parametrize("parameters", ["not json", "[]", '{"MaxPayloadInMB": "6", "Other": 1}'])
def test_parameters_that_cannot_be_read_give_way_to_the_defaults(
    bench: Bench, parameters: str
) -> None:
    bench.put("in/a.jsonl", '{"x": 1}\n{"x": 2}\n')
    create(bench, ModelEnvironment={"PARAMETERS": parameters})
    assert ended(bench)["TransformJobStatus"] == "Completed"
    assert bench.log("transform").count("request 2 ") == 1


def test_the_container_sees_the_batch_variables_that_the_request_set(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"x": 1}')
    create(bench, MaxPayloadInMB=2, Environment={"SAGEMAKER_OWN": "1"})
    ended(bench)
    line = bench.log("transform").splitlines()[0].removeprefix("environment ")
    seen = json.loads(line)
    assert (seen["SAGEMAKER_BATCH"], seen["SAGEMAKER_MAX_PAYLOAD_IN_MB"]) == ("true", "2")
    assert seen["SAGEMAKER_OWN"] == "1"
    assert "SAGEMAKER_BATCH_STRATEGY" not in seen


def test_a_join_adds_the_output_to_the_whole_input_record(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"id": "é", "x": 1, "y": null}\n')
    create(bench, DataProcessing={"InputFilter": "$['x','y']", "JoinSource": "Input"})
    assert ended(bench)["TransformJobStatus"] == "Completed"
    assert lines_of(bench, "out/a.jsonl.out") == [
        {"id": "é", "x": 1, "y": None, "SageMakerOutput": {"score": 2}}
    ]


def test_an_answer_that_does_not_fit_the_records_fails_a_join(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"x": 1}\n{"x": 2}\n')
    create(
        bench,
        SERVER.replace("for value in values", "for value in values[:1]"),
        DataProcessing={"JoinSource": "Input"},
    )
    reason = ended(bench)["FailureReason"]
    assert reason.endswith("records 1 to 2: the container answered 1 lines for 2 records")


def test_a_joined_record_is_filtered_at_the_end(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"id": "é", "x": 1, "y": null}\n{"id": "b", "x": 2, "y": 3}\n')
    processing = {
        "InputFilter": "$['x','y']",
        "JoinSource": "Input",
        "OutputFilter": "$['id','SageMakerOutput']",
    }
    create(bench, DataProcessing=processing)
    assert ended(bench)["TransformJobStatus"] == "Completed"
    assert lines_of(bench, "out/a.jsonl.out") == [
        {"id": "é", "SageMakerOutput": {"score": 2}},
        {"id": "b", "SageMakerOutput": {"score": 4}},
    ]


def test_csv_columns_are_filtered_and_appended(bench: Bench) -> None:
    bench.put("in/a.csv", '"id,1",1,5\nid2,2,6\n')
    create(
        bench,
        TransformInput={"ContentType": "text/csv"},
        TransformOutput={"Accept": "text/csv"},
        DataProcessing={
            "InputFilter": "$[1,2]",
            "JoinSource": "Input",
            "OutputFilter": "$[0,-1]",
        },
    )
    job = ended(bench)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert bench.get("out/a.csv.out") == b'"id,1",2.0\nid2,4.0\n'


def test_a_bad_record_costs_its_own_file_only_and_fails_the_job(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"x": 1}\n{"x": "secret"}\n')
    bench.put("in/b.jsonl", '{"x": 3}\n')
    create(bench)
    job = ended(bench)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        "ClientError: 1 of 2 input objects could not be transformed: "
        "s3://artifacts/in/a.jsonl: records 1 to 2: the container answered 400"
    )
    assert outputs(bench) == ["out/b.jsonl.out"]
    assert bench.log("transform").count("request 2 ") == 1  # a refusal is not repeated


def test_a_record_that_is_not_json_is_named_without_its_content(bench: Bench) -> None:
    bench.put("in/a.jsonl", "secret\n")
    create(bench, DataProcessing={"InputFilter": "$.x"})
    reason = ended(bench)["FailureReason"]
    assert reason.endswith("s3://artifacts/in/a.jsonl: not a JSON record")


def test_a_container_that_fails_is_asked_again_and_then_given_up(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"x": 1}\n')
    code = SERVER.replace("self.answer(400", "self.answer(503").replace('["x"]', '["absent"]')
    create(bench, code, ModelClientConfig={"InvocationsMaxRetries": 2})
    assert "the container answered 503" in ended(bench)["FailureReason"]
    assert bench.log("transform").count("request 1 ") == 3


def test_a_server_that_does_not_start_fails_the_job(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"x": 1}\n')
    create(bench, "raise SystemExit(4)")
    reason = ended(bench)["FailureReason"]
    assert reason == "ClientError: the model container ended with exit code 4"


def test_a_model_that_is_missing_fails_the_job(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"x": 1}\n')
    container = {"Image": bench.image(SERVER, "x"), "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
    create(bench)
    bench.call("CreateModel", ModelName="n", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    request = bench.call("DescribeTransformJob", TransformJobName="job")
    own = {k: v for k, v in request.items() if k.startswith("Transform") and "Job" not in k}
    own = {k: v for k, v in own.items() if not k.endswith("Time")}
    bench.call("CreateTransformJob", TransformJobName="second", ModelName="n", **own)
    bench.wait(
        lambda: "TransformEndTime" in bench.call("DescribeTransformJob", TransformJobName="second")
    )
    job = bench.call("DescribeTransformJob", TransformJobName="second")
    assert job["FailureReason"].startswith("ClientError: Data download failed:Could not find")
    ended(bench)


def test_an_input_without_objects_fails_the_job(bench: Bench) -> None:
    create(bench)
    assert "No S3 objects found" in ended(bench)["FailureReason"]


def test_a_stopped_job_stores_nothing(bench: Bench) -> None:
    bench.put("in/a.jsonl", '{"x": 1}\n')
    bench.put("in/b.jsonl", '{"x": 1}\n')
    code = SERVER.replace("scores = [json", "import time; time.sleep(0.5); scores = [json")
    create(bench, code)
    bench.wait(lambda: "request" in bench.log("transform"))
    bench.call("StopTransformJob", TransformJobName="job")
    assert ended(bench)["TransformJobStatus"] == "Stopped"
    assert outputs(bench) == []
    assert [e["detail_type"] for e in bench.events.all][-1].startswith("SageMaker Transform Job")


BAD_REQUESTS: list[tuple[dict[str, Any], type[ServiceError], str]] = [
    ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, ValidationError, "and is 120"),
    ({"TransformInput": {"SplitType": "RecordIO"}}, UnsupportedOperation, "RecordIO"),
    (
        {"DataProcessing": {"JoinSource": "Input"}, "TransformOutput": {"Accept": "text/csv"}},
        ValidationError,
        "the same ContentType and Accept",
    ),
    ({"DataProcessing": {"InputFilter": "$" + ".a" * 32}}, ValidationError, "equal to 63"),
    (
        {"DataProcessing": {"InputFilter": "$.a"}, "TransformInput": {"ContentType": "x/y"}},
        ValidationError,
        "not 'x/y'",
    ),
    ({"ModelName": "unknown"}, ValidationError, "Could not find model"),
]


@pytest.mark.parametrize("members, error, message", BAD_REQUESTS)
def test_a_wrong_request_is_refused_before_anything_runs(
    bench: Bench, members: dict[str, Any], error: type[ServiceError], message: str
) -> None:
    with pytest.raises(error, match=message):
        create(bench, **members)
    assert bench.call("ListTransformJobs")["TransformJobSummaries"] == []
