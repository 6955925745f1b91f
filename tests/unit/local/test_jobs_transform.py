"""Batch transforms: whole jobs against a tiny server."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench
from tests.unit.local.transform_support import SERVER, create, ended, lines_of, outputs
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


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
