"""What to do about the serving stack, as plain data in and out; nothing here calls AWS.

An approval event is only a hint: events may be repeated, late, reordered or lost, so the decision
is made on what the registry and the stack say now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from warmfold_lambda.errors import LambdaError
from warmfold_lambda.registry import Package

PARAMETER = "ModelPackageArn"

Action = Literal["keep", "unchanged", "busy", "update", "rolled_back"]

# States from which UpdateStack is accepted (CloudFormation user guide, "Stack status codes").
_UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
_ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The serving stack; ``updated`` is its last update's start, ``None`` if there was none."""

    name: str
    status: str
    parameters: Mapping[str, str]
    updated: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do; ``package`` is what should be live, ``None`` if nothing is approved."""

    action: Action
    reason: str
    package: Package | None = None


def decide(stack: Stack, approved: Package | None) -> Decision:
    """Raises ``LambdaError`` if the stack is in a state that an operator must mend first."""
    if approved is None:
        return Decision(
            action="keep", reason="no model package is approved; what is deployed stays deployed"
        )
    if stack.status.endswith("_IN_PROGRESS"):
        return _decision("busy", f"the stack is {stack.status}", approved)
    _require_updatable(stack)
    if stack.parameters[PARAMETER] == approved.arn:
        return _decision("unchanged", "the approved model package is deployed", approved)
    if stack.status == _ROLLED_BACK:
        return _decision("rolled_back", "the last update of the stack was rolled back", approved)
    return _decision("update", "another model package is approved", approved)


def retry_after_rollback(stack: Stack, package: Package, modified: datetime | None) -> Decision:
    """Try again only what was approved after the update that failed.

    Otherwise each reconcile would deploy a bad model, and roll it back, for ever. To retry the
    same version, a person approves it once more, which moves its modification time.
    """
    if modified is not None and (stack.updated is None or modified > stack.updated):
        return _decision("update", "approved since the update that was rolled back", package)
    reason = (
        f"version {package.version} was approved before the last update was rolled back: approve "
        "another version, reject this one, or approve it again to retry"
    )
    return _decision("rolled_back", reason, package)


def update_parameters(stack: Stack, package: Package) -> list[dict[str, Any]]:
    """``Parameters`` of UpdateStack: one new value, everything else as it is."""
    kept = [name for name in sorted(stack.parameters) if name != PARAMETER]
    changed: dict[str, Any] = {"ParameterKey": PARAMETER, "ParameterValue": package.arn}
    return [changed, *({"ParameterKey": name, "UsePreviousValue": True} for name in kept)]


def _require_updatable(stack: Stack) -> None:
    if stack.status not in _UPDATABLE:
        raise LambdaError(
            f"stack {stack.name} is {stack.status}, from which CloudFormation does not update: "
            "mend it (continue-update-rollback, or delete and deploy), then send a reconcile"
        )
    if PARAMETER not in stack.parameters:
        raise LambdaError(
            f"stack {stack.name} has no parameter {PARAMETER}: SERVING_STACK_NAME must name the "
            "stack that holds the endpoint"
        )


def _decision(action: Action, reason: str, package: Package) -> Decision:
    return Decision(action=action, reason=reason, package=package)
