"""From approval to endpoint under duplicate, late and lost events, lost answers and bad models."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.localcloud.conftest import FOR_EVENTS, ROLE, RunningCloud, wait_for
from tests.localcloud.fault_aids import (
    deploy_function,
    invoke_function,
    new_name,
)
from tests.localcloud.hosting_aids import Hosting
from tests.localcloud.test_cfn_sagemaker import Stack, template
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud

CHANGE = "SageMaker Model Package State Change"
PARAMETER = "ModelPackageArn"
# Messages that come while an update runs come back this soon; in the stack it is six minutes.
VISIBILITY_SECONDS = 2


def serving_template() -> dict[str, Any]:
    """The model comes from a package that is a parameter, as in the platform's serving stack."""
    body = template("unused", "unused")
    container = {"ModelPackageName": {"Ref": PARAMETER}}
    properties = body["Resources"]["Model"]["Properties"]
    del properties["PrimaryContainer"]
    properties["Containers"] = [container]
    for name in ("Target", "Policy"):
        del body["Resources"][name]
    return {**body, "Parameters": {PARAMETER: {"Type": "String"}}}


@dataclass(frozen=True)
class Delivery:
    """Registry, events, queue, the platform's function and a serving stack."""

    hosting: Hosting
    stack: Stack
    group: str
    function: str

    @property
    def sagemaker(self) -> Any:
        return self.hosting.sagemaker

    def register(
        self, model: str, mode: str = "ok", status: str = "PendingManualApproval", **metadata: str
    ) -> str:
        container = {
            "Image": self.hosting.cloud.tiny_server(mode),
            "ModelDataUrl": self.hosting.model_data(model),
        }
        made = self.sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelApprovalStatus=status,
            **({"CustomerMetadataProperties": metadata} if metadata else {}),
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
        return str(made["ModelPackageArn"])

    def approve(self, arn: str) -> None:
        self.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    def deployed(self) -> str:
        """The package of the settled stack; empty while an update runs."""
        found = self.stack.settled()
        if found is None:
            return ""
        values = {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}
        return str(values[PARAMETER])

    def converge(self, arn: str) -> None:
        wait_for(lambda: self.deployed() == arn, f"{arn} was deployed")

    def updates(self) -> int:
        """How often the stack was updated."""
        events = self.stack.cloudformation.describe_stack_events(StackName=self.stack.name)
        return sum(
            each["ResourceStatus"] == "UPDATE_IN_PROGRESS"
            and each["ResourceType"] == "AWS::CloudFormation::Stack"
            for each in events["StackEvents"]
        )

    def served(self) -> object:
        found = self.stack.described() or {}
        values = {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}
        return self.hosting.invoke(values["EndpointName"])["Body"]["model"]

    def reconcile(self) -> str:
        return str(
            invoke_function(self.hosting.cloud, self.function, {"reconcile": True})["status"]
        )


@pytest.fixture
def delivery(
    cloud: RunningCloud,
    hosting: Hosting,
) -> Iterator[Delivery]:
    stack, group = Stack(cloud, new_name("serving")), new_name("group")
    hosting.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    parameter = f"/{group}/promotion"
    follow = json.dumps({"frozen": False, "version": None})
    cloud.client("ssm").put_parameter(Name=parameter, Type="String", Value=follow)
    yield from delivering(hosting, stack, group, parameter)


def delivering(
    hosting: Hosting,
    stack: Stack,
    group: str,
    parameter: str,
    body: dict[str, Any] | None = None,
) -> Iterator[Delivery]:
    """The function and its queue, with a first version in service; taken away afterwards."""
    cloud = hosting.cloud
    function = deploy_function(
        cloud,
        "deploy_model",
        MODEL_PACKAGE_GROUP_NAME=group,
        ORDERS_PARAMETER_NAME=parameter,
        SERVING_STACK_NAME=stack.name,
        SERVING_DEPLOYMENT_ROLE_ARN=ROLE,
    )
    made = Delivery(hosting, stack, group, function)
    first = made.register("one", status="Approved")
    stack.cloudformation.create_stack(
        StackName=stack.name,
        TemplateBody=json.dumps(body or serving_template()),
        Parameters=[{"ParameterKey": PARAMETER, "ParameterValue": first}],
    )
    wait_for(stack.settled, "the serving stack was made")
    mapping = connect(cloud, group, function)
    yield made
    cloud.client("events").remove_targets(Rule=group, Ids=["queue"])
    cloud.client("events").delete_rule(Name=group)
    cloud.client("lambda").delete_event_source_mapping(UUID=mapping)
    wait_for(stack.settled, "no update runs any more")
    stack.delete()


def connect(cloud: RunningCloud, group: str, function: str) -> str:
    """Rule, queue and event source, as in the delivery stack; the mapping's id."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(
        QueueName=group,
        Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS), **FOR_EVENTS},
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    queue_arn = arn["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": [CHANGE],
        "detail": {"ModelPackageGroupName": [group]},
    }
    events.put_rule(Name=group, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=group, Targets=[{"Id": "queue", "Arn": queue_arn}])
    mapping = cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=queue_arn,
        FunctionName=function,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return str(mapping["UUID"])


def test_27_duplicate_events_deploy_once(delivery: Delivery, faults: FaultsClient) -> None:
    second = delivery.register("two")
    faults.add(kind="event", match=CHANGE, resource=second, how="duplicate", times=None)
    delivery.approve(second)
    delivery.converge(second)
    time.sleep(VISIBILITY_SECONDS + 1)  # what came meanwhile comes again
    assert (delivery.deployed(), delivery.updates()) == (second, 1)
    assert delivery.served() == "two"
    assert faults.listed()["firings"]


def test_27_a_late_event_of_an_older_version_changes_nothing(
    delivery: Delivery, faults: FaultsClient
) -> None:
    second, third = delivery.register("two"), delivery.register("three")
    faults.add(kind="event", match=CHANGE, resource=second, how="late", delay_seconds=3)
    delivery.approve(second)  # its event is on its way for three seconds
    delivery.approve(third)
    delivery.converge(third)
    time.sleep(4)
    assert (delivery.deployed(), delivery.updates()) == (third, 1)
    assert delivery.served() == "three"


def test_27_a_lost_event_is_made_up_for_by_the_reconcile(
    delivery: Delivery, faults: FaultsClient
) -> None:
    # All of them: any message makes the function look at the registry, so at the approval too.
    faults.add(kind="event", match=CHANGE, resource=f"*/{delivery.group}/*", times=None)
    second = delivery.register("two")
    delivery.approve(second)
    time.sleep(1.5)
    assert delivery.deployed() != second
    assert delivery.reconcile() == "started"
    delivery.converge(second)
    assert delivery.reconcile() == "unchanged"
    assert (delivery.updates(), delivery.served()) == (1, "two")


def test_27_two_approvals_at_once_end_at_the_newer_with_one_update_at_a_time(
    delivery: Delivery,
) -> None:
    second, third = delivery.register("two"), delivery.register("three")
    delivery.approve(second)
    delivery.approve(third)
    delivery.converge(third)
    assert delivery.updates() <= 2
    assert delivery.served() == "three"


def test_02_an_update_whose_answer_is_lost_is_not_started_twice(
    delivery: Delivery, faults: FaultsClient
) -> None:
    second = delivery.register("two")
    faults.add(kind="answer_lost", match="UpdateStack", how="close")
    faults.add(kind="throttle", match="DescribeStacks", skip=1)
    delivery.approve(second)
    delivery.converge(second)
    time.sleep(VISIBILITY_SECONDS + 1)
    assert (delivery.deployed(), delivery.updates()) == (second, 1)
    assert faults.listed()["faults"][0]["fired"] == 1


def test_29_a_model_that_does_not_start_is_rolled_back_and_not_tried_for_ever(
    delivery: Delivery,
) -> None:
    broken = delivery.register("two", mode="exit")
    delivery.approve(broken)
    wait_for(
        lambda: (delivery.stack.settled() or {}).get("StackStatus") == "UPDATE_ROLLBACK_COMPLETE",
        "the update was rolled back",
    )
    assert delivery.served() == "one"
    assert delivery.reconcile() == "rolled_back"
    assert delivery.updates() == 1
