"""Jobs through the front port: boto3 in, real containers, the cloud's own S3 out."""

import io
import json
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for

pytestmark = pytest.mark.localcloud

BUCKET = "jobs-test"
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}

# One program for every kind of container: what it does is its first argument.
PROGRAM = """
import json, os, pathlib, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
if sys.argv[1] == "train":
    values = json.loads((base / "input/config/hyperparameters.json").read_text())
    rows = (base / "input/data/train/rows.csv").read_text().split()
    (base / "model/model.json").write_text(json.dumps(values))
    print("started=%r;" % time.time())
    print("validation:score=%r;" % (len(rows) - float(values.get("x", 0)) ** 2))
else:
    text = (base / "processing/input/raw/rows.csv").read_text()
    (base / "processing/output/upper/rows.csv").write_text(text.upper())
"""
METRICS = [
    {"Name": "validation:score", "Regex": "validation:score=([-+0-9.e]+);"},
    {"Name": "started", "Regex": "started=([0-9.]+);"},
]


@pytest.fixture(scope="module")
def image(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("an image")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    argv = [sys.executable, "-S", "-m", "program"]
    return cloud.add_image("jobs-test", "v1", argv, PYTHONPATH=str(folder))


@pytest.fixture(scope="module")
def data(cloud: RunningCloud) -> str:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="raw/rows.csv", Body=b"a\nb\nc\n")
    return f"s3://{BUCKET}/raw/"


def source(uri: str) -> dict[str, Any]:
    return {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}


def training(image: str, data: str) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "MetricDefinitions": METRICS,
        },
        "RoleArn": ROLE,
        "InputDataConfig": [{"ChannelName": "train", "DataSource": source(data)}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": RESOURCES,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def ended(describe: Any, status: str, **request: str) -> dict[str, Any]:
    found: dict[str, Any] = wait_for(
        lambda: (job := describe(**request))[status] not in ("InProgress", "Stopping") and job,
        f"{request} ends",
    )
    return found


def test_a_training_job_trains_on_s3_data_and_leaves_its_model_there(
    cloud: RunningCloud, image: str, data: str
) -> None:
    sagemaker = cloud.client("sagemaker")
    began = time.time()
    sagemaker.create_training_job(
        TrainingJobName="train-1", HyperParameters={"x": "2"}, **training(image, data)
    )
    job = ended(sagemaker.describe_training_job, "TrainingJobStatus", TrainingJobName="train-1")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    metrics = {m["MetricName"]: m["Value"] for m in job["FinalMetricDataList"]}
    assert metrics["validation:score"] == -1
    assert metrics["started"] - began < 2  # a fraction of it on a quiet machine
    bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"][5:].partition("/")
    body = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        member = archive.extractfile("model.json")
        assert member is not None
        assert json.load(member) == {"x": "2"}


def test_the_service_model_accepts_every_answer(cloud: RunningCloud, image: str, data: str) -> None:
    """boto3 parses by shape: an unknown job, a taken name and a stopped one are its errors."""
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_training_job(TrainingJobName="train-2", **training(image, data))
    ended(sagemaker.describe_training_job, "TrainingJobStatus", TrainingJobName="train-2")
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: sagemaker.describe_training_job(TrainingJobName="none"), "ValidationException"),
        (lambda: sagemaker.stop_training_job(TrainingJobName="train-2"), "ValidationException"),
        (
            lambda: sagemaker.create_training_job(
                TrainingJobName="train-2", **training(image, data)
            ),
            "ResourceInUse",
        ),
    ]
    for call, code in calls:
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == code


def test_a_bucket_that_does_not_exist_fails_the_job_with_the_reason(
    cloud: RunningCloud, image: str, data: str
) -> None:
    sagemaker = cloud.client("sagemaker")
    request = training(image, "s3://no-such-bucket-here/x/")
    sagemaker.create_training_job(TrainingJobName="train-3", **request)
    job = ended(sagemaker.describe_training_job, "TrainingJobStatus", TrainingJobName="train-3")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    assert "NoSuchBucket" in job["FailureReason"]


def test_a_processing_job_reads_and_writes_s3(cloud: RunningCloud, image: str, data: str) -> None:
    sagemaker = cloud.client("sagemaker")
    local = "/opt/ml/processing"
    given = {"S3Uri": data, "LocalPath": f"{local}/input/raw", "S3DataType": "S3Prefix"}
    wanted = {"S3Uri": f"s3://{BUCKET}/upper", "LocalPath": f"{local}/output/upper"}
    sagemaker.create_processing_job(
        ProcessingJobName="process-1",
        ProcessingResources={"ClusterConfig": RESOURCES},
        AppSpecification={"ImageUri": image, "ContainerArguments": ["process"]},
        RoleArn=ROLE,
        ProcessingInputs=[{"InputName": "raw", "S3Input": {**given, "S3InputMode": "File"}}],
        ProcessingOutputConfig={
            "Outputs": [{"OutputName": "upper", "S3Output": {**wanted, "S3UploadMode": "EndOfJob"}}]
        },
    )
    job = ended(
        sagemaker.describe_processing_job, "ProcessingJobStatus", ProcessingJobName="process-1"
    )
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    body = cloud.client("s3").get_object(Bucket=BUCKET, Key="upper/rows.csv")["Body"].read()
    assert body == b"A\nB\nC\n"


def test_a_tuning_job_tunes(cloud: RunningCloud, image: str, data: str) -> None:
    sagemaker = cloud.client("sagemaker")
    x = {"Name": "x", "MinValue": "-1", "MaxValue": "1", "ScalingType": "Linear"}
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tune-1",
        HyperParameterTuningJobConfig={
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize",
                "MetricName": "validation:score",
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [x]},
        },
        TrainingJobDefinition=training(image, data),
    )
    request = {"HyperParameterTuningJobName": "tune-1"}
    job = ended(
        sagemaker.describe_hyper_parameter_tuning_job, "HyperParameterTuningJobStatus", **request
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    trials = [
        trial
        for page in pages.paginate(
            **request, SortBy="FinalObjectiveMetricValue", SortOrder="Descending", MaxResults=4
        )
        for trial in page["TrainingJobSummaries"]
    ]
    assert len(trials) == 6
    assert trials[0]["TrainingJobName"] == job["BestTrainingJob"]["TrainingJobName"]


def test_a_transform_job_scores_objects_with_a_model(cloud: RunningCloud, tmp_path: Path) -> None:
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    server = cloud.add_image(
        "jobs-test-server", "v1", [sys.executable, "-S", str(_echo_server(tmp_path))]
    )
    s3.put_object(Bucket=BUCKET, Key="in/day 1/a.jsonl", Body=b'{"x":1}\n{"x":2}\n')
    sagemaker.create_model(
        ModelName="jobs-test", PrimaryContainer={"Image": server}, ExecutionRoleArn=ROLE
    )
    sagemaker.create_transform_job(
        TransformJobName="transform-1",
        ModelName="jobs-test",
        TransformInput={
            "DataSource": source(f"s3://{BUCKET}/in/"),
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        TransformOutput={
            "S3OutputPath": f"s3://{BUCKET}/scored",
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        DataProcessing={"JoinSource": "Input"},
    )
    job = ended(
        sagemaker.describe_transform_job, "TransformJobStatus", TransformJobName="transform-1"
    )
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    found = s3.get_object(Bucket=BUCKET, Key="scored/day 1/a.jsonl.out")["Body"].read()
    assert [json.loads(line) for line in found.splitlines()] == [
        {"x": 1, "SageMakerOutput": {"x": 1}},
        {"x": 2, "SageMakerOutput": {"x": 2}},
    ]


def _echo_server(folder: Path) -> Path:
    """A server that answers every record with itself."""
    path = folder / "echo.py"
    path.write_text(
        """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
address = (os.environ["WARMFOLD_BIND_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
""",
        encoding="utf-8",
    )
    return path
