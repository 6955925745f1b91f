"""Batches and endpoints under bad records and broken artifacts (the table in docs/faults.md)."""

import gzip
import io
import tarfile
import time
from typing import Any

import pytest

from tests.localcloud.conftest import RunningCloud, wait_for
from tests.localcloud.fault_aids import bucket, new_name
from tests.localcloud.hosting_aids import Hosting
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud


def transformed(cloud: RunningCloud, model: str, store: str) -> dict[str, Any]:
    sagemaker, name = cloud.client("sagemaker"), new_name("transform")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{store}/day/"}}
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        BatchStrategy="SingleRecord",
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{store}/out", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=name)
        return job if job["TransformJobStatus"] in ("Completed", "Failed") else None

    job: dict[str, Any] = wait_for(found, "the transform ended")
    return job


def stored(cloud: RunningCloud, store: str, prefix: str) -> dict[str, bytes]:
    s3 = cloud.client("s3")
    listed = s3.list_objects_v2(Bucket=store, Prefix=prefix).get("Contents", [])
    return {
        each["Key"]: s3.get_object(Bucket=store, Key=each["Key"])["Body"].read() for each in listed
    }


def test_25_an_answer_that_is_not_whole_in_time_is_a_model_error_and_the_container_lives(
    faults: FaultsClient,
    hosting: Hosting,
) -> None:
    """Each byte comes in time, and the whole would take two seconds."""
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server()))
    hosting.settled(endpoint)
    before = hosting.invoke(endpoint)["Body"]["pid"]
    faults.add(kind="endpoint", match=endpoint, limit_seconds=0.5)
    started = time.monotonic()
    response = hosting.invoke_error(endpoint, b"drip")
    assert 0.5 <= time.monotonic() - started < 1.8
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 0
    assert "timed out while waiting for a response" in response["OriginalMessage"]
    assert hosting.invoke(endpoint)["Body"]["pid"] == before


def test_25_an_answer_that_breaks_off_is_a_model_error(hosting: Hosting) -> None:
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server()))
    hosting.settled(endpoint)
    response = hosting.invoke_error(endpoint, b"break off")
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == 500
    assert "IncompleteRead" in response["OriginalMessage"]


def test_26_one_bad_record_costs_its_file_and_a_rerun_gives_the_rest_again(
    cloud: RunningCloud,
    hosting: Hosting,
) -> None:
    store, s3 = bucket(cloud), cloud.client("s3")
    for key, body in (("a", b"x\ny\n"), ("b", b"x\nbad row\n"), ("c", b"z\n")):
        s3.put_object(Bucket=store, Key=f"day/{key}.csv", Body=body)
    model = hosting.config(cloud.tiny_server(), hosting.model_data("m"))
    job = transformed(cloud, model, store)
    assert job["TransformJobStatus"] == "Failed"
    assert "1 of 3 input objects" in job["FailureReason"]
    assert "bad row" not in job["FailureReason"]  # no data in a message
    first = stored(cloud, store, "out/")
    assert sorted(first) == ["out/a.csv.out", "out/c.csv.out"]
    s3.put_object(Bucket=store, Key="day/b.csv", Body=b"x\n")
    assert transformed(cloud, model, store)["TransformJobStatus"] == "Completed"
    second = stored(cloud, store, "out/")
    assert sorted(second) == ["out/a.csv.out", "out/b.csv.out", "out/c.csv.out"]
    assert (
        len(second["out/a.csv.out"].splitlines()) == len(first["out/a.csv.out"].splitlines()) == 2
    )


def archive(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> bytes:
    """A model archive of one member, which is a link to a file of the system if it is a link."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        member = tarfile.TarInfo(name)
        member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
        target.addfile(member, io.BytesIO(content))
    return packed.getvalue()


BROKEN = {
    "empty": b"",
    "no gzip": b"this is no archive at all",
    "truncated": archive("model.txt", b"m" * 4000)[:60],
    "gzip of no tar": gzip.compress(b"x" * 2000),
    "parent": archive("../outside.txt", b"m"),
    "absolute": archive("/tmp/outside.txt", b"m"),
    "link": archive("model.txt", kind=tarfile.SYMTYPE),
    "hard link": archive("model.txt", kind=tarfile.LNKTYPE),
    "device": archive("model.txt", kind=tarfile.CHRTYPE),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_21_22_a_broken_model_is_not_served_and_the_old_one_is(
    hosting: Hosting,
    kind: str,
) -> None:
    image = hosting.cloud.tiny_server()
    first = hosting.config(image, hosting.model_data("old"))
    endpoint = hosting.create(first)
    hosting.settled(endpoint)
    key = new_name("broken")
    hosting.cloud.client("s3").put_object(Bucket="models", Key=key, Body=BROKEN[kind])
    bad = hosting.config(image, f"s3://models/{key}")
    hosting.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=bad)
    described = hosting.settled(endpoint)
    assert described["EndpointConfigName"] == first
    assert "Failed to load model data" in described["FailureReason"]
    assert hosting.invoke(endpoint)["Body"]["model"] == "old"
    assert not list(hosting.cloud.settings.state_dir.rglob("outside.txt"))
    created = hosting.settled(hosting.create(bad))
    assert created["EndpointStatus"] == "Failed"
