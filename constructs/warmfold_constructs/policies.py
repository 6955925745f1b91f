"""Statements of least privilege: what is allowed, on what, and why a wildcard is right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from warmfold_constructs.acknowledge import ROLE, accept, acknowledge_wildcards

_SEPARATORS = {ArnFormat.SLASH_RESOURCE_NAME: "/", ArnFormat.COLON_RESOURCE_NAME: ":"}


@dataclass(frozen=True)
class _Place:
    """The parts of an ARN that are the stack's; tokens where the stack leaves them open."""

    partition: str
    region: str
    account: str


# A place stays what it is, and finding it out takes requests to the CDK's own process.
_places: WeakKeyDictionary[Construct, _Place] = WeakKeyDictionary()


def new_role(
    scope: Construct,
    id: str,
    *,
    assumed_by: iam.IPrincipal,
    description: str | None = None,
    role_name: str | None = None,
) -> iam.Role:
    """A role without any permission yet."""
    role = iam.Role(scope, id, assumed_by=assumed_by, description=description, role_name=role_name)
    accept(role, ROLE)
    return role


# What has statements: a role its own policy, or a policy to attach to other roles.
Holder = iam.Role | iam.ManagedPolicy


def allow(
    role: Holder,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    because: str = "",
    conditions: Mapping[str, Any] | None = None,
) -> None:
    """Let ``role`` do ``actions``, under ``conditions`` if there are any.

    ``because`` is the reason of wildcards in ``resources``.
    """
    statement = iam.PolicyStatement(
        actions=[*actions],
        resources=[*resources],
        conditions=dict(conditions) if conditions else None,
    )
    if isinstance(role, iam.ManagedPolicy):
        role.add_statements(statement)
    else:
        role.add_to_policy(statement)
    if because:
        acknowledge_wildcards(role, resources, because)


def allow_passing(role: iam.Role, passed_arns: Sequence[str], *, to_service: str) -> None:
    """Let ``role`` hand exactly these roles to exactly this service."""
    allow(
        role,
        ["iam:PassRole"],
        passed_arns,
        conditions={"StringEquals": {"iam:PassedToService": to_service}},
    )


def arn(
    scope: Construct,
    service: str,
    resource: str,
    name: str,
    *,
    separator: ArnFormat = ArnFormat.SLASH_RESOURCE_NAME,
) -> str:
    """An ARN in the account and region of ``scope``'s stack, as ``service:…:resource/name``.

    ``separator`` is one of the two formats with a name.
    """
    place = _place(scope)
    where = f"{place.partition}:{service}:{place.region}:{place.account}"
    return f"arn:{where}:{resource}{_SEPARATORS[separator]}{name}"


def role_arn(scope: Construct, name: str) -> str:
    """The ARN of a role that is known by name."""
    place = _place(scope)
    return f"arn:{place.partition}:iam::{place.account}:role/{name}"


def _place(scope: Construct) -> _Place:
    if scope not in _places:
        _places[scope] = (
            _Place(scope.partition, scope.region, scope.account)
            if isinstance(scope, Stack)
            else _place(Stack.of(scope))
        )
    return _places[scope]


def sagemaker_principal(scope: Construct) -> iam.IPrincipal:
    """SageMaker, when it acts for this account (no confused deputy)."""
    return iam.ServicePrincipal(
        "sagemaker.amazonaws.com",
        conditions={"StringEquals": {"aws:SourceAccount": _place(scope).account}},
    )
