"""Package groups and packages, as a client of the model registry sees them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import FOR_EVENTS, RunningCloud, wait_for

pytestmark = pytest.mark.localcloud

SPECIFICATION = {
    "Containers": [
        {
            "Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/server:v1",
            "ModelDataUrl": "s3://bucket/model.tar.gz",
        }
    ],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


@pytest.fixture
def group(cloud: RunningCloud) -> Iterator[str]:
    sagemaker, name = cloud.client("sagemaker"), f"group-{time.time_ns()}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    yield name
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=name)
    for package in [p for page in pages for p in page["ModelPackageSummaryList"]]:
        sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def register(cloud: RunningCloud, group: str, **members: Any) -> str:
    made = cloud.client("sagemaker").create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION, **members
    )
    return str(made["ModelPackageArn"])


def error_of(call: Any, *args: Any, **kwargs: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_versions_count_from_one_and_wait_for_approval(cloud: RunningCloud, group: str) -> None:
    arns = [register(cloud, group), register(cloud, group, ModelApprovalStatus="Rejected")]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2"]
    described = [
        cloud.client("sagemaker").describe_model_package(ModelPackageName=arn) for arn in arns
    ]
    assert [d["ModelApprovalStatus"] for d in described] == ["PendingManualApproval", "Rejected"]
    assert described[0]["ModelPackageStatus"] == "Completed"
    assert described[0]["InferenceSpecification"]["Containers"] == SPECIFICATION["Containers"]


def test_a_version_number_is_never_given_twice(cloud: RunningCloud, group: str) -> None:
    cloud.client("sagemaker").delete_model_package(ModelPackageName=register(cloud, group))
    assert register(cloud, group).endswith("/2")


def test_a_client_token_makes_a_registration_safe_to_repeat(
    cloud: RunningCloud, group: str
) -> None:
    token = f"token-{time.time_ns()}"
    first, second = (register(cloud, group, ClientToken=token) for _ in range(2))
    assert first == second


def test_approval_is_announced_on_the_event_bus(cloud: RunningCloud, group: str) -> None:
    made = cloud.client("sqs").create_queue(QueueName=f"approvals-{group}", Attributes=FOR_EVENTS)
    queue = made["QueueUrl"]
    events = cloud.client("events")
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved"]},
    }
    events.put_rule(Name=group, EventPattern=json.dumps(pattern))
    target = f"arn:aws:sqs:us-east-1:{cloud.settings.account}:approvals-{group}"
    events.put_targets(Rule=group, Targets=[{"Id": "queue", "Arn": target}])
    arn = register(cloud, group)
    cloud.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good"
    )
    message = wait_for(
        lambda: cloud.client("sqs").receive_message(QueueUrl=queue).get("Messages"), "the event"
    )
    event = json.loads(message[0]["Body"])
    assert event["resources"] == [arn]
    assert event["detail"] == {
        "ModelPackageGroupName": group,
        "ModelPackageVersion": 1,
        "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Approved",
        "UpdatedModelPackageFields": ["ModelApprovalStatus", "ApprovalDescription"],
    }


def test_metadata_is_merged_and_removed(cloud: RunningCloud, group: str) -> None:
    arn = register(cloud, group, CustomerMetadataProperties={"a": "1", "b": "2"})
    sagemaker = cloud.client("sagemaker")
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"b": "3", "c": "4"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["CustomerMetadataProperties"] == {"b": "3", "c": "4"}


def test_packages_are_listed_by_group_status_and_page(cloud: RunningCloud, group: str) -> None:
    statuses = ["Approved", "Rejected", "Approved", "Approved"]
    arns = [register(cloud, group, ModelApprovalStatus=status) for status in statuses]
    pages = list(
        cloud.client("sagemaker")
        .get_paginator("list_model_packages")
        .paginate(
            ModelPackageGroupName=group,
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            PaginationConfig={"PageSize": 2},
        )
    )
    found = [p["ModelPackageArn"] for page in pages for p in page["ModelPackageSummaryList"]]
    assert found == [arns[3], arns[2], arns[0]]
    assert [len(page["ModelPackageSummaryList"]) for page in pages] == [2, 1]


def test_a_group_with_versions_is_not_deleted(cloud: RunningCloud, group: str) -> None:
    register(cloud, group)
    delete = cloud.client("sagemaker").delete_model_package_group
    assert error_of(delete, ModelPackageGroupName=group)[0] == "ConflictException"


def test_unknown_and_double_names_are_refused_with_awss_texts(
    cloud: RunningCloud, group: str
) -> None:
    sagemaker = cloud.client("sagemaker")
    again = error_of(sagemaker.create_model_package_group, ModelPackageGroupName=group)
    assert again[0] == "ValidationException"
    assert "already exists" in again[1]
    unknown = error_of(sagemaker.describe_model_package, ModelPackageName=f"{group}/9")
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{group}/9"
    assert unknown == ("ValidationException", f"ModelPackage {arn} does not exist.")


def test_only_an_approved_package_becomes_a_model(cloud: RunningCloud, group: str) -> None:
    sagemaker, arn = cloud.client("sagemaker"), register(cloud, group)
    request = {"ModelName": f"from-{group}", "PrimaryContainer": {"ModelPackageName": arn}}
    code, message = error_of(sagemaker.create_model, **request)
    assert code == "ValidationException"
    assert arn in message
    assert "not approved" in message
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(**request)
    assert "already existing model" in error_of(sagemaker.create_model, **request)[1]
    sagemaker.delete_model(ModelName=request["ModelName"])


def test_tags_are_added_replaced_listed_and_deleted(cloud: RunningCloud, group: str) -> None:
    sagemaker = cloud.client("sagemaker")
    arn = f"arn:aws:sagemaker:us-east-1:{cloud.settings.account}:model-package-group/{group}"
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": k, "Value": "1"} for k in "ab"])
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a", "absent"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
