"""ministack's saved state, as text by service: read and mended without ministack.

Its format is ministack's own (``core/persistence.py``): a version, and a payload whose scoped
dictionaries are written as ``{"__account_region_scoped__": true, "data": {…}}``.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

STACKS = "cloudformation"

INTERRUPTED = "The local cloud was restarted while this operation ran."

# What a stack's operation that was cut off ends as: what CloudFormation lets a user go on from.
_ENDED = {
    "CREATE_IN_PROGRESS": "CREATE_FAILED",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_IN_PROGRESS": "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_FAILED",
}

# The table that holds the resources of a CloudFormation type; a record's name is the physical id,
# or its last part.
_TABLES = {
    "AWS::SageMaker::Endpoint": "Endpoint",
    "AWS::SageMaker::EndpointConfig": "Endpoint configuration",
    "AWS::SageMaker::Model": "Model",
    "AWS::SageMaker::ModelPackageGroup": "Model package group",
    "AWS::SageMaker::Pipeline": "Pipeline",
}


def write_services(folder: Path, services: Mapping[str, str]) -> None:
    """Put the files where ministack looks for them at its start; interrupted stacks are mended."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in services.items():
        wanted = _mended(text) if name == STACKS else text
        (folder / f"{name}.json").write_text(wanted, encoding="utf-8")


def stack_resources(text: str) -> Iterator[tuple[str, str, str]]:
    """Stack, table and record name of each SageMaker resource that a saved stack has."""
    for stack in _stacks(json.loads(text)):
        if stack.get("StackStatus") == "DELETE_COMPLETE":
            continue
        for resource in stack.get("_resources", {}).values():
            table = _TABLES.get(resource.get("ResourceType"))
            if table is not None and resource.get("PhysicalResourceId"):
                name = resource["PhysicalResourceId"].rpartition("/")[2]
                yield stack.get("StackName", ""), table, name


def _mended(text: str) -> str:
    saved = json.loads(text)
    for stack in _stacks(saved):
        ended = _ENDED.get(stack.get("StackStatus", ""))
        if ended is not None:
            stack |= {"StackStatus": ended, "StackStatusReason": INTERRUPTED}
    return json.dumps(saved)


def _stacks(saved: dict[str, Any]) -> Iterator[dict[str, Any]]:
    stacks = saved["payload"]["stacks"]
    yield from stacks.get("data", stacks).values()
