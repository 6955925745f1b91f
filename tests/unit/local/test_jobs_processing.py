"""Processing jobs under the container contract."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.jobs import Job

BASE = "import os, sys, json, pathlib\nbase = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def given(name: str, uri: str, path: str | None = None) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": path or f"/opt/ml/processing/input/{name}"}
    return {
        "InputName": name,
        "S3Input": {**source, "S3DataType": "S3Prefix", "S3InputMode": "File"},
    }


def wanted(name: str, uri: str) -> dict[str, Any]:
    target = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/output/{name}"}
    return {"OutputName": name, "S3Output": {**target, "S3UploadMode": "EndOfJob"}}


def request(image: str, **members: Any) -> dict[str, Any]:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    return {
        "ProcessingJobName": "job",
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {"ImageUri": image},
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **members,
    }


def run(bench: Bench, image: str, **members: Any) -> dict[str, Any]:
    bench.call("CreateProcessingJob", **request(image, **members))
    return ended(bench)


def ended(bench: Bench) -> dict[str, Any]:
    def describe() -> dict[str, Any]:
        return bench.call("DescribeProcessingJob", ProcessingJobName="job")

    bench.wait(lambda: "ProcessingEndTime" in describe())
    return describe()


SUCCESS = (
    BASE
    + """
assert sys.argv[1:] == ["process"], sys.argv
assert (base / "processing/output/train").is_dir()
config = json.loads((base / "config/processingjobconfig.json").read_text())
assert json.loads((base / "config/resourceconfig.json").read_text())["hosts"] == ["algo-1"]
text = (base / "processing/input/raw/one.csv").read_text()
out = base / "processing/output/train/deep"
out.mkdir()
(out / "result.txt").write_text(text + config["ProcessingJobName"] + os.environ["FOLDS"])
(base / "output/message").write_text("all is well")
"""
)


def test_inputs_reach_the_container_and_outputs_reach_s3(bench: Bench) -> None:
    image = bench.image(SUCCESS)
    job = run(
        bench,
        image,
        AppSpecification={"ImageUri": image, "ContainerArguments": ["process"]},
        ProcessingInputs=[given("raw", bench.put("raw/one.csv", "data"))],
        ProcessingOutputConfig={"Outputs": [wanted("train", f"s3://{BUCKET}/features/")]},
        Environment={"FOLDS": "5"},
    )
    assert job["ProcessingJobStatus"] == "Completed", bench.log("processing")
    assert job["ExitMessage"] == "all is well"
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert bench.get("features/deep/result.txt") == b"datajob5"


def test_the_images_own_command_runs_if_the_request_names_none(bench: Bench) -> None:
    code = "import sys; raise SystemExit(sys.argv[1:] != ['nothing'])"
    assert run(bench, bench.image(code))["ProcessingJobStatus"] == "Completed"


def test_a_failed_job_gives_its_message_and_uploads_nothing(bench: Bench) -> None:
    code = BASE + (
        "(base / 'processing/output/train/x').write_text('x')\n"
        "(base / 'output/message').write_text('raw/one.csv: row 7 is ragged')\n"
        "raise SystemExit(1)"
    )
    outputs = {"Outputs": [wanted("train", f"s3://{BUCKET}/features/")]}
    job = run(bench, bench.image(code), ProcessingOutputConfig=outputs)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["ExitMessage"] == "raw/one.csv: row 7 is ragged"
    assert job["FailureReason"] == "AlgorithmError: raw/one.csv: row 7 is ragged, exit code: 1"
    assert bench.s3.objects == {}


@pytest.mark.parametrize(
    "message, expected",
    [
        (r"b'caf\xe9'", None),
        (r"('x' * 1023 + 'é').encode()", "x" * 1023),
        ("b'x' * 5000", "x" * 1024),
    ],
)
def test_a_message_must_be_utf8_and_is_cut_between_characters(
    bench: Bench, message: str, expected: str | None
) -> None:
    job = run(bench, bench.image(BASE + f"(base / 'output/message').write_bytes({message})"))
    if expected is None:
        assert job["ProcessingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("ClientError: The exit message")
    else:
        assert job["ProcessingJobStatus"] == "Completed"
        assert job["ExitMessage"] == expected


def test_a_missing_input_fails_the_job(bench: Bench) -> None:
    job = run(bench, bench.image("pass"), ProcessingInputs=[given("raw", "s3://artifacts/no/")])
    assert job["FailureReason"].startswith("ClientError: Data download failed:No S3 objects found")


def test_a_job_can_be_stopped(bench: Bench) -> None:
    image = bench.image("import time; print('ready', flush=True); time.sleep(60)")
    bench.call("CreateProcessingJob", **request(image))
    bench.wait(lambda: "ready" in bench.log("processing"))
    bench.call("StopProcessingJob", ProcessingJobName="job")
    assert ended(bench)["ProcessingJobStatus"] == "Stopped"
    assert bench.events.all[-1]["detail_type"] == "SageMaker Processing Job State Change"
    bench.wait(lambda: bench.events.all[-1]["detail"]["ProcessingJobStatus"] == "Stopped")


def test_a_job_over_its_time_is_stopped(bench: Bench) -> None:
    image = bench.image("import time; time.sleep(60)")
    job = run(bench, image, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["ProcessingJobStatus"] == "Stopped"


def test_jobs_are_listed(bench: Bench) -> None:
    run(bench, bench.image("pass"))
    page = bench.call("ListProcessingJobs", StatusEquals="Completed")
    assert [item["ProcessingJobName"] for item in page["ProcessingJobSummaries"]] == ["job"]
    assert bench.call("ListProcessingJobs", NameContains="x")["ProcessingJobSummaries"] == []


BAD_REQUESTS: list[tuple[dict[str, Any], type[ServiceError], str]] = [
    (
        {"ProcessingInputs": [given("raw", "s3://b/c", "/data/raw")]},
        ValidationError,
        "'/data/raw' must be a path below /opt/ml",
    ),
    (
        {"ProcessingInputs": [given("raw", "s3://b/c", "/opt/ml/model")]},
        ValidationError,
        "must start with /opt/ml/processing/",
    ),
    (
        {"ProcessingInputs": [given("raw", "s3://b/c"), given("raw", "s3://b/d")]},
        ValidationError,
        "Duplicate input names are not allowed: raw",
    ),
    (
        {"ProcessingInputs": [{"InputName": "raw"}]},
        UnsupportedOperation,
        "data source other than S3",
    ),
    (
        {"ProcessingResources": {"ClusterConfig": {"InstanceType": "a", "VolumeSizeInGB": 1}}},
        ValidationError,
        "must name an InstanceCount|ClusterConfig.InstanceType",
    ),
    ({"StoppingCondition": {"MaxRuntimeInSeconds": 777_601}}, ValidationError, "777600"),
]


@pytest.mark.parametrize("members, error, message", BAD_REQUESTS)
def test_a_wrong_request_is_refused_before_anything_runs(
    bench: Bench, members: dict[str, Any], error: type[ServiceError], message: str
) -> None:
    with pytest.raises(error, match=message):
        bench.call("CreateProcessingJob", **request(bench.image("pass"), **members))
    assert bench.call("ListProcessingJobs")["ProcessingJobSummaries"] == []


def test_a_deleted_job_is_forgotten(bench: Bench) -> None:
    run(bench, bench.image("pass"))
    bench.call("DeleteProcessingJob", ProcessingJobName="job")
    assert bench.call("ListProcessingJobs")["ProcessingJobSummaries"] == []
    assert not (bench.cloud.settings.state_dir / "jobs" / "processing" / "job").exists()


def test_a_job_of_an_earlier_process_can_be_deleted(bench: Bench) -> None:
    run(bench, bench.image("pass"))
    record = bench.cloud.table("Processing job").get("job")
    record["_job"] = Job(bench.cloud, record["_job"].kind, record, record["_job"].folder)
    bench.call("DeleteProcessingJob", ProcessingJobName="job")
    assert bench.call("ListProcessingJobs")["ProcessingJobSummaries"] == []
