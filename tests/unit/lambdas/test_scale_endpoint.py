"""When the scaling is put up and taken down around an endpoint, and when it is left alone."""

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scale_endpoint import handler
from scale_endpoint.handler import NotSettledError
from tests.unit.lambdas.scaling_aids import (
    AFTER,
    EVENING,
    LARGE,
    TARGET,
    WANTED,
    XLARGE,
    Account,
    account,
)
from warmfold_lambda.custom_resource import Kind, Request
from warmfold_lambda.errors import InputError


def asks(
    account: Account, properties: dict[str, Any], kind: Kind = "Update", **old: Any
) -> dict[str, str]:
    request = Request(
        kind=kind,
        stack_id="arn:aws:cloudformation:us-east-1:000000000000:stack/serving/1",
        logical_id="Scaling",
        properties=properties,
        old_properties=old,
    )
    return account.provider().respond(request)


def test_before_the_first_endpoint_there_is_nothing_to_take_down() -> None:
    with account() as found:
        assert asks(found.no_endpoint(), WANTED, "Create") == {}


def test_for_another_type_the_scaling_is_taken_down() -> None:
    with account() as found:
        found.goes_from(XLARGE, LARGE).runs_on(XLARGE).removes().endpoint()
        asks(found, WANTED, **{**WANTED, "Configuration": "config-0"})


def test_it_may_be_down_already() -> None:
    with account() as found:
        found.runs_on(XLARGE).removes(there=False).endpoint()
        asks(found, WANTED)


def test_an_endpoint_whose_configuration_was_deleted_may_get_any_type() -> None:
    with account() as found:
        found.config_is_gone().removes().endpoint()
        asks(found, WANTED)


def test_a_stack_that_goes_back_before_the_type_changed_puts_the_scaling_up_again() -> None:
    """The resource after the endpoint was not reached, and is not called then."""
    with account() as found:
        found.goes_from(XLARGE, LARGE).endpoint("RollingBack").runs_on(LARGE)
        found.registered().registers()
        asks(found, WANTED, **{**WANTED, "Configuration": "config-0"})
        assert found.waited == [10.0]


@pytest.mark.parametrize("registered", [True, False])
def test_before_another_model_the_scaling_is_there(registered: bool) -> None:
    with account() as found:
        found.goes_from(LARGE, LARGE).runs_on(LARGE)
        found.registered(*((2, 8) if registered else ()))
        if not registered:
            found.registers()
        asks(found, WANTED, **{**WANTED, "Configuration": "config-0"})


def test_for_a_type_that_sagemaker_went_back_from_the_scaling_is_taken_down_again() -> None:
    """CloudFormation believes that the endpoint has it: only the model changes."""
    with account() as found:
        found.goes_from(LARGE, LARGE).runs_on(XLARGE).removes().endpoint()
        asks(found, WANTED, **{**WANTED, "Configuration": "config-0"})


def test_an_endpoint_that_is_being_changed_is_waited_for() -> None:
    with account() as found:
        found.endpoint("Updating").endpoint("RollingBack").runs_on(XLARGE)
        found.removes().endpoint("Updating").endpoint()
        asks(found, WANTED)
        assert found.waited == [10.0, 10.0, 10.0]


def test_for_another_model_alone_nothing_is_waited_for() -> None:
    with account() as found:
        found.goes_from(LARGE, LARGE).endpoint("RollingBack")
        asks(found, WANTED, **{**WANTED, "Configuration": "config-0"})
        assert found.waited == []


def test_waiting_ends_with_the_functions_time() -> None:
    with account(waits=1) as found:
        found.endpoint("Updating").endpoint("Updating")
        with pytest.raises(NotSettledError, match="credit is still Updating: deploy again"):
            asks(found, WANTED)


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_will_not_come_to_service_is_not_waited_for(status: str) -> None:
    with account() as found:
        found.config_is_gone(status).removes().endpoint(status)
        asks(found, WANTED)


def test_after_the_endpoint_the_scaling_is_put_up() -> None:
    with account() as found:
        asks(found.registers(), AFTER, "Create")


def test_another_model_alone_costs_one_look() -> None:
    with account() as found:
        found.registered(2, 8)
        asks(found, AFTER, **{**AFTER, "Configuration": "config-0"})


def test_another_model_brings_back_a_target_that_somebody_removed() -> None:
    with account() as found:
        found.registered().registers()
        asks(found, AFTER, **{**AFTER, "Configuration": "config-0"})


def test_other_limits_are_registered_without_a_look() -> None:
    with account() as found:
        found.registers(maximum=9)
        asks(found, {**AFTER, "MaxCapacity": "9"}, **AFTER)


def test_scheduled_actions_are_put_and_those_no_longer_wanted_deleted() -> None:
    with account() as found:
        found.registers().puts_evening()
        found.scaling.answers(
            "delete_scheduled_action", {}, **TARGET, ScheduledActionName="morning"
        )
        old = {**AFTER, "ScheduledActions": [{**EVENING, "Name": "morning"}]}
        asks(found, {**AFTER, "ScheduledActions": [EVENING]}, **old)


def test_a_target_that_is_not_known_yet_is_waited_for() -> None:
    with account() as found:
        found.scaling.answers(
            "register_scalable_target", {}, **TARGET, MinCapacity=2, MaxCapacity=8
        )
        found.policy(known=False).policy()
        asks(found, AFTER, "Create")
        assert found.waited == [2.0]


def test_any_other_refusal_is_the_resources_failure() -> None:
    with account() as found:
        request = {**TARGET, "MinCapacity": 2, "MaxCapacity": 8}
        found.scaling.refuses("register_scalable_target", "ValidationException", "no", **request)
        with pytest.raises(ClientError, match="no"):
            asks(found, AFTER, "Create")


@pytest.mark.parametrize("there", [True, False])
def test_the_scaling_goes_before_the_endpoint_does(there: bool) -> None:
    with account() as found:
        asks(found.removes(there), AFTER, "Delete")


@pytest.mark.parametrize("properties", [WANTED, {}, {"Stage": "middle"}])
def test_whatever_else_is_deleted_leaves_the_scaling_alone(properties: dict[str, Any]) -> None:
    with account() as found:
        assert asks(found, properties, "Delete") == {}


def test_every_malformed_property_is_named() -> None:
    wrong = {**AFTER, "Stage": "middle", "MinCapacity": "0", "TargetValue": "many"}
    with account() as found, pytest.raises(InputError) as caught:
        asks(found, wrong, "Create")
    for name in ("Stage", "MinCapacity", "TargetValue"):
        assert f"properties.{name}" in str(caught.value)


def test_the_function_scales_the_variant_of_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, str]] = []

    def answered(_event: object, _context: object, _log: object, work: Any) -> None:
        told.append(work(Request(kind="Delete", stack_id="s", logical_id="l", properties=AFTER)))

    with account() as found:
        found.removes()
        clients = {"sagemaker": found.sagemaker.client}
        clients["application-autoscaling"] = found.scaling.client
        monkeypatch.setattr(handler, "client", clients.__getitem__)
        monkeypatch.setattr(handler, "answered", answered)
        for name in ("ENDPOINT_NAME", "VARIANT_NAME", "POLICY_NAME"):
            value = {"E": "credit", "V": "primary", "P": "credit-invocations"}[name[0]]
            monkeypatch.setenv(name, value)
        handler.handle({}, Timed())
    assert told == [{}]


@dataclass(frozen=True)
class Timed:
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000
