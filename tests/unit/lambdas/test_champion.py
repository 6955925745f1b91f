"""The approved model that an execution's evaluation compares with."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from best_training_job.champion import FORMAT, Champions
from tests.unit.lambdas.aids import Stub, playing
from warmfold_lambda.errors import LambdaError
from warmfold_trainer import champion as image
from warmfold_trainer.archive import ARCHIVE_NAME

GROUP = "warmfold-dev-german-credit"
ARN = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{GROUP}"
TARGET = "s3://artifacts/german-credit/executions/a1b2/champion"
SOURCE = "german-credit/executions/0000/final/job/output/model.tar.gz"
MODEL = f"s3://artifacts/{SOURCE}"


@dataclass
class Service:
    """The two clients, and what was written."""

    sagemaker: Stub = field(default_factory=lambda: Stub("sagemaker"))
    s3: Stub = field(default_factory=lambda: Stub("s3"))
    written: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        events = self.s3.client.meta.events
        events.register("provide-client-params.s3.PutObject", self._take_body)

    def approves(self, *versions: int) -> None:
        summaries = [
            {
                "ModelPackageArn": f"{ARN}/{version}",
                "ModelPackageVersion": version,
                "CreationTime": datetime(2026, 3, 2, tzinfo=UTC),
                "ModelPackageStatus": "Completed",
            }
            for version in versions
        ]
        self.sagemaker.answers("list_model_packages", {"ModelPackageSummaryList": summaries})

    def describes(self, version: int, *containers: dict[str, Any]) -> None:
        answer = {
            "ModelPackageName": GROUP,
            "ModelPackageArn": f"{ARN}/{version}",
            "CreationTime": datetime(2026, 3, 2, tzinfo=UTC),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "InferenceSpecification": {"Containers": list(containers)},
        }
        self.sagemaker.answers(
            "describe_model_package", answer, ModelPackageName=f"{ARN}/{version}"
        )

    def denies_the_copy(self) -> None:
        self.approves(7)
        self.describes(7, {"Image": "i", "ModelDataUrl": MODEL})
        self.s3.refuses("copy_object", "AccessDenied", "Access Denied", **COPY)

    def run(self) -> int | None:
        with playing(self.sagemaker, self.s3):
            champions = Champions(self.sagemaker.client, self.s3.client)
            return champions.lay_out(GROUP, TARGET)

    def _take_body(self, params: dict[str, Any], **_: Any) -> None:
        key = "german-credit/executions/a1b2/champion/champion.json"
        assert (params["Bucket"], params["Key"]) == ("artifacts", key)
        self.written.append(json.loads(params["Body"].decode()))


COPY = {
    "Bucket": "artifacts",
    "Key": "german-credit/executions/a1b2/champion/model.tar.gz",
    "CopySource": {"Bucket": "artifacts", "Key": SOURCE},
}
LISTING = {"Bucket": "artifacts", "Prefix": SOURCE, "MaxKeys": 1}


def test_without_an_approved_version_the_file_says_so() -> None:
    service = Service()
    service.approves()
    service.s3.answers("put_object", {})
    assert service.run() is None
    assert service.written == [{"format": FORMAT, "status": "none"}]


def test_the_highest_approved_version_is_copied() -> None:
    service = Service()
    service.approves(2, 7, 3)
    service.describes(7, {"Image": "i", "ModelDataUrl": MODEL})
    service.s3.answers("copy_object", {}, **COPY)
    service.s3.answers("put_object", {})
    assert service.run() == 7
    expected = {"status": "approved", "version": 7, "model_package_arn": f"{ARN}/7"}
    assert service.written == [{"format": FORMAT, **expected}]


def test_a_champion_whose_artifact_is_gone_stops_nothing() -> None:
    service = Service()
    service.approves(7)
    service.describes(7, {"Image": "i", "ModelDataUrl": MODEL})
    service.s3.refuses("copy_object", "NoSuchKey", "The specified key does not exist.", **COPY)
    service.s3.answers("put_object", {})
    assert service.run() == 7
    assert service.written[0]["status"] == "lost"


@pytest.mark.parametrize("beginning_with_it", [[], [{"Key": f"{SOURCE}.bak"}]])
def test_a_champion_that_is_gone_is_lost_also_where_s3_denies_access(
    beginning_with_it: list[dict[str, Any]],
) -> None:
    service = Service()
    service.denies_the_copy()
    service.s3.answers("list_objects_v2", {"Contents": beginning_with_it}, **LISTING)
    service.s3.answers("put_object", {})
    assert service.run() == 7
    assert service.written[0]["status"] == "lost"


def test_a_refused_copy_of_an_artifact_that_is_there_is_not_swallowed() -> None:
    service = Service()
    service.denies_the_copy()
    service.s3.answers("list_objects_v2", {"Contents": [{"Key": SOURCE}]}, **LISTING)
    with pytest.raises(ClientError, match=r"AccessDenied.* CopyObject"):
        service.run()
    assert service.written == []


def test_a_copy_that_fails_otherwise_is_not_swallowed() -> None:
    service = Service()
    service.approves(7)
    service.describes(7, {"Image": "i", "ModelDataUrl": MODEL})
    service.s3.refuses("copy_object", "InternalError", "We encountered an internal error.", **COPY)
    with pytest.raises(ClientError, match="InternalError"):
        service.run()
    assert service.written == []


def test_a_package_without_an_artifact_is_named() -> None:
    service = Service()
    service.approves(7)
    service.describes(7, {"Image": "i"})
    with pytest.raises(LambdaError, match=f"{ARN}/7 names no model artifact"):
        service.run()


def test_function_and_image_speak_of_the_same_file() -> None:
    from best_training_job import champion as function

    assert (function.FILE_NAME, function.FORMAT) == (image.FILE_NAME, image.FORMAT)
    assert function.MODEL_NAME == ARCHIVE_NAME
