"""What to do about the serving stack, as plain data in and out; nothing here calls AWS.

An approval event is only a hint: events may be repeated, late, reordered or lost, so the decision
is made on what the registry and the stack say now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from deploy_model.orders import Orders
from warmfold_lambda.errors import LambdaError
from warmfold_lambda.registry import Package

PARAMETER = "ModelPackageArn"
# Only where the stack has been given room for a shadow.
SHADOW_PARAMETER = "ShadowModelPackageArn"

Action = Literal["keep", "frozen", "unchanged", "busy", "update", "rolled_back", "differs"]
# What a person should look at: the endpoint does not serve what the registry says it should.
ALARMING: tuple[Action, ...] = ("keep", "rolled_back", "differs")

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

    @property
    def moving(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The endpoint as SageMaker describes it, and the configuration that the stack gave it.

    ``failure`` is SageMaker's reason, if the last update did not succeed.
    """

    name: str
    status: str
    configuration: str
    wanted_configuration: str
    failure: str = ""

    @property
    def moving(self) -> bool:
        """On its way to something; also if that is not what the stack asked for."""
        return self.status in ("Creating", "Updating", "SystemUpdating")

    @property
    def serves_wanted(self) -> bool:
        """CloudFormation's ids of configurations hold their names, perhaps in lower case."""
        same = self.configuration.lower() == self.wanted_configuration.lower()
        return same and self.status == "InService"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do; ``package`` is what should be live, ``None`` if nothing is approved.

    ``shadow`` is what should get a copy of the requests.
    """

    action: Action
    reason: str
    package: Package | None = None
    shadow: Package | None = None


def decide(stack: Stack, orders: Orders, approved: Sequence[Package]) -> Decision:
    """Raises ``LambdaError`` if the stack is in a state that an operator must mend first."""
    if orders.frozen:
        return Decision(action="frozen", reason="operators have frozen what is deployed")
    wanted = orders.wanted(approved)
    if wanted is None:
        return Decision(action="keep", reason=_nothing_wanted(orders))
    if stack.moving:
        return _decision("busy", f"the stack is {stack.status}", wanted)
    _require_updatable(stack)
    shadow = orders.wanted_shadow(approved, wanted)
    if all(stack.parameters[key] == arn for key, arn in _values(stack, wanted, shadow).items()):
        return _decision("unchanged", "the wanted model package is deployed", wanted, shadow)
    if stack.status == _ROLLED_BACK:
        reason = "the last update of the stack was rolled back"
        return _decision("rolled_back", reason, wanted, shadow)
    return _decision("update", "another model package is wanted", wanted, shadow)


def _values(stack: Stack, package: Package, shadow: Package | None) -> dict[str, str]:
    """The stack's parameters that name a package, as they are wanted."""
    values = {PARAMETER: package.arn, SHADOW_PARAMETER: "" if shadow is None else shadow.arn}
    return {key: arn for key, arn in values.items() if key in stack.parameters}


def _nothing_wanted(orders: Orders) -> str:
    if orders.version is None:
        return "no model package is approved; what is deployed stays deployed"
    return (
        f"version {orders.version} is pinned, but not approved; what is deployed stays deployed: "
        "approve it, or pin another version"
    )


def check_endpoint(decision: Decision, endpoint: Endpoint | None) -> Decision:
    """Whether the endpoint does what the stack says; ``None`` while there is no endpoint.

    SageMaker takes a failed update back by itself, and an endpoint that is InService again may
    pass for one that was updated. The stack's parameter then says what is not true, and no
    further update of it would change anything: only a person can.
    """
    if endpoint is None or endpoint.moving or endpoint.serves_wanted:
        return decision
    reason = (
        f"endpoint {endpoint.name} is {endpoint.status} with configuration "
        f"{endpoint.configuration}, not {endpoint.wanted_configuration}, which its stack gave it: "
        "return to another version with `warmfold rollback` or by rejecting this one"
    )
    if endpoint.failure:
        reason = f"{reason}. SageMaker: {endpoint.failure}"
    return Decision(action="differs", reason=reason, package=decision.package)


def retry_after_rollback(
    stack: Stack,
    orders: Orders,
    package: Package,
    modified: datetime | None,
    shadow: Package | None = None,
) -> Decision:
    """Try again only what was approved, pinned or shadowed after the update that failed.

    Otherwise each reconcile would deploy a bad model, and roll it back, for ever. To retry the
    same version, a person approves it once more, which moves its modification time.
    """
    ordered = orders.given if orders.version or shadow else None
    said = [when for when in (modified, ordered) if when]
    if said and (stack.updated is None or max(said) > stack.updated):
        reason = "approved or ordered since the update that was rolled back"
        return _decision("update", reason, package, shadow)
    reason = (
        f"version {package.version} was approved before the last update was rolled back: approve "
        "another version, reject this one, or approve or pin it again to retry"
    )
    if shadow is not None:
        reason = f"{reason}; version {shadow.version} is its shadow: `warmfold shadow off` ends it"
    return _decision("rolled_back", reason, package, shadow)


def update_parameters(
    stack: Stack, package: Package, shadow: Package | None = None
) -> list[dict[str, Any]]:
    """``Parameters`` of UpdateStack: what is to be deployed, everything else as it is."""
    wanted = _values(stack, package, shadow)
    changed: list[dict[str, Any]] = [
        {"ParameterKey": name, "ParameterValue": arn} for name, arn in wanted.items()
    ]
    kept = sorted(stack.parameters.keys() - wanted.keys())
    return [*changed, *({"ParameterKey": name, "UsePreviousValue": True} for name in kept)]


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


def _decision(
    action: Action, reason: str, package: Package, shadow: Package | None = None
) -> Decision:
    return Decision(action=action, reason=reason, package=package, shadow=shadow)
