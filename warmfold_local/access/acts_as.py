"""Whom CloudFormation acts as: the role that a stack's operation names, or was given before.

"If you don't specify a value, CloudFormation uses the role that was previously associated with the
stack. If no role is available, CloudFormation uses a temporary session that is generated from your
user credentials" (API reference, UpdateStack).
"""

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

from warmfold_local.access.asks import Ask
from warmfold_local.auth import HttpRequest
from warmfold_local.cloud import Cloud, Identity
from warmfold_local.errors import ServiceError, ValidationError

KIND = "Stack role"
PRINCIPAL = "cloudformation.amazonaws.com"
SESSION = "AWSCloudFormation"

_STARTS = ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ExecuteChangeSet")

# Both are copied into the tasks and threads that work on the stack.
_identity: contextvars.ContextVar[Identity | None] = contextvars.ContextVar("acts_as", default=None)
_requested: contextvars.ContextVar[str] = contextvars.ContextVar("requested", default="")


def identity() -> Identity | None:
    """Of the stack that is being worked on; ``None`` if its owner started it, without a role."""
    return _identity.get()


def requested_role() -> str:
    """``cloudformation:RoleArn`` of the request that is being served; empty without one."""
    return _requested.get()


@contextmanager
def stack_operation(cloud: Cloud, request: HttpRequest) -> Iterator[None]:
    """Serve one request to CloudFormation, as ``cloud.identity``.

    Raises ``ServiceError`` if the caller may not pass the role, or CloudFormation not assume it.
    """
    text = f"{request.query_string}&{request.body.decode('utf-8', 'replace')}"
    form = dict(parse_qsl(text))
    role = form.get("RoleARN", "")
    tokens = _identity.set(_acting(cloud, form, role)), _requested.set(role)
    try:
        yield
    finally:
        _identity.reset(tokens[0])
        _requested.reset(tokens[1])


def _acting(cloud: Cloud, form: dict[str, str], role: str) -> Identity | None:
    action, access = form.get("Action", ""), cloud.access
    if access is None or action not in _STARTS:
        return cloud.identity
    if role:
        _require(cloud, role)
    stack = _stack(form)
    created = action == "CreateStack" or form.get("ChangeSetType") == "CREATE"
    with cloud.lock:
        table = cloud.table(KIND)
        if role or created:
            table.remove(stack)
        if role:
            table.add(stack, {"RoleArn": role})
        known = table.find(stack)
    return cloud.identity if known is None else access.identity(known["RoleArn"], SESSION)


def _require(cloud: Cloud, role: str) -> None:
    if cloud.access is None:
        return
    if cloud.identity is not None:
        context = {"iam:PassedToService": PRINCIPAL}
        cloud.access.require(
            cloud.identity, Ask(action="iam:PassRole", resource=role, context=context)
        )
    try:
        cloud.access.admit_role(role, PRINCIPAL)
    except ValidationError as error:
        text = f"Role {role} is invalid or cannot be assumed"
        raise ServiceError("ValidationError", text) from error


def _stack(form: dict[str, str]) -> str:
    """By name; an ARN is ``…:stack/NAME/id``, a change set's ``…:changeSet/NAME/id``."""
    name = form.get("StackName") or form.get("ChangeSetName", "")
    return name.split("/")[1] if name.startswith("arn:") and name.count("/") > 1 else name
