"""Data capture from the outside: real invocations, and the files that S3 has of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.localcloud.hosting_aids import Hosting
from tests.localcloud.iam_aids import Roles, statement
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud

BUCKET = "captures"
_KEY = re.compile(
    r"(?P<endpoint>[^/]+)/main/\d{4}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl"
)


class Capturing(Hosting):
    """Endpoints that capture all below a prefix of this test."""

    def capturing(self, role: str = ROLE, **changes: Any) -> str:
        """A new configuration; returns its name."""
        model = self.config(self.cloud.tiny_server(), role=role)
        capture = {
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/{self.prefix}",
            "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
            "CaptureContentTypeHeader": {
                "JsonContentTypes": ["application/json"],
                "CsvContentTypes": ["text/csv"],
            },
            **changes,
        }
        variant = {"VariantName": "main", "ModelName": model, "InstanceType": "ml.m5.large"}
        name = f"{model}-capturing"
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant], DataCaptureConfig=capture
        )
        return name

    def keys(self) -> list[str]:
        listed = self.cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=self.prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def records(self) -> list[dict[str, Any]]:
        s3 = self.cloud.client("s3")
        bodies = [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in self.keys()]
        return [json.loads(line) for body in bodies for line in body.decode().splitlines()]


@pytest.fixture
def hosting(cloud: RunningCloud) -> Iterator[Capturing]:
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    made = Capturing(cloud)
    yield made
    made.delete_all()


def test_requests_and_answers_are_found_in_s3_once_the_endpoint_is_gone(
    hosting: Capturing,
) -> None:
    kms = hosting.cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    alias = f"alias/{hosting.prefix}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    alias_arn = f"{key.rpartition(':')[0]}:{alias}"
    endpoint = hosting.create(hosting.capturing(KmsKeyId=alias_arn))
    described = hosting.settled(endpoint)
    assert described["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/{hosting.prefix}",
        "KmsKeyId": alias_arn,
    }
    answer = hosting.invoke(
        endpoint, b"a,1", ContentType="text/csv", CustomAttributes="c=1", InferenceId="case-7"
    )["Body"]
    hosting.invoke_error(endpoint, b"bad row", ContentType="text/csv")
    hosting.delete_all()
    hosting._endpoints.clear()
    (record,) = hosting.records()
    asked, answered = (record["captureData"][f"endpoint{way}"] for way in ("Input", "Output"))
    assert (asked["data"], asked["encoding"], asked["mode"]) == ("a,1", "CSV", "INPUT")
    assert (json.loads(answered["data"]), answered["encoding"]) == (answer, "JSON")
    metadata = record["eventMetadata"]
    assert (metadata["customAttributes"], metadata["inferenceId"]) == (["c=1"], "case-7")
    (found,) = hosting.keys()
    place = _KEY.fullmatch(found.removeprefix(f"{hosting.prefix}/"))
    assert place is not None
    assert place["endpoint"] == endpoint
    head = hosting.cloud.client("s3").head_object(Bucket=BUCKET, Key=found)
    assert head["ServerSideEncryption"] == "aws:kms"


def test_an_update_writes_what_the_old_fleet_captured_and_may_end_it(hosting: Capturing) -> None:
    endpoint = hosting.create(hosting.capturing())
    hosting.settled(endpoint)
    hosting.invoke(endpoint, b"old", ContentType="text/csv")
    hosting.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=hosting.config(hosting.cloud.tiny_server())
    )
    assert "DataCaptureConfig" not in hosting.settled(endpoint)
    assert [record["captureData"]["endpointInput"]["data"] for record in hosting.records()] == [
        "old"
    ]


def test_a_role_that_may_not_write_costs_the_capture_and_no_answer(hosting: Capturing) -> None:
    roles = Roles(hosting.cloud)
    writes = statement("s3:PutObject", resource=f"arn:aws:s3:::{BUCKET}/elsewhere/*")
    role = roles.make("model", statement("ecr:*", "logs:*", "cloudwatch:*"), writes)
    endpoint = hosting.create(hosting.capturing(role=role))
    assert hosting.settled(endpoint)["EndpointStatus"] == "InService"
    assert hosting.invoke(endpoint, ContentType="text/csv")["Body"]["body"] == "x"
    wait_for(lambda: "s3:PutObject" in {ask.action for ask in roles.use(role).denied}, "a refusal")
    assert hosting.keys() == []


def test_what_a_failing_s3_did_not_take_is_written_when_it_works_again(
    hosting: Capturing, faults: FaultsClient
) -> None:
    endpoint = hosting.create(hosting.capturing())
    hosting.settled(endpoint)
    faults.add(
        kind="s3",
        match=f"{BUCKET}/{hosting.prefix}/*",
        method="PUT",
        error="AccessDenied",
        times=2,
    )
    assert hosting.invoke(endpoint, ContentType="text/csv")["Body"]["body"] == "x"
    (record,) = wait_for(hosting.records, "the captured request")
    assert record["captureData"]["endpointInput"]["data"] == "x"
