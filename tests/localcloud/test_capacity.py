"""Warm pools, quotas and rates as a boto3 client meets them; in a local cloud of their own."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for, with_role
from warmfold_local import launcher

pytestmark = pytest.mark.localcloud

TYPE = "ml.m5.large"


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    root = tmp_path_factory.mktemp("limited cloud")
    yield with_role(launcher.start(root / "state", root / "images"))
    assert launcher.stop(root / "state")


@pytest.fixture
def limits(own_cloud: RunningCloud) -> Iterator[Path]:
    path = own_cloud.settings.state_dir / "limits.json"
    yield path
    path.unlink(missing_ok=True)


def write(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


def train(cloud: RunningCloud, name: str, code: str = "", keep_alive: int = 0) -> dict[str, Any]:
    image = cloud.add_image("trainer", f"tiny-{name}", [sys.executable, "-S", "-c", code])
    answer: dict[str, Any] = cloud.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://nowhere/out"},
        ResourceConfig={
            "InstanceType": TYPE,
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
            "KeepAlivePeriodInSeconds": keep_alive,
        },
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    return answer


def ended(cloud: RunningCloud, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = cloud.client("sagemaker").describe_training_job(TrainingJobName=name)
        return job if "TrainingEndTime" in job else None

    job: dict[str, Any] = wait_for(look, f"{name} ends")
    return job


def test_a_wave_of_folds_reuses_the_pool_of_the_last_until_it_is_ended(
    own_cloud: RunningCloud, limits: Path
) -> None:
    write(limits, quotas={f"{TYPE} for training warm pool usage": 1})
    client = own_cloud.client("sagemaker")
    train(own_cloud, "fold-1", keep_alive=600)
    first = ended(own_cloud, "fold-1")
    assert first["TrainingJobStatus"] == "Completed", first.get("FailureReason")
    assert first["WarmPoolStatus"]["Status"] == "Available"
    train(own_cloud, "fold-2", keep_alive=600)
    ended(own_cloud, "fold-2")
    page = client.list_training_jobs(WarmPoolStatusEquals="Reused")
    (summary,) = page["TrainingJobSummaries"]
    assert summary["TrainingJobName"] == "fold-1"
    assert summary["WarmPoolStatus"]["ReusedByJob"] == "fold-2"
    client.update_training_job(
        TrainingJobName="fold-2", ResourceConfig={"KeepAlivePeriodInSeconds": 0}
    )
    pool = client.describe_training_job(TrainingJobName="fold-2")["WarmPoolStatus"]
    assert pool["Status"] == "Terminated"
    assert 0 <= pool["ResourceRetainedBillableTimeInSeconds"] <= 30


def test_a_quota_is_refused_in_the_services_words(own_cloud: RunningCloud, limits: Path) -> None:
    write(limits, quotas={f"{TYPE} for training job usage": 0})
    with pytest.raises(ClientError) as refused:
        train(own_cloud, "too-many")
    error = refused.value.response["Error"]
    assert error["Code"] == "ResourceLimitExceeded"
    assert f"'{TYPE} for training job usage' is 0 Instances" in error["Message"]


def test_who_asks_too_often_is_throttled_as_clients_know_it(
    own_cloud: RunningCloud, limits: Path
) -> None:
    write(limits, rates={"ListTrainingJobs": 0.01})
    client = own_cloud.client("sagemaker")
    client.list_training_jobs()
    with pytest.raises(client.exceptions.ClientError, match="Rate exceeded") as refused:
        client.list_training_jobs()
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
