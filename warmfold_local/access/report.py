"""What each role was allowed and used, was allowed and never used, and was refused."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

Calls = list[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Used:
    """An action that was allowed, on so many different resources and conditions."""

    action: str
    statements: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Unused:
    """An action of an Allow statement that no recorded call was allowed by."""

    action: str
    statement: str
    resources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Denied:
    action: str
    resource: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RoleUse:
    """Of one role, or of one service that a resource's policy let in."""

    role: str
    used: tuple[Used, ...]
    never_used: tuple[Unused, ...]
    denied: tuple[Denied, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def report(usage: Mapping[str, Any]) -> list[RoleUse]:
    """From what ``GET /_warmfold/iam`` answers; by name."""
    roles, calls = usage["roles"], usage["calls"]
    names = sorted({*roles, *(record["Role"] for record in calls)})
    return [_role(name, roles.get(name, {}), calls) for name in names]


def allowed_actions(policies: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Label of the statement, action and resources, of every Allow statement."""
    for name, document in policies.items():
        for number, statement in enumerate(_listed(document["Statement"])):
            if statement["Effect"] == "Allow":
                resources = tuple(map(str, _listed(statement.get("Resource", "*"))))
                for action in _listed(statement.get("Action", [])):
                    yield f"{name}#{number}", str(action), resources


def _role(name: str, policies: Mapping[str, Any], calls: Calls) -> RoleUse:
    own = [record for record in calls if record["Role"] == name]
    used = {(call["Statement"], record["Action"]) for record in own for call in _allowed(record)}
    unused = [
        Unused(action=action, statement=statement, resources=resources)
        for statement, action, resources in allowed_actions(policies)
        if not any(by == statement and _matches(asked, action) for by, asked in used)
    ]
    denied = [
        Denied(action=record["Action"], resource=call["Resource"], reason=call["Reason"])
        for record in own
        for call in record["Calls"]
        if not call["Allowed"]
    ]
    return RoleUse(
        role=name,
        used=tuple(_used(record) for record in own if _allowed(record)),
        never_used=tuple(unused),
        denied=tuple(denied),
    )


def _used(record: Mapping[str, Any]) -> Used:
    calls = _allowed(record)
    return Used(
        action=record["Action"],
        statements=tuple(sorted({call["Statement"] for call in calls})),
        resources=tuple(sorted({call["Resource"] for call in calls})),
    )


def _allowed(record: Mapping[str, Any]) -> Calls:
    return [call for call in record["Calls"] if call["Allowed"]]


def _matches(action: str, pattern: str) -> bool:
    return fnmatchcase(action.lower(), pattern.lower())


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
