"""What the deploying function makes of an order to copy requests to a second version."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy_model.logic import Stack, decide, retry_after_rollback, update_parameters
from deploy_model.orders import Orders, parse_orders
from tests.unit.lambdas.deploy_model_aids import AFTER, BEFORE, UPDATED, arn
from warmfold_lambda.errors import ConfigurationError
from warmfold_lambda.registry import Package

APPROVED = [Package(version=version, arn=arn(version)) for version in (1, 2, 3)]


def orders(**members: Any) -> Orders:
    return Orders(**{"frozen": False, "version": 2, "given": BEFORE, "shadow": 3, **members})


def stack(live: int, shadow: int | None = None, *, room: bool = True, **members: Any) -> Stack:
    parameters = {"ModelPackageArn": arn(live), "BootstrapVersion": "x"}
    if room:
        parameters["ShadowModelPackageArn"] = "" if shadow is None else arn(shadow)
    return Stack(
        **{
            "name": "serving",
            "status": "UPDATE_COMPLETE",
            "parameters": parameters,
            "updated": UPDATED,
            **members,
        }
    )


def values(found: Stack, given: Orders) -> dict[str, str]:
    """What an update would set."""
    decision = decide(found, given, APPROVED)
    assert decision.package is not None
    changes = update_parameters(found, decision.package, decision.shadow)
    return {c["ParameterKey"]: c["ParameterValue"] for c in changes if "ParameterValue" in c}


def test_an_order_for_a_shadow_is_one_update_beside_the_live_version() -> None:
    assert decide(stack(2), orders(), APPROVED).action == "update"
    assert values(stack(2), orders()) == {
        "ModelPackageArn": arn(2),
        "ShadowModelPackageArn": arn(3),
    }


@pytest.mark.parametrize(
    "shadow, given, action",
    [
        (3, orders(), "unchanged"),
        (3, orders(shadow=None), "update"),
        (None, orders(shadow=None), "unchanged"),
        (None, orders(frozen=True), "frozen"),
        (None, orders(shadow=9), "unchanged"),  # not approved, or not any more
        (3, orders(shadow=9), "update"),
        (None, orders(version=None), "update"),  # 3 is the latest: live, and its own shadow never
    ],
)
def test_the_stack_is_brought_to_what_is_ordered(
    shadow: int | None, given: Orders, action: str
) -> None:
    assert decide(stack(2, shadow), given, APPROVED).action == action


def test_a_version_that_goes_live_is_its_own_shadow_no_more() -> None:
    assert values(stack(2, 3), orders(version=None)) == {
        "ModelPackageArn": arn(3),
        "ShadowModelPackageArn": "",
    }


def test_a_stack_without_room_for_a_shadow_is_left_in_peace() -> None:
    assert decide(stack(2, room=False), orders(), APPROVED).action == "unchanged"
    assert values(stack(1, room=False), orders()) == {"ModelPackageArn": arn(2)}


@pytest.mark.parametrize("given, action", [(BEFORE, "rolled_back"), (AFTER, "update")])
def test_a_shadow_that_did_not_come_up_is_tried_again_only_on_a_new_order(
    given: datetime, action: str
) -> None:
    found = stack(2, status="UPDATE_ROLLBACK_COMPLETE")
    order = orders(given=given)
    decision = decide(found, order, APPROVED)
    assert (decision.action, decision.shadow) == ("rolled_back", APPROVED[2])
    retried = retry_after_rollback(found, order, APPROVED[1], BEFORE, decision.shadow)
    assert (retried.action, retried.shadow) == (action, APPROVED[2])
    if action == "rolled_back":
        assert "`warmfold shadow off`" in retried.reason
    ended = decide(found, orders(shadow=None, given=given), APPROVED)
    assert ended.action == "unchanged"


def test_orders_may_name_a_shadow() -> None:
    now = datetime(2026, 3, 4, tzinfo=UTC)
    found = parse_orders("p", '{"frozen": false, "version": 2, "shadow": 3}', now)
    assert found == orders(given=now)
    for bad in ('{"frozen": false, "shadow": 3}', '{"frozen": false, "version": 2, "shadow": "3"}'):
        with pytest.raises(ConfigurationError, match="SSM parameter p"):
            parse_orders("p", bad, now)
