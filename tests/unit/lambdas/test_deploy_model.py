"""Converging the serving stack on the latest approved package."""

import pytest

from deploy_model.handler import handle
from tests.unit.lambdas.aids import Invocation, event, log_lines
from tests.unit.lambdas.deploy_model_aids import (
    AFTER,
    BEFORE,
    DONE,
    MESSAGE_ID,
    SENT,
    STACK,
    World,
    arn,
    package,
)
from warmfold_lambda.errors import ConfigurationError, InputError, LambdaError


def test_an_approval_updates_one_parameter_of_the_stack_and_keeps_the_rest() -> None:
    assert World().stack(arn(1)).approved([package(2), package(1)]).updates(2).run() == DONE


def test_the_first_approval_replaces_the_empty_parameter() -> None:
    world = World().stack("", "CREATE_COMPLETE").approved([package(1)]).updates(1)
    assert world.run() == DONE


def test_a_duplicate_event_does_nothing() -> None:
    assert World().stack(arn(2)).approved([package(2), package(1)]).serves().run() == DONE


def test_two_messages_of_one_batch_make_one_update() -> None:
    world = World().stack(arn(1)).approved([package(2)]).updates(2)
    assert world.run(event("model_package_state_change_duplicate.sqs")) == DONE


def test_a_late_event_of_an_older_version_does_not_bring_it_back() -> None:
    # The event speaks of version 2; version 3 has been approved and deployed meanwhile.
    assert World().stack(arn(3)).approved([package(2), package(3)]).serves().run() == DONE


def test_rejecting_the_live_version_returns_to_the_one_approved_before() -> None:
    assert World().stack(arn(3)).approved([package(2), package(1)]).updates(2).run() == DONE


def test_with_nothing_approved_what_is_deployed_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert World().stack(arn(1)).approved([]).run() == DONE

    assert {"level": "WARNING", "event": "deployment_keep"}.items() <= log_lines(capsys.readouterr)[
        -1
    ].items()


def test_a_package_that_is_still_being_created_is_not_deployed() -> None:
    world = World().stack(arn(1)).approved([package(2, "InProgress"), package(1)])
    assert world.serves().run() == DONE


def test_approved_packages_are_read_from_all_pages() -> None:
    assert World().stack(arn(1)).approved([package(1)], [package(4)]).updates(4).run() == DONE


@pytest.mark.parametrize(
    "status", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "CREATE_IN_PROGRESS"]
)
def test_while_the_stack_moves_the_message_is_redelivered(status: str) -> None:
    answer = World().stack(arn(1), status).approved([package(2)]).run()
    assert answer == {"batchItemFailures": [{"itemIdentifier": MESSAGE_ID}]}


def test_an_update_that_began_between_look_and_leap_is_redelivered() -> None:
    message = (
        f"Stack:arn:aws:...:stack/{STACK} is in UPDATE_IN_PROGRESS state and can not be updated."
    )
    answer = World().stack(arn(1)).approved([package(2)]).refuses_update(2, message).run()
    assert answer == {"batchItemFailures": [{"itemIdentifier": MESSAGE_ID}]}


def test_an_update_that_changes_nothing_is_done() -> None:
    world = World().stack(arn(1)).approved([package(2)])
    assert world.refuses_update(2, "No updates are to be performed.").run() == DONE


def test_any_other_refusal_is_not_swallowed() -> None:
    world = World().stack(arn(1)).approved([package(2)])
    with pytest.raises(Exception, match="Template error"):
        world.refuses_update(2, "Template error: instance type is not allowed").run()


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "DELETE_FAILED"])
def test_a_stack_that_cannot_be_updated_is_an_error_with_a_remedy(status: str) -> None:
    with pytest.raises(LambdaError, match=f"is {status}.*mend it"):
        World().stack(arn(1), status).approved([package(2)]).run()


def test_a_rolled_back_version_is_not_deployed_again_by_every_reconcile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World().stack(arn(1), "UPDATE_ROLLBACK_COMPLETE").approved([package(2)])

    assert world.modified(2, BEFORE).run(event("reconcile")) == {"status": "rolled_back"}

    assert "approve or pin it again to retry" in log_lines(capsys.readouterr)[-1]["reason"]


def test_a_version_approved_after_the_rollback_is_deployed() -> None:
    world = World().stack(arn(1), "UPDATE_ROLLBACK_COMPLETE").approved([package(3)])
    assert world.modified(3, AFTER).updates(3).run(event("reconcile")) == {"status": "started"}


def test_a_package_without_a_modification_time_is_not_retried_after_a_rollback() -> None:
    world = World().stack(arn(1), "UPDATE_ROLLBACK_COMPLETE").approved([package(2)])
    assert world.modified(2, None).run(event("reconcile")) == {"status": "rolled_back"}


@pytest.mark.parametrize(
    "deployed, status, expected",
    [(2, "UPDATE_COMPLETE", "unchanged"), (1, "UPDATE_IN_PROGRESS", "busy")],
)
def test_a_reconcile_says_what_it_found(deployed: int, status: str, expected: str) -> None:
    world = World().stack(arn(deployed), status).approved([package(2)])
    if expected == "unchanged":
        world.serves()
    assert world.run(event("reconcile")) == {"status": expected}


def test_a_stack_without_the_parameter_is_the_wrong_stack() -> None:
    world = World().approved([package(1)])
    found = {"StackName": STACK, "StackStatus": "CREATE_COMPLETE", "CreationTime": BEFORE}
    world.cloudformation.answers("describe_stacks", {"Stacks": [found]}, StackName=STACK)
    with pytest.raises(LambdaError, match="has no parameter ModelPackageArn"):
        world.run()


def test_an_unreadable_message_goes_to_the_dead_letter_queue_and_the_rest_is_acted_on() -> None:
    values = event("model_package_state_change_duplicate.sqs")
    values["Records"][1]["body"] = "not JSON"

    answer = World().stack(arn(1)).approved([package(2)]).updates(2).run(values)

    broken = values["Records"][1]["messageId"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": broken}]}


def test_a_batch_of_unreadable_messages_touches_nothing() -> None:
    values = event("model_package_state_change.sqs")
    values["Records"][0]["body"] = "[]"
    assert World(ordered=False).run(values) == {
        "batchItemFailures": [{"itemIdentifier": MESSAGE_ID}]
    }


def test_an_event_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="neither"):
        World(ordered=False).run({"reconcile": "yes"})


def test_the_function_says_at_once_which_variables_are_missing() -> None:
    with pytest.raises(ConfigurationError) as caught:
        handle(SENT, Invocation())
    for name in (
        "MODEL_PACKAGE_GROUP_NAME",
        "ORDERS_PARAMETER_NAME",
        "SERVING_STACK_NAME",
        "SERVING_DEPLOYMENT_ROLE_ARN",
    ):
        assert f"{name} is not set" in str(caught.value)
