"""Another instance type on a scaled endpoint, by an ordinary update of its stack.

The scaling is the construct's, its function has no more permissions than the construct gives it.
"""

import json
from collections.abc import Iterator

import pytest

from tests.localcloud.conftest import RunningCloud, wait_for
from tests.localcloud.fault_aids import new_name
from tests.localcloud.iam_aids import Roles, statement
from tests.localcloud.scaled_aids import CUSTOM, OTHER, TYPE, Serving, deployed
from tests.localcloud.test_cfn_sagemaker import Stack

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def serving(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    made = deployed(cloud, tmp_path_factory.mktemp("synth"))
    yield made
    if made.stack.described():
        made.stack.delete()


def test_the_scaling_is_there_with_the_endpoint(serving: Serving) -> None:
    assert serving.scaling() == serving.expected()


def test_another_instance_type_is_deployed_and_scaled_as_before(serving: Serving) -> None:
    serving.hosting.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=serving.endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 3}],
    )
    serving.hosting.settled(serving.endpoint)
    assert serving.deploy(OTHER) == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.instance_type() == OTHER
    assert serving.scaling() == serving.expected()
    assert serving.count() == 3  # what scaling had come to


def test_an_update_that_fails_leaves_type_and_scaling_as_they_were(serving: Serving) -> None:
    assert serving.deploy(OTHER) == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.deploy(TYPE, mode="exit", most=5) == "UPDATE_ROLLBACK_COMPLETE", (
        serving.stack.reasons()
    )
    assert "was not updated" in serving.stack.reasons()
    assert serving.instance_type() == OTHER
    assert serving.scaling() == serving.expected()
    assert serving.hosting.invoke(serving.endpoint)["Body"]["model"] == "one"


def test_scaling_that_cannot_be_put_up_takes_the_whole_update_back(serving: Serving) -> None:
    assert serving.deploy(OTHER) == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.deploy(TYPE, most=1) == "UPDATE_ROLLBACK_COMPLETE", serving.stack.reasons()
    assert "MinCapacity must not be greater" in serving.stack.reasons()
    assert serving.instance_type() == OTHER
    assert serving.scaling() == serving.expected()


def test_the_type_that_the_endpoint_has_counts_and_not_the_stacks(serving: Serving) -> None:
    """SageMaker goes back by itself if an alarm fires once CloudFormation has seen success."""
    assert serving.deploy(OTHER) == "UPDATE_COMPLETE", serving.stack.reasons()
    hosting, scaling = serving.hosting, serving.hosting.cloud.client("application-autoscaling")
    scaling.deregister_scalable_target(**serving.target)
    older = hosting.config(hosting.cloud.tiny_server(), hosting.model_data("one"))
    hosting.sagemaker.update_endpoint(EndpointName=serving.endpoint, EndpointConfigName=older)
    hosting.settled(serving.endpoint)
    scaling.register_scalable_target(**serving.target, MinCapacity=2, MaxCapacity=4)
    assert serving.instance_type() == TYPE
    assert serving.deploy(OTHER, model="two") == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.instance_type() == OTHER
    assert serving.scaling() == serving.expected()


def test_a_target_that_somebody_removed_comes_back_with_the_next_model(serving: Serving) -> None:
    client = serving.hosting.cloud.client("application-autoscaling")
    client.deregister_scalable_target(**serving.target)
    assert serving.deploy(OTHER, model="two") == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.scaling() == serving.expected()
    assert serving.hosting.invoke(serving.endpoint)["Body"]["model"] == "two"


def test_other_limits_need_no_other_endpoint(serving: Serving) -> None:
    assert serving.deploy(OTHER, most=6) == "UPDATE_COMPLETE", serving.stack.reasons()
    assert serving.scaling() == serving.expected(most=6)


def test_off_hours_that_are_refused_leave_a_stack_that_can_be_updated(serving: Serving) -> None:
    action = {"Name": "evening", "Schedule": "cron(0 20 * * ? *)", "Timezone": "UTC"}
    scheduled = json.dumps([{**action, "MinCapacity": 1}])
    assert serving.deploy(OTHER, most=6, scheduled=scheduled) == "UPDATE_ROLLBACK_COMPLETE", (
        serving.stack.reasons()
    )
    assert "PutScheduledAction" in serving.stack.reasons()
    assert serving.scaling() == serving.expected(most=6)
    assert serving.deploy(OTHER, most=6) == "UPDATE_COMPLETE", serving.stack.reasons()


def test_cloudformation_calls_the_function_as_the_stacks_role(serving: Serving) -> None:
    roles = Roles(serving.hosting.cloud)
    service = "cloudformation.amazonaws.com"
    allowed = statement("cloudformation:*", "sagemaker:*", "iam:PassRole")
    role = roles.make("deployment", allowed, service=service)
    (custom,) = [
        each
        for each in serving.resources.values()
        if each["Type"] == CUSTOM and each["Properties"]["Stage"] == "before"
    ]
    alone = {**custom, "Properties": {**custom["Properties"], "Configuration": "none"}}
    name, client = new_name("custom"), serving.stack.cloudformation
    client.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Before": alone}}), RoleARN=role
    )
    stack = Stack(serving.hosting.cloud, name)
    wait_for(stack.settled, f"{name} settled")
    reasons = stack.reasons()
    assert "not authorized to perform: lambda:InvokeFunction" in reasons
    stack.delete()


def test_nothing_is_registered_once_the_stack_is_deleted(serving: Serving) -> None:
    serving.stack.delete()
    assert serving.scaling() == ([], [])
    assert not serving.hosting.exists(serving.endpoint)
