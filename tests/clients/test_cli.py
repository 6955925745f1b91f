"""The AWS CLI, and boto3's own waiters and paginators, against the local cloud."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.clients.conftest import BUCKET, Client
from tests.localcloud.conftest import RunningCloud
from tests.localcloud.test_jobs_execution import training

pytestmark = pytest.mark.clients

OUTPUT = {"S3OutputPath": f"s3://{BUCKET}/cli"}
QUICK = {"Delay": 1, "MaxAttempts": 30}


def aws(client: Client, *arguments: str) -> Any:
    """The CLI's answer, which it prints as JSON, if any."""
    text = client.run("aws", "--output", "json", *arguments)
    return json.loads(text) if text.strip().startswith(("{", "[")) else text


def request(image: str, role: str, data: str, name: str, **values: str) -> dict[str, Any]:
    members = {**training(image, data), "RoleArn": role, "OutputDataConfig": OUTPUT}
    return {"TrainingJobName": name, "HyperParameters": values, **members}


def test_the_cli_trains_waits_lists_and_copies(
    client: Client, image: str, role: str, data: str, tmp_path: Path
) -> None:
    asked = json.dumps(request(image, role, data, "cli-1", x="3"))
    made = aws(client, "sagemaker", "create-training-job", "--cli-input-json", asked)
    assert made["TrainingJobArn"].endswith(":training-job/cli-1")
    wait = ["sagemaker", "wait", "training-job-completed-or-stopped"]
    aws(client, *wait, "--training-job-name", "cli-1")
    job = aws(client, "sagemaker", "describe-training-job", "--training-job-name", "cli-1")
    assert job["TrainingJobStatus"] == "Completed"
    listed = aws(client, "sagemaker", "list-training-jobs", "--name-contains", "cli-1")
    assert [item["TrainingJobName"] for item in listed["TrainingJobSummaries"]] == ["cli-1"]
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    aws(client, "s3", "cp", "--quiet", uri, str(tmp_path / "model.tar.gz"))
    assert (tmp_path / "model.tar.gz").stat().st_size > 0


def test_the_cli_shows_the_services_own_errors(client: Client) -> None:
    with pytest.raises(AssertionError, match=r"\(ValidationException\).*Requested resource not"):
        aws(client, "sagemaker", "describe-training-job", "--training-job-name", "absent")


def test_the_cli_registers_and_approves_a_model(client: Client, image: str) -> None:
    group = ("--model-package-group-name", "cli")
    aws(client, "sagemaker", "create-model-package-group", *group)
    inference = {
        "Containers": [{"Image": image}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    specification = ("--inference-specification", json.dumps(inference))
    made = aws(client, "sagemaker", "create-model-package", *group, *specification)
    arn = ("--model-package-arn", made["ModelPackageArn"])
    aws(client, "sagemaker", "update-model-package", *arn, "--model-approval-status", "Approved")
    approved = aws(
        client, "sagemaker", "list-model-packages", *group, "--model-approval-status", "Approved"
    )
    found = [item["ModelPackageArn"] for item in approved["ModelPackageSummaryList"]]
    assert found == [made["ModelPackageArn"]]


def test_boto3s_training_waiters_see_success_stop_and_failure(
    cloud: RunningCloud, image: str, role: str, data: str
) -> None:
    sagemaker = cloud.client("sagemaker")
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    sagemaker.create_training_job(**request(image, role, data, "wait-1"))
    waiter.wait(TrainingJobName="wait-1", WaiterConfig=QUICK)
    sagemaker.create_training_job(**request(image, role, data, "wait-2", sleep="60"))
    sagemaker.stop_training_job(TrainingJobName="wait-2")
    waiter.wait(TrainingJobName="wait-2", WaiterConfig=QUICK)
    sagemaker.create_training_job(**request(image, role, data, "wait-3", x="no number"))
    with pytest.raises(WaiterError, match="terminal failure state"):
        waiter.wait(TrainingJobName="wait-3", WaiterConfig=QUICK)


def test_boto3s_processing_waiter_sees_the_end(cloud: RunningCloud, image: str, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    sagemaker.create_processing_job(
        ProcessingJobName="wait-p",
        AppSpecification={"ImageUri": image, "ContainerEntrypoint": ["/bin/sh", "-c", "exit 0"]},
        RoleArn=role,
        ProcessingResources={"ClusterConfig": resources},
    )
    waiter = sagemaker.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName="wait-p", WaiterConfig=QUICK)


def test_boto3s_endpoint_waiters_see_service_and_deletion(cloud: RunningCloud, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    name = "wait-e"
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"Image": cloud.tiny_server()},
        ExecutionRoleArn=role,
        EnableNetworkIsolation=True,
    )
    variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=QUICK)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=QUICK)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_boto3s_paginators_see_everything_once_and_in_order(
    cloud: RunningCloud, role: str, size: int
) -> None:
    sagemaker = cloud.client("sagemaker")
    names = [f"page-{size}-{number:02d}" for number in range(7)]
    for name in names:
        sagemaker.create_model(
            ModelName=name, PrimaryContainer={"Image": cloud.tiny_server()}, ExecutionRoleArn=role
        )
    pages = sagemaker.get_paginator("list_models").paginate(
        NameContains=f"page-{size}-",
        SortBy="Name",
        SortOrder="Ascending",
        PaginationConfig={"PageSize": size},
    )
    found = [[item["ModelName"] for item in page["Models"]] for page in pages]
    assert [name for page in found for name in page] == names
    assert [len(page) for page in found if page] == [size] * (7 // size) + [7 % size] * (
        7 % size > 0
    )


def test_the_cli_lists_a_bucket(client: Client, data: str) -> None:
    """The high-level commands page and sign in their own way."""
    assert "rows.csv" in client.run("aws", "s3", "ls", data)
