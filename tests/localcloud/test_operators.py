"""Operators against the deploying function: pin, roll back, freeze; and a rollback nobody saw."""

import json
import time
from collections.abc import Iterator

import pytest

from config.names import Names
from tests.localcloud.conftest import FOR_EVENTS, RunningCloud, wait_for
from tests.localcloud.fault_aids import deploy_function, invoke_function, new_name
from tests.localcloud.hosting_aids import Hosting, canary, error_rate
from tests.localcloud.iam_aids import Roles, statement
from tests.localcloud.test_cfn_sagemaker import Stack, outputs
from tests.localcloud.test_faults_promotion import (
    CHANGE,
    VISIBILITY_SECONDS,
    Delivery,
    delivering,
    delivery,  # noqa: F401 - a fixture
    serving_template,
)
from warmfold.cli.main import run
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud

NAMES = Names("local").model("german-credit")
FOLLOW = {"frozen": False, "version": None}


def stack_of(cloud: RunningCloud, name: str, parameter: str, **outputs: str) -> Stack:
    """A stack of one parameter and what the commands read of its outputs."""
    orders = {"Name": parameter, "Type": "String", "Value": json.dumps(FOLLOW)}
    stack = Stack(cloud, name)
    stack.deploy(
        {
            "Resources": {"Orders": {"Type": "AWS::SSM::Parameter", "Properties": orders}},
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
    )
    return stack


@pytest.fixture
def operated(
    cloud: RunningCloud,
    hosting: Hosting,
) -> Iterator[Delivery]:
    """As the platform deploys it, under the names that the command line knows."""
    group = NAMES.model_package_group
    hosting.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    queue = cloud.client("sqs").create_queue(
        QueueName=group, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS), **FOR_EVENTS}
    )
    stacks = [
        stack_of(cloud, NAMES.delivery_stack, NAMES.orders_parameter, QueueUrl=queue["QueueUrl"]),
        stack_of(cloud, NAMES.training_stack, "/training", ModelPackageGroupName=group),
        stack_of(cloud, NAMES.batch_stack, "/batch"),
    ]
    body = serving_template()
    body["Resources"]["Endpoint"]["Properties"]["EndpointName"] = NAMES.endpoint
    stack = Stack(cloud, NAMES.serving_stack)
    yield from delivering(hosting, stack, group, NAMES.orders_parameter, body)
    for each in stacks:
        each.delete()
    cloud.client("sqs").delete_queue(QueueUrl=queue["QueueUrl"])
    for package in hosting.sagemaker.list_model_packages(ModelPackageGroupName=group)[
        "ModelPackageSummaryList"
    ]:
        hosting.sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
    hosting.sagemaker.delete_model_package_group(ModelPackageGroupName=group)


def warmfold(place: Delivery, *arguments: str) -> int:
    state_dir = str(place.hosting.cloud.settings.state_dir)
    return run(["--state-dir", state_dir, *arguments])


def approved(place: Delivery, model: str) -> str:
    arn = place.register(model)
    place.approve(arn)
    return arn


def settle_down() -> None:
    """What was sent meanwhile has been delivered, also what comes a second time."""
    time.sleep(VISIBILITY_SECONDS + 1.5)


def test_operators_roll_back_pin_freeze_and_follow_again(
    operated: Delivery, faults: FaultsClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert warmfold(operated, "rollback") == 2
    assert "no version before it is approved" in capsys.readouterr().err
    operated.converge(approved(operated, "two"))
    assert warmfold(operated, "rollback") == 0
    assert "version 2 is deployed; back to version 1" in capsys.readouterr().out
    assert operated.served() == "one"
    faults.add(kind="event", match=CHANGE, resource="*", how="duplicate", times=None)
    approved(operated, "three")
    settle_down()
    faults.clear()
    assert (operated.served(), operated.reconcile()) == ("one", "unchanged")
    assert warmfold(operated, "pin", "9") == 2
    assert "version 9" in (said := capsys.readouterr().err)
    assert "(approved: 1, 2, 3)" in said
    assert warmfold(operated, "pin", "latest") == 0
    assert operated.served() == "three"

    assert warmfold(operated, "freeze") == 0
    fourth = approved(operated, "four")
    settle_down()
    assert (operated.served(), operated.reconcile()) == ("three", "frozen")
    assert warmfold(operated, "pin", "1") == 2
    assert "`warmfold unfreeze` first" in capsys.readouterr().err
    assert warmfold(operated, "unfreeze") == 0
    operated.converge(fourth)
    assert operated.served() == "four"
    approving_a_version_that_scores_worse_warns_and_deploys_it(operated, capsys)


def approving_a_version_that_scores_worse_warns_and_deploys_it(
    place: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    """Versions 5 and 6, after others that say nothing of a score."""
    place.register("better", metric="auc", score="0.8000", fold_hash="a")
    place.register("worse", metric="auc", score="0.7500", fold_hash="a")
    capsys.readouterr()
    assert warmfold(place, "approve", "5") == 0
    assert capsys.readouterr().err == ""
    assert warmfold(place, "approve") == 0
    said = capsys.readouterr()
    assert said.err == (
        "warning: version 6 is worse than version 5, the latest approved: hold-out AUC 0.7500 "
        "against 0.8000, on the same rows; it is approved all the same: `warmfold pin 5` keeps "
        "version 5 at the endpoint, or brings it back\n"
    )
    assert said.out.splitlines()[-1].endswith("is InService with it")
    assert place.served() == "worse"
    assert warmfold(place, "approve", "2") == 0
    assert "version 6 is approved too and newer" in capsys.readouterr().out


def test_an_endpoint_that_is_not_what_its_stack_says_is_reported_until_somebody_acts(
    delivery: Delivery,  # noqa: F811
) -> None:
    second = approved(delivery, "two")
    delivery.converge(second)
    sagemaker, sent = delivery.sagemaker, delivery.updates()
    # As after a rollback that CloudFormation did not see: another configuration is in service.
    image = delivery.hosting.cloud.tiny_server()
    other = delivery.hosting.config(image, delivery.hosting.model_data("old"))
    endpoint = outputs(delivery.stack.described() or {})["EndpointName"]
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
    delivery.hosting.settled(endpoint)
    assert [delivery.reconcile() for _ in range(2)] == ["differs", "differs"]
    assert delivery.updates() == sent
    sagemaker.update_model_package(ModelPackageArn=second, ModelApprovalStatus="Rejected")
    delivery.converge(second.removesuffix("2") + "1")
    assert (delivery.served(), delivery.reconcile()) == ("one", "unchanged")


def test_the_end_of_a_stacks_update_is_an_event(cloud: RunningCloud) -> None:
    name = new_name("announced")
    queue = cloud.client("sqs").create_queue(QueueName=name, Attributes=FOR_EVENTS)["QueueUrl"]
    arn = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    account, region = cloud.settings.account, cloud.settings.region
    pattern = {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": {
            "stack-id": [{"prefix": f"arn:aws:cloudformation:{region}:{account}:stack/{name}/"}],
            "status-details": {"status": ["CREATE_COMPLETE", "UPDATE_COMPLETE"]},
        },
    }
    cloud.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    targets = [{"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}]
    cloud.client("events").put_targets(Rule=name, Targets=targets)
    stack = Stack(cloud, name)
    for value in ("one", "two"):
        parameter = {"Type": "String", "Value": value}
        stack.deploy({"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": parameter}}})
    seen: list[str] = []

    def received() -> bool:
        found = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        details = [json.loads(message["Body"])["detail"] for message in found.get("Messages", [])]
        seen.extend(detail["status-details"]["status"] for detail in details)
        return len(seen) >= 2

    wait_for(received, "both events came")
    assert sorted(seen) == ["CREATE_COMPLETE", "UPDATE_COMPLETE"]
    stack.delete()


def test_probes_alone_make_a_failing_canary_go_back(
    cloud: RunningCloud,
    hosting: Hosting,
) -> None:
    first = hosting.config(cloud.tiny_server(), hosting.model_data("old"))
    endpoint = hosting.create(first)
    hosting.settled(endpoint)
    alarm = error_rate(hosting, endpoint)
    prober = deploy_function(cloud, "probe_endpoint", ENDPOINT_NAME=endpoint, PROBES="30")
    hosting.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=hosting.config(cloud.tiny_server("failing"), hosting.model_data("new")),
        DeploymentConfig=canary(alarm),
    )
    wait_for(lambda: invoke_function(cloud, prober, {})["failed"], "a probe reached the canary")
    described = hosting.settled(endpoint)
    assert described["EndpointConfigName"] == first
    assert f"alarm(s) {alarm} went into the ALARM state" in described["FailureReason"]
    assert invoke_function(cloud, prober, {}) == {"answered": 30, "failed": 0}


def test_a_role_that_may_not_look_at_the_alarms_gets_no_update(
    hosting: Hosting,
) -> None:
    """Developer guide, "Auto-Rollback Configuration and Monitoring": cloudwatch:DescribeAlarms."""
    image, roles = hosting.cloud.tiny_server(), Roles(hosting.cloud)
    logs = statement("cloudwatch:PutMetricData", "ecr:*", "logs:*", "s3:*")
    blind = roles.make("blind", logs)
    seeing = roles.make("seeing", logs, statement("cloudwatch:DescribeAlarms"))
    first = hosting.config(image, hosting.model_data("old"))
    endpoint = hosting.create(first)
    hosting.settled(endpoint)
    alarm = error_rate(hosting, endpoint)
    for role, done in ((blind, False), (seeing, True)):
        config = hosting.config(image, hosting.model_data("new"), role=role)
        hosting.sagemaker.update_endpoint(
            EndpointName=endpoint,
            EndpointConfigName=config,
            DeploymentConfig={"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}},
        )
        described = hosting.settled(endpoint)
        assert (described["EndpointConfigName"] == config) is done
        refusal = f"The alarm {alarm} cannot be watched"
        assert (refusal in described.get("FailureReason", "")) is not done


def test_probes_before_there_is_an_endpoint_fail_nothing(cloud: RunningCloud) -> None:
    absent = deploy_function(cloud, "probe_endpoint", ENDPOINT_NAME="absent", PROBES="3")
    assert invoke_function(cloud, absent, {}) == {"answered": 0, "failed": 0}
