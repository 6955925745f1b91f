"""Endpoints from the outside: served, invoked, updated blue/green, scaled, deleted."""

import io
import os
import tarfile

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import wait_for
from tests.localcloud.hosting_aids import Hosting, canary, error_rate

pytestmark = pytest.mark.localcloud


def test_an_endpoint_serves_its_model_under_the_hosting_contract(hosting: Hosting) -> None:
    config = hosting.config(hosting.cloud.tiny_server(), hosting.model_data("first"))
    endpoint = hosting.create(config)
    described = hosting.settled(endpoint)
    assert described["EndpointStatus"] == "InService"
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    answer = hosting.invoke(
        endpoint, b"a,1", ContentType="text/csv", Accept="application/json", CustomAttributes="c=1"
    )
    report = answer["Body"]
    assert report["model"] == "first"
    assert report["body"] == "a,1"
    assert report["arguments"] == ["serve"]
    assert report["environment"] == {"TEST_OF": config}
    assert report["credentials"] is False  # EnableNetworkIsolation
    assert report["headers"]["content-type"] == "text/csv"
    assert report["headers"]["accept"] == "application/json"
    assert "authorization" not in report["headers"]
    assert answer["CustomAttributes"] == "seen c=1"
    assert answer["InvokedProductionVariant"] == "main"
    assert answer["ContentType"] == "application/json"


def test_what_the_container_refuses_is_a_model_error(hosting: Hosting) -> None:
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server()))
    hosting.settled(endpoint)
    response = hosting.invoke_error(endpoint, b"bad row")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == 400
    assert response["OriginalMessage"] == "row 1: column age is missing"
    assert endpoint in response["LogStreamArn"]
    assert hosting.invoke(endpoint)["Body"]["body"] == "x"


def test_a_container_that_dies_is_named_with_its_exit_code(hosting: Hosting) -> None:
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server()))
    hosting.settled(endpoint)
    hosting.invoke_error(endpoint, b"crash")
    wait_for(
        lambda: "exit code 9" in hosting.invoke_error(endpoint, b"x")["OriginalMessage"], "code"
    )


def test_invocations_are_refused_as_the_service_refuses_them(hosting: Hosting) -> None:
    unknown = hosting.invoke_error("nobody", b"x")["Error"]
    assert unknown == {
        "Code": "ValidationError",
        "Message": "Endpoint nobody of account 000000000000 not found.",
    }
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server()))
    hosting.settled(endpoint)
    large = hosting.invoke_error(endpoint, bytes(6_291_457))["Error"]
    assert "6291456" in large["Message"]
    other = hosting.invoke_error(endpoint, b"x", TargetVariant="other")["Error"]
    assert other["Code"] == "ValidationError"


def test_an_update_switches_and_the_old_server_ends(hosting: Hosting) -> None:
    image = hosting.cloud.tiny_server()
    endpoint = hosting.create(hosting.config(image, hosting.model_data("old")))
    hosting.settled(endpoint)
    config = hosting.config(image, hosting.model_data("new"))
    hosting.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    described = hosting.settled(endpoint)
    assert described["EndpointConfigName"] == config
    assert hosting.invoke(endpoint)["Body"]["model"] == "new"
    assert "FailureReason" not in described


@pytest.mark.parametrize("fault", ["exit", "no image", "no model data", "links"])
def test_a_failed_update_keeps_the_old_model_serving(hosting: Hosting, fault: str) -> None:
    image = hosting.cloud.tiny_server()
    first = hosting.config(image, hosting.model_data("old"))
    endpoint = hosting.create(first)
    hosting.settled(endpoint)
    bad = {
        "exit": lambda: hosting.config(hosting.cloud.tiny_server("exit")),
        "no image": lambda: hosting.config(image + "-absent"),
        "no model data": lambda: hosting.config(image, "s3://models/absent.tar.gz"),
        "links": lambda: hosting.config(image, _linked_archive(hosting)),
    }[fault]()
    hosting.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=bad)
    described = hosting.settled(endpoint)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == first
    expected = {
        "exit": "did not pass the ping health check (the model container ended with exit code 3)",
        "no image": "has not been built",
        "no model data": "Could not find S3 object",
        "links": "is not a plain file",
    }[fault]
    assert expected in described["FailureReason"]
    assert hosting.invoke(endpoint)["Body"]["model"] == "old"


def test_a_failed_creation_says_why_and_serves_nothing(hosting: Hosting) -> None:
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server("exit")))
    described = hosting.settled(endpoint)
    assert described["EndpointStatus"] == "Failed"
    assert "exit code 3" in described["FailureReason"]
    assert hosting.invoke_error(endpoint, b"x")["Error"]["Code"] == "ValidationError"


def test_an_endpoint_in_progress_cannot_be_changed(hosting: Hosting) -> None:
    config = hosting.config(hosting.cloud.tiny_server())
    endpoint = hosting.create(config)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        hosting.sagemaker.delete_endpoint(EndpointName=endpoint)
    with pytest.raises(ClientError, match="already existing endpoint"):
        hosting.sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)


def test_a_scaled_variant_keeps_its_instance_type_and_its_count(hosting: Hosting) -> None:
    image, scaling = hosting.cloud.tiny_server(), hosting.cloud.client("application-autoscaling")
    endpoint = hosting.create(hosting.config(image))
    hosting.settled(endpoint)
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/main",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=3, MaxCapacity=5)
    retyped = hosting.config(image, InstanceType="ml.m5.xlarge")
    with pytest.raises(ClientError, match="main are registered as scalable targets"):
        hosting.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=retyped)
    hosting.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=hosting.config(image),
        RetainAllVariantProperties=True,
    )
    assert hosting.settled(endpoint)["ProductionVariants"][0]["DesiredInstanceCount"] == 3
    scaling.deregister_scalable_target(**target)
    hosting.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=retyped)
    assert hosting.settled(endpoint)["EndpointConfigName"] == retyped


def test_the_name_of_a_deleted_endpoint_can_be_used_again(hosting: Hosting) -> None:
    config = hosting.config(hosting.cloud.tiny_server(), hosting.model_data("again"))
    for _ in range(2):
        endpoint = hosting.create(config)
        assert hosting.settled(endpoint)["EndpointStatus"] == "InService"
        assert hosting.invoke(endpoint)["Body"]["model"] == "again"
        hosting.delete_all()


def test_no_container_outlives_its_endpoint(hosting: Hosting) -> None:
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server()))
    hosting.settled(endpoint)
    records = hosting.cloud.settings.state_dir / "children"
    pids = {int(path.stem) for path in records.glob("*.json")}
    assert pids
    hosting.delete_all()
    assert not list(records.glob("*.json"))
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def _linked_archive(hosting: Hosting) -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("model.txt")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    hosting.cloud.client("s3").put_object(
        Bucket="models", Key="linked.tar.gz", Body=packed.getvalue()
    )
    return "s3://models/linked.tar.gz"


def test_a_canary_that_fails_requests_is_rolled_back_by_its_own_metrics(hosting: Hosting) -> None:
    image = hosting.cloud.tiny_server()
    first = hosting.config(image, hosting.model_data("old"))
    endpoint = hosting.create(first)
    hosting.settled(endpoint)
    alarm = error_rate(hosting, endpoint)
    bad = hosting.config(image, hosting.model_data("new"))
    hosting.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=bad, DeploymentConfig=canary(alarm)
    )
    wait_for(lambda: hosting.invoke(endpoint)["Body"]["model"] == "new", "the canary's traffic")
    pending = hosting.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert pending["PendingDeploymentSummary"]["EndpointConfigName"] == bad
    for _ in range(20):
        hosting.invoke_error(endpoint, b"bad row")
    described = hosting.settled(endpoint)
    assert described["EndpointConfigName"] == first
    assert f"alarm(s) {alarm} went into the ALARM state" in described["FailureReason"]
    assert {hosting.invoke(endpoint)["Body"]["model"] for _ in range(10)} == {"old"}
    found = hosting.cloud.client("cloudwatch").describe_alarms(AlarmNames=[alarm])
    assert found["MetricAlarms"][0]["StateValue"] == "ALARM"
