"""Operators' orders to the function that deploys, and an endpoint that was rolled back unseen."""

import json
from typing import Any

import pytest

from tests.unit.lambdas.aids import event, log_lines
from tests.unit.lambdas.deploy_model_aids import (
    AFTER,
    BEFORE,
    DONE,
    PARAMETER,
    World,
    arn,
    package,
)
from warmfold_lambda.errors import ConfigurationError

RECONCILE = event("reconcile")


def ordered(*, frozen: bool = False, version: int | None = None, **members: Any) -> World:
    return World(orders=json.dumps({"frozen": frozen, "version": version}), **members)


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return log_lines(capsys.readouterr)[-1]


def test_a_pinned_version_is_deployed_whatever_was_approved_since() -> None:
    world = ordered(version=1).stack(arn(3)).approved([package(3), package(2), package(1)])
    assert world.updates(1).run(RECONCILE) == {"status": "started"}


@pytest.mark.parametrize("name", ["", "_duplicate"])
def test_events_of_newer_versions_do_not_move_a_pinned_one(name: str) -> None:
    world = ordered(version=1).stack(arn(1)).approved([package(2), package(1)]).serves()
    assert world.run(event(f"model_package_state_change{name}.sqs")) == DONE


def test_a_pinned_version_that_is_not_approved_is_not_deployed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ordered(version=7).stack(arn(2)).approved([package(2)]).run() == DONE
    line = last_line(capsys)
    assert (line["level"], line["event"]) == ("WARNING", "deployment_keep")
    assert "version 7 is pinned, but not approved" in line["reason"]


@pytest.mark.parametrize("name", ["", "_duplicate"])
def test_while_frozen_events_are_taken_and_nothing_is_deployed(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world = ordered(frozen=True, version=2).stack(arn(1)).approved([package(2)]).serves()
    assert world.run(event(f"model_package_state_change{name}.sqs")) == DONE
    line = last_line(capsys)
    assert (line["level"], line["event"]) == ("INFO", "deployment_frozen")


def test_freezing_does_not_wait_for_an_update_that_runs() -> None:
    world = ordered(frozen=True).stack(arn(1), "UPDATE_IN_PROGRESS").approved([package(2)])
    assert world.run() == DONE


def test_to_pin_a_version_again_is_to_ask_for_another_try_after_its_rollback() -> None:
    for given, status in ((BEFORE, "rolled_back"), (AFTER, "started")):
        world = ordered(version=2, given=given).stack(arn(1), "UPDATE_ROLLBACK_COMPLETE")
        world.approved([package(2)]).modified(2, BEFORE)
        if status == "started":
            world.updates(2)
        assert world.run(RECONCILE) == {"status": status}


def test_following_approvals_again_is_no_reason_to_retry_what_was_rolled_back() -> None:
    world = ordered(given=AFTER).stack(arn(1), "UPDATE_ROLLBACK_COMPLETE")
    world.approved([package(2)]).modified(2, BEFORE)
    assert world.run(RECONCILE) == {"status": "rolled_back"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"frozen": 0, "version": 1}', '{"frozen": false, "version": true}'],
)
def test_orders_that_cannot_be_read_stop_everything(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"SSM parameter {PARAMETER} does not hold"):
        World(orders=text).run()


def test_orders_that_are_gone_stop_everything() -> None:
    world = World(ordered=False)
    world.ssm.refuses("get_parameter", "ParameterNotFound", "no", Name=PARAMETER)
    with pytest.raises(ConfigurationError, match=f"SSM parameter {PARAMETER} is gone"):
        world.run()


@pytest.mark.parametrize("frozen", [False, True])
def test_an_endpoint_that_sagemaker_took_back_is_reported_and_not_updated_again(
    frozen: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    world = ordered(frozen=frozen).stack(arn(2)).approved([package(2), package(1)])
    world.serves("Config-0", failure="the alarm credit-error-rate went off")
    assert world.run(RECONCILE) == {"status": "differs"}
    line = last_line(capsys)
    assert (line["level"], line["event"]) == ("WARNING", "deployment_differs")
    for part in ("InService with configuration Config-0, not Config-1", "credit-error-rate"):
        assert part in line["reason"]


def test_the_end_of_an_update_shows_the_rollback_at_once() -> None:
    """The event of the stack comes by the same queue; what it says is not used."""
    world = World().stack(arn(2)).approved([package(2)]).serves("Config-0")
    values = event("model_package_state_change.sqs")
    values["Records"][0]["body"] = json.dumps(
        {"detail": {"status-details": {"status": "UPDATE_COMPLETE"}}}
    )
    assert world.run(values) == DONE


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "RollingBack"])
def test_an_endpoint_that_failed_is_reported_though_its_configuration_is_right(
    status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World().stack(arn(2)).approved([package(2)]).serves(status=status)
    assert world.run(RECONCILE) == {"status": "differs"}
    assert last_line(capsys)["level"] == "WARNING"


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating"])
def test_an_endpoint_that_is_on_its_way_is_looked_at_next_time(status: str) -> None:
    world = World().stack(arn(2)).approved([package(2)]).serves("Config-0", status)
    assert world.run(RECONCILE) == {"status": "unchanged"}


def test_a_configuration_in_lower_case_is_the_same() -> None:
    world = World().stack(arn(2)).approved([package(2)]).serves("config-1")
    assert world.run(RECONCILE) == {"status": "unchanged"}


def test_frozen_before_the_first_model_there_is_no_endpoint_to_look_at() -> None:
    world = ordered(frozen=True).stack("", "CREATE_COMPLETE").approved([])
    world.cloudformation.answers(
        "describe_stack_resources",
        {"StackResources": []},
        StackName="warmfold-local-german-credit-serving",
    )
    assert world.run(RECONCILE) == {"status": "frozen"}
