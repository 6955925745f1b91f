"""Deleting stacks as CloudFormation does it: what it refuses, ministack deletes; and the processes
of functions that go with their stack end.

Beside `ministack_seam`, and under the same rule: its private interface, of a pinned version.
"""

import time
from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Any
from xml.etree import ElementTree

_BUCKET = "AWS::S3::Bucket"
_FUNCTION = "AWS::Lambda::Function"
_LOOK_SECONDS = 0.05
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


def end_workers_of_deleted_functions() -> None:
    """Once in a process. ministack ends them after DeleteFunction, not when a stack deletes one."""
    from ministack.services.cloudformation import provisioners

    delete_function = provisioners._lambda_delete

    def deleted(name: str, properties: dict[str, Any]) -> None:
        delete_function(name, properties)
        workers = _workers_of(name)
        if workers:
            Thread(target=_end, args=(workers,), name=f"end {name}", daemon=True).start()

    # The first is what deletes a function whose replacement has another name.
    provisioners._lambda_delete = deleted
    handlers = provisioners._RESOURCE_HANDLERS[_FUNCTION]
    provisioners._RESOURCE_HANDLERS[_FUNCTION] = {**handlers, "delete": deleted}


def _workers_of(function: str) -> list[Any]:
    """The warm processes of all its versions; of this request's account and region."""
    from ministack.core import lambda_runtime
    from ministack.core.responses import get_account_id, get_region

    place = [get_account_id(), get_region(), function]
    with lambda_runtime._lock:
        pools = list(lambda_runtime._workers.items())
    return [worker for key, pool in pools if key.split(":")[:3] == place for worker in pool]


def _end(workers: Sequence[Any]) -> None:
    """On a thread: an invocation that runs ends first, and its own time-out bounds it."""
    from ministack.core import lambda_runtime

    for worker in workers:
        while worker.in_use:
            time.sleep(_LOOK_SECONDS)
        with lambda_runtime._lock:
            for pool in lambda_runtime._workers.values():
                if worker in pool:
                    pool.remove(worker)
    lambda_runtime.kill_workers(workers)


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
