"""Policies and batches of packages, weights of endpoints, quotas: in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.pipelines.aids import make_cloud, wait_until
from warmfold_local import service_quotas
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker import (  # noqa: F401 - the operations register themselves
    endpoint_weights,
    package_policies,
    packages,
)
from warmfold_local.sagemaker.protocol import call

GROUP = {"ModelPackageGroupName": "group"}
SPECIFICATION = {"Containers": [{"Image": "server", "ModelDataUrl": "s3://bucket/model.tar.gz"}]}
STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "sagemaker:Describe*", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return make_cloud(tmp_path)


@pytest.fixture
def group(cloud: Cloud) -> dict[str, str]:
    call(cloud, "CreateModelPackageGroup", GROUP)
    return GROUP


def test_a_groups_policy_is_kept_until_it_is_deleted(cloud: Cloud, group: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="Cannot find resource policy"):
        call(cloud, "GetModelPackageGroupPolicy", group)
    call(cloud, "PutModelPackageGroupPolicy", {**group, "ResourcePolicy": POLICY})
    assert call(cloud, "GetModelPackageGroupPolicy", group) == {"ResourcePolicy": POLICY}
    call(cloud, "DeleteModelPackageGroupPolicy", group)
    with pytest.raises(ValidationError, match="Cannot find resource policy"):
        call(cloud, "DeleteModelPackageGroupPolicy", group)


@pytest.mark.parametrize("policy", ["{", "[]", '{"Version": "2012-10-17"}'])
def test_what_is_no_policy_is_refused(cloud: Cloud, group: dict[str, str], policy: str) -> None:
    with pytest.raises(ValidationError, match="ResourcePolicy"):
        call(cloud, "PutModelPackageGroupPolicy", {**group, "ResourcePolicy": policy})


def test_a_batch_answers_what_is_there_and_what_is_not(cloud: Cloud, group: dict[str, str]) -> None:
    request = {**group, "InferenceSpecification": SPECIFICATION}
    arn = call(cloud, "CreateModelPackage", request)["ModelPackageArn"]
    other = arn[:-1] + "7"
    answer = call(cloud, "BatchDescribeModelPackage", {"ModelPackageArnList": [arn, other]})
    assert set(answer["ModelPackageSummaries"]) == {arn}
    assert set(answer["BatchDescribeModelPackageErrorMap"]) == {other}
    assert answer["BatchDescribeModelPackageErrorMap"][other]["ErrorCode"] == "ValidationException"


def test_a_packages_life_cycle_stage_is_kept_and_changed(
    cloud: Cloud, group: dict[str, str]
) -> None:
    stage = {"Stage": "Development", "StageStatus": "InProgress"}
    request = {**group, "InferenceSpecification": SPECIFICATION, "ModelLifeCycle": stage}
    arn = call(cloud, "CreateModelPackage", request)["ModelPackageArn"]
    staging = {"Stage": "Staging", "StageStatus": "Approved", "StageDescription": "tested"}
    call(cloud, "UpdateModelPackage", {"ModelPackageArn": arn, "ModelLifeCycle": staging})
    described = call(cloud, "DescribeModelPackage", {"ModelPackageName": arn})
    assert described["ModelLifeCycle"] == staging


@pytest.fixture
def endpoint(cloud: Cloud) -> dict[str, Any]:
    def variant(name: str, weight: float) -> dict[str, Any]:
        figures = {"CurrentWeight": weight, "DesiredWeight": weight}
        counts = {"CurrentInstanceCount": 1, "DesiredInstanceCount": 1}
        return {"VariantName": name, **figures, **counts}

    record = {
        "EndpointName": "live",
        "EndpointArn": cloud.arn("endpoint/live"),
        "EndpointStatus": "InService",
        "ProductionVariants": [variant("blue", 1.0), variant("green", 0.0)],
        "CreationTime": cloud.now(),
    }
    return cloud.table("Endpoint").add("live", record)


def weigh(cloud: Cloud, *items: dict[str, Any]) -> dict[str, Any]:
    request = {"EndpointName": "live", "DesiredWeightsAndCapacities": list(items)}
    return call(cloud, "UpdateEndpointWeightsAndCapacities", request)


def test_weights_and_counts_change_on_the_fleet_that_serves(
    cloud: Cloud, endpoint: dict[str, Any]
) -> None:
    green = {"VariantName": "green", "DesiredWeight": 3.0, "DesiredInstanceCount": 2}
    assert weigh(cloud, green) == {"EndpointArn": endpoint["EndpointArn"]}
    wait_until(lambda: endpoint["EndpointStatus"] == "InService")
    blue, changed = endpoint["ProductionVariants"]
    assert (blue["CurrentWeight"], blue["CurrentInstanceCount"]) == (1.0, 1)
    assert (changed["CurrentWeight"], changed["CurrentInstanceCount"]) == (3.0, 2)


@pytest.mark.parametrize(
    "item, text",
    [
        ({"VariantName": "red", "DesiredWeight": 1.0}, "red"),
        ({"VariantName": "blue", "DesiredInstanceCount": 0}, "at least 1"),
    ],
)
def test_figures_that_cannot_hold_change_nothing(
    cloud: Cloud, endpoint: dict[str, Any], item: dict[str, Any], text: str
) -> None:
    before = json.dumps(endpoint["ProductionVariants"])
    with pytest.raises(ValidationError, match=text):
        weigh(cloud, item)
    assert json.dumps(endpoint["ProductionVariants"]) == before
    assert endpoint["EndpointStatus"] == "InService"


def test_an_endpoint_that_is_changing_is_left_alone(cloud: Cloud, endpoint: dict[str, Any]) -> None:
    endpoint["EndpointStatus"] = "Updating"
    with pytest.raises(ValidationError, match="Cannot update in-progress endpoint"):
        weigh(cloud, {"VariantName": "blue", "DesiredWeight": 2.0})


def test_serverless_figures_are_refused(cloud: Cloud, endpoint: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedOperation, match="ServerlessUpdateConfig"):
        weigh(cloud, {"VariantName": "blue", "ServerlessUpdateConfig": {"MaxConcurrency": 1}})


def quota(cloud: Cloud, operation: str, **members: str) -> dict[str, Any]:
    request = {"ServiceCode": "sagemaker", **members}
    return call(cloud, operation, request, service_quotas.SERVICE)


def limit(cloud: Cloud, **values: Any) -> None:
    (cloud.settings.state_dir / "limits.json").write_text(json.dumps(values), encoding="utf-8")


def test_without_limits_a_quota_is_awss_default(cloud: Cloud) -> None:
    pool = quota(cloud, "GetServiceQuota", QuotaCode="L-0BEF44E8")["Quota"]
    assert (pool["Value"], pool["Adjustable"]) == (0.0, True)
    rate = quota(cloud, "GetServiceQuota", QuotaCode="L-21A1652A")["Quota"]
    assert (rate["Value"], rate["Adjustable"]) == (1.0, False)


def test_configured_limits_are_the_values_that_hold(cloud: Cloud) -> None:
    pool = "ml.m5.xlarge for training warm pool usage"
    other = "ml.m7i.large for training job usage"
    total = "Number of instances across all training jobs"
    quotas = {pool: 4, other: 8}
    limit(cloud, quotas=quotas, account={total: 6}, rates={"CreateTrainingJob": 20})
    listed = {item["QuotaName"]: item for item in quota(cloud, "ListServiceQuotas")["Quotas"]}
    values = {name: item["Value"] for name, item in listed.items()}
    expected = {**quotas, total: 6.0, "Rate of CreateTrainingJob requests": 20.0}
    assert {name: values[name] for name in expected} == expected
    assert values["Number of instances across all transform jobs"] == 4.0  # AWS's default
    assert listed[total]["QuotaCode"] == "L-00C91CB5"
    code = listed[other]["QuotaCode"]
    assert code.startswith("local-")
    assert quota(cloud, "GetServiceQuota", QuotaCode=code)["Quota"]["Value"] == 8.0
    default = quota(cloud, "GetAWSDefaultServiceQuota", QuotaCode="L-0BEF44E8")["Quota"]
    assert default["Value"] == 0.0


@pytest.mark.parametrize(
    "members", [{"QuotaCode": "L-00000000"}, {"ServiceCode": "s3", "QuotaCode": "L-0BEF44E8"}]
)
def test_an_unknown_quota_is_not_found(cloud: Cloud, members: dict[str, str]) -> None:
    with pytest.raises(ServiceError) as caught:
        quota(cloud, "GetServiceQuota", **members)
    assert caught.value.code == "NoSuchResourceException"
