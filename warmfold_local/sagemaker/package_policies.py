"""What surrounds model packages: resource policies of groups, and many packages at a time."""

import json
from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.sagemaker.packages import group_of, package_of
from warmfold_local.sagemaker.protocol import operation


@operation("PutModelPackageGroupPolicy")
def put_model_package_group_policy(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Replaces the policy. It must be a JSON object with statements; it is stored as it is."""
    policy = request["ResourcePolicy"]
    try:
        document = json.loads(policy)
    except ValueError as error:
        raise ValidationError(f"ResourcePolicy is not JSON: {error}") from error
    if not isinstance(document, dict) or not document.get("Statement"):
        raise ValidationError("ResourcePolicy is not a policy document: it has no Statement.")
    with cloud.lock:
        record = group_of(cloud, request["ModelPackageGroupName"])
        record["_policy"] = policy
    return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}


@operation("GetModelPackageGroupPolicy")
def get_model_package_group_policy(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    record = group_of(cloud, request["ModelPackageGroupName"])
    if "_policy" not in record:
        raise ValidationError(f"Cannot find resource policy for: {record['ModelPackageGroupArn']}")
    return {"ResourcePolicy": record["_policy"]}


@operation("DeleteModelPackageGroupPolicy")
def delete_model_package_group_policy(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    with cloud.lock:
        record = group_of(cloud, request["ModelPackageGroupName"])
        if record.pop("_policy", None) is None:
            arn = record["ModelPackageGroupArn"]
            raise ValidationError(f"Cannot find resource policy for: {arn}")
    return {}


@operation("BatchDescribeModelPackage")
def batch_describe_model_package(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Packages that are not there are answered beside those that are."""
    found: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for arn in request["ModelPackageArnList"]:
        try:
            found[arn] = package_of(cloud, arn)
        except ServiceError as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}
