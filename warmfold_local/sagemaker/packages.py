"""The model registry: package groups, their numbered versions, approval and its event."""

from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.modelled.quotas import Total
from warmfold_local.sagemaker.capacity import admit_total
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.tags import forget_tags, put_tags

GROUP = "Model package group"
PACKAGE = "Model package"
STATE_CHANGE = "SageMaker Model Package State Change"


def package_of(cloud: Cloud, name_or_arn: str) -> Record:
    """A package by ARN, or by the ARN's last part (``group/3``, or an unversioned name).

    Raises ``ValidationError`` for an unknown one.
    """
    arn = _package_arn(cloud, name_or_arn)
    record = cloud.table(PACKAGE).find(arn)
    if record is None:
        raise ValidationError(f"ModelPackage {arn} does not exist.")
    return record


def group_of(cloud: Cloud, name_or_arn: str) -> Record:
    name = name_or_arn.rpartition("/")[2]
    record = cloud.table(GROUP).find(name)
    if record is None:
        arn = cloud.arn(f"model-package-group/{name}")
        raise ValidationError(f"ModelPackageGroup {arn} does not exist.")
    return record


@operation("CreateModelPackageGroup")
def create_model_package_group(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    name = request["ModelPackageGroupName"]
    arn = cloud.arn(f"model-package-group/{name}")
    record = {
        **{key: value for key, value in request.items() if key != "Tags"},
        "ModelPackageGroupArn": arn,
        "CreationTime": cloud.now(),
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
        "_versions": 0,
    }
    with cloud.lock:
        if cloud.table(GROUP).find(name) is not None:
            raise ValidationError(f"Model Package Group already exists: {arn}")
        cloud.table(GROUP).add(name, record)
    put_tags(cloud, arn, request.get("Tags"))
    return {"ModelPackageGroupArn": arn}


@operation("DescribeModelPackageGroup")
def describe_model_package_group(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return group_of(cloud, request["ModelPackageGroupName"])


@operation("ListModelPackageGroups")
def list_model_package_groups(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        raise UnsupportedOperation("ListModelPackageGroups", "other accounts' groups of")
    return list_page(
        request,
        cloud.table(GROUP),
        result="ModelPackageGroupSummaryList",
        name="ModelPackageGroupName",
        default_order="Ascending",
    )


@operation("DeleteModelPackageGroup")
def delete_model_package_group(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Raises ``ConflictException`` while versions are left (sagemaker: DeleteModelPackageGroup)."""
    with cloud.lock:
        record = group_of(cloud, request["ModelPackageGroupName"])
        name = record["ModelPackageGroupName"]
        if any(p.get("ModelPackageGroupName") == name for p in cloud.table(PACKAGE)):
            raise ServiceError(
                "ConflictException",
                f"Model Package Group cannot be deleted because it still contains Model Packages: "
                f"{record['ModelPackageGroupArn']}",
            )
        cloud.table(GROUP).remove(name)
    forget_tags(cloud, record["ModelPackageGroupArn"])
    return {}


@operation("CreateModelPackage")
def create_model_package(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """A new version of a group (PendingManualApproval by default), or an unversioned package.

    A ``ClientToken`` seen before answers the package that it made.
    """
    with cloud.lock:
        made = _made_with(cloud, request.get("ClientToken"))
        if made is not None:
            return {"ModelPackageArn": made["ModelPackageArn"]}
        record = _new_package(cloud, request)
        arn = record["ModelPackageArn"]
        if cloud.table(PACKAGE).find(arn) is not None:
            raise ValidationError(f"Model Package already exists: {arn}")
        admit_total(cloud, Total.PACKAGES, len(cloud.table(PACKAGE).records))
        cloud.table(PACKAGE).add(arn, record)
    put_tags(cloud, arn, request.get("Tags"))
    _announce(cloud, record, updated=[])
    return {"ModelPackageArn": arn}


@operation("DescribeModelPackage")
def describe_model_package(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """A version's ``ModelPackageName`` is its group's name."""
    record = package_of(cloud, request["ModelPackageName"])
    return {"ModelPackageName": record.get("ModelPackageGroupName"), **record}


@operation("UpdateModelPackage")
def update_model_package(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Approve, reject, or change a package's metadata; any approval change is allowed."""
    if request.get("AdditionalInferenceSpecificationsToAdd"):
        raise UnsupportedOperation("UpdateModelPackage", "additional inference specifications of")
    changes = {k: v for k, v in request.items() if k not in ("ModelPackageArn", "ClientToken")}
    removed = changes.pop("CustomerMetadataPropertiesToRemove", [])
    with cloud.lock:
        record = package_of(cloud, request["ModelPackageArn"])
        metadata = record.get("CustomerMetadataProperties", {})
        metadata |= changes.pop("CustomerMetadataProperties", {})
        updated = [key for key, value in changes.items() if record.get(key) != value]
        record |= changes | {"LastModifiedTime": cloud.now(), "LastModifiedBy": {}}
        record["CustomerMetadataProperties"] = {
            key: value for key, value in metadata.items() if key not in removed
        }
    _announce(cloud, record, updated)
    return {"ModelPackageArn": record["ModelPackageArn"]}


@operation("DeleteModelPackage")
def delete_model_package(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    record = package_of(cloud, request["ModelPackageName"])
    cloud.table(PACKAGE).remove(record["ModelPackageArn"])
    forget_tags(cloud, record["ModelPackageArn"])
    return {}


@operation("ListModelPackages")
def list_model_packages(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Versioned packages only if the request names a group or asks for them (ModelPackageType)."""
    group = request.get("ModelPackageGroupName")
    wanted = request.get("ModelApprovalStatus")
    kind = request.get("ModelPackageType", "Versioned" if group is not None else "Unversioned")
    name = group_of(cloud, group)["ModelPackageGroupName"] if group is not None else None
    found = [
        record
        for record in cloud.table(PACKAGE)
        if (name is None or record.get("ModelPackageGroupName") == name)
        and (wanted is None or record.get("ModelApprovalStatus") == wanted)
        and kind in ("Both", _kind_of(record))
    ]
    return list_page(
        request,
        found,
        result="ModelPackageSummaryList",
        name="_sort_name",
        default_order="Ascending",
    )


def _kind_of(record: Record) -> str:
    return "Versioned" if "ModelPackageGroupName" in record else "Unversioned"


def _made_with(cloud: Cloud, token: str | None) -> Record | None:
    if token is None:
        return None
    return next((r for r in cloud.table(PACKAGE) if r.get("_client_token") == token), None)


def _new_package(cloud: Cloud, request: dict[str, Any]) -> Record:
    group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
    if (group is None) == (name is None):
        raise ValidationError(
            "Exactly one of ModelPackageGroupName (a new version) and ModelPackageName (an "
            "unversioned package) must be provided."
        )
    if not request.get("InferenceSpecification", {}).get("Containers"):
        raise ValidationError("InferenceSpecification must name at least one container.")
    record = {
        **{k: v for k, v in request.items() if k not in ("Tags", "ClientToken")},
        "CreationTime": cloud.now(),
        "CreatedBy": {},
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": request.get("CertifyForMarketplace", False),
        "_client_token": request.get("ClientToken"),
    }
    if group is None:
        return record | {
            "ModelPackageArn": cloud.arn(f"model-package/{name}"),
            "_sort_name": name,
        }
    return record | _next_version(cloud, group, request)


def _next_version(cloud: Cloud, group: str, request: dict[str, Any]) -> Record:
    """Numbers are never given twice, also after a version was deleted."""
    owner = group_of(cloud, group)
    owner["_versions"] += 1
    version, name = owner["_versions"], owner["ModelPackageGroupName"]
    return {
        "ModelPackageGroupName": name,
        "ModelPackageVersion": version,
        "ModelPackageArn": cloud.arn(f"model-package/{name}/{version}"),
        "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
        "_sort_name": f"{name}/{version:06d}",
    }


def _package_arn(cloud: Cloud, name_or_arn: str) -> str:
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return cloud.arn(f"model-package/{name_or_arn}")


def _announce(cloud: Cloud, record: Record, updated: list[str]) -> None:
    """The approval event ("Automating SageMaker with EventBridge"), for versioned packages."""
    if "ModelPackageGroupName" not in record:
        return
    members = (
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelPackageArn",
        "ModelPackageStatus",
        "ModelApprovalStatus",
    )
    cloud.publish(
        source="aws.sagemaker",
        detail_type=STATE_CHANGE,
        detail={**{m: record[m] for m in members}, "UpdatedModelPackageFields": updated},
        resources=[record["ModelPackageArn"]],
    )
