"""A container that somebody else built: AWS's own training toolkit is its entry point."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import BUCKET, interpreter
from tests.localcloud.conftest import RunningCloud
from tests.localcloud.test_jobs_execution import METRICS, ended, training

pytestmark = pytest.mark.clients

SCRIPT = Path(__file__).with_name("toolkit_train.py")


@pytest.fixture(scope="module")
def toolkit(cloud: RunningCloud, data: str) -> str:
    """What ``pip install sagemaker-training`` and nothing more makes of a base image."""
    python = interpreter("WARMFOLD_TOOLKIT_PYTHON", "build/toolkit-venv/bin/python")
    path = f"{python.parent}:/usr/bin:/bin"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(SCRIPT, SCRIPT.name)
    cloud.client("s3").put_object(Bucket=BUCKET, Key="code/source.tar.gz", Body=packed.getvalue())
    (packages,) = python.parents[1].glob("lib/python3*/site-packages")
    argv = [str(python.parent / "train")]
    return cloud.add_image("toolkit", "v1", argv, PATH=path, PYTHONPATH=str(packages))


def train(cloud: RunningCloud, image: str, role: str, data: str, name: str, x: str) -> Any:
    sagemaker = cloud.client("sagemaker")
    values = {
        "x": x,
        "sagemaker_program": json.dumps(SCRIPT.name),
        "sagemaker_submit_directory": json.dumps(f"s3://{BUCKET}/code/source.tar.gz"),
        "sagemaker_region": json.dumps(cloud.settings.region),
        "sagemaker_job_name": json.dumps(name),
    }
    output = {"S3OutputPath": f"s3://{BUCKET}/toolkit"}
    request = {**training(image, data), "RoleArn": role, "OutputDataConfig": output}
    sagemaker.create_training_job(TrainingJobName=name, HyperParameters=values, **request)
    return ended(sagemaker.describe_training_job, "TrainingJobStatus", TrainingJobName=name)


def test_it_runs_a_users_script_by_the_contract(
    cloud: RunningCloud, toolkit: str, role: str, data: str
) -> None:
    job = train(cloud, toolkit, role, data, "toolkit-1", "3")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["FinalMetricDataList"][0]["Value"] == 3
    assert METRICS[0]["Name"] == job["FinalMetricDataList"][0]["MetricName"]
    key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    body = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        member = archive.extractfile("model.json")
        assert member is not None
        seen = json.load(member)
    assert seen == {"x": 3.0, "rows": ["rows.csv"], "hosts": ["algo-1"], "job": "toolkit-1"}


def test_its_failure_file_becomes_the_failure_reason(
    cloud: RunningCloud, toolkit: str, role: str, data: str
) -> None:
    job = train(cloud, toolkit, role, data, "toolkit-2", "-1")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError")
