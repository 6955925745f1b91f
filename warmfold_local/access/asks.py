"""What a call asks IAM for, and what IAM answers: plain values, without any state."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# A condition key's value; several for a key that has several values.
Value = str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One action on one resource. ``context`` holds condition keys, beyond those that IAM itself
    knows of every request (``aws:PrincipalArn``, ``aws:SecureTransport`` …)."""

    action: str
    resource: str = "*"
    context: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """``statement`` is the one that decided, as ``policy name#0``; empty if none did.

    ``reason`` ends AWS's message of a refusal, and is empty for what is allowed.
    """

    allowed: bool
    statement: str = ""
    explicit: bool = False
    reason: str = ""


def refusal(principal_arn: str, ask: Ask, decision: Decision) -> str:
    """AWS's sentence ("Access denied error messages", IAM user guide)."""
    return (
        f"User: {principal_arn} is not authorized to perform: {ask.action} on resource: "
        f"{ask.resource} {decision.reason}"
    )


def role_name(arn: str) -> str:
    """Of a role's ARN or of its session's; a service's or anybody else's name as it is."""
    if ":assumed-role/" in arn:
        return arn.split(":assumed-role/")[1].split("/")[0]
    return arn.rpartition("/")[2] if ":role/" in arn else arn
