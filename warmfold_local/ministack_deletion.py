"""Deleting stacks as CloudFormation does it: what it refuses, ministack deletes.

Beside `ministack_seam`, and under the same rule: its private interface, of a pinned version.
"""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

_BUCKET = "AWS::S3::Bucket"
_DELETING = "DELETE_IN_PROGRESS"


def refuse_deletions() -> None:
    """Once in a process: of a bucket that is not empty, and of what another resource needs."""
    from ministack.services.cloudformation import provisioners, stacks

    handlers = provisioners._RESOURCE_HANDLERS[_BUCKET]
    provisioners._RESOURCE_HANDLERS[_BUCKET] = {**handlers, "delete": _delete_bucket}
    delete_resource = stacks._delete_resource

    def deleted(
        kind: str, physical_id: str, properties: dict[str, Any], stack: str, logical_id: str
    ) -> Any:
        _require_not_needed(stack, logical_id)
        return delete_resource(kind, physical_id, properties, stack, logical_id)

    stacks._delete_resource = deleted


def _delete_bucket(name: str, _properties: Mapping[str, Any]) -> None:
    """As DeleteBucket; ministack drops a stack's bucket with all that is in it."""
    from ministack.services import s3

    status, _, body = s3._delete_bucket(name)
    # S314: ministack wrote it.
    found = {part.tag: part.text for part in ElementTree.fromstring(body or "<Done/>")}  # noqa: S314
    code, message = found.get("Code"), found.get("Message")
    if code not in (None, "NoSuchBucket"):
        details = f"Service: Amazon S3; Status Code: {status}; Error Code: {code}"
        raise ValueError(f"{message} ({details})")


def _require_not_needed(stack_name: str, logical_id: str) -> None:
    """While a stack is deleted, a resource outlives those that depend on it: if one of them could
    not be deleted, what it needs has to be there for the next attempt."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import engine

    stack = cloudformation._stacks.get(stack_name)
    if stack is None or stack["StackStatus"] != _DELETING:
        return
    definitions = (stack.get("_template") or {}).get("Resources", {})
    left = [id for id in stack.get("_resources", {}) if id != logical_id and id in definitions]
    needing = [
        id for id in left if logical_id in engine._extract_deps(definitions[id], {logical_id})
    ]
    if needing:
        raise ValueError(f"{', '.join(sorted(needing))} could not be deleted, and needs it")
