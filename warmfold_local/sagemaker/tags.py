"""Tags of any SageMaker resource, by ARN: AddTags, ListTags, DeleteTags."""

from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.protocol import operation

# "An array of key-value pairs … Maximum number of 50 items" (botocore: TagList).
TAG_LIMIT = 50
_KIND = "Tags"


def put_tags(cloud: Cloud, arn: str, tags: list[dict[str, str]] | None) -> None:
    """Add or replace tags; the ``Tags`` member of a Create request may be handed in as it is."""
    if not tags:
        return
    with cloud.lock:
        merged = tags_of(cloud, arn) | {tag["Key"]: tag["Value"] for tag in tags}
        if len(merged) > TAG_LIMIT:
            raise ValidationError(f"Too many tags: at most {TAG_LIMIT} a resource are allowed")
        _replace(cloud, arn, merged)


def tags_of(cloud: Cloud, arn: str) -> dict[str, str]:
    record = cloud.table(_KIND).find(arn)
    return dict(record["tags"]) if record is not None else {}


def forget_tags(cloud: Cloud, arn: str) -> None:
    """When the resource is deleted."""
    cloud.table(_KIND).remove(arn)


@operation("AddTags")
def add_tags(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    put_tags(cloud, request["ResourceArn"], request["Tags"])
    return {"Tags": _as_list(tags_of(cloud, request["ResourceArn"]))}


@operation("ListTags")
def list_tags(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """At most 50 tags: one page always holds them all."""
    return {"Tags": _as_list(tags_of(cloud, request["ResourceArn"]))}


@operation("DeleteTags")
def delete_tags(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    with cloud.lock:
        kept = tags_of(cloud, request["ResourceArn"])
        for key in request["TagKeys"]:
            kept.pop(key, None)
        _replace(cloud, request["ResourceArn"], kept)
    return {}


def _replace(cloud: Cloud, arn: str, tags: dict[str, str]) -> None:
    cloud.table(_KIND).remove(arn)
    cloud.table(_KIND).add(arn, {"tags": tags})


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
