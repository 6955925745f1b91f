"""EventBridge Scheduler really fires, with its keywords filled in."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud

TARGET = {"Arn": "arn:aws:sqs:us-east-1:000000000000:none", "RoleArn": ROLE}

pytestmark = pytest.mark.localcloud


def test_a_one_time_schedule_hands_its_target_the_time_it_was_due(cloud: RunningCloud) -> None:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="scheduled")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    due = (datetime.now(UTC) + timedelta(seconds=1)).replace(microsecond=0)
    given = {"due": "<aws.scheduler.scheduled-time>", "attempt": "<aws.scheduler.attempt-number>"}
    cloud.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": arn["Attributes"]["QueueArn"],
            "RoleArn": ROLE,
            "Input": json.dumps(given),
        },
    )
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert [json.loads(message["Body"]) for message in messages] == [
        {"due": f"{due:%Y-%m-%dT%H:%M:%SZ}", "attempt": "1"}
    ]


def test_a_stacks_schedule_has_its_time_zone_and_one_that_is_none_is_refused(
    cloud: RunningCloud,
) -> None:
    properties = {
        "Name": "daily",
        "ScheduleExpression": "cron(0 4 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": TARGET,
    }
    template = {
        "Resources": {"Daily": {"Type": "AWS::Scheduler::Schedule", "Properties": properties}}
    }
    stacks, schedules = cloud.client("cloudformation"), cloud.client("scheduler")
    stacks.create_stack(StackName="zoned", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="zoned", WaiterConfig={"Delay": 1})
    assert schedules.get_schedule(Name="daily")["ScheduleExpressionTimezone"] == "Europe/Berlin"
    stacks.delete_stack(StackName="zoned")
    with pytest.raises(ClientError, match="'Mars/Olympus' is not a time zone"):
        schedules.create_schedule(
            Name="nowhere",
            ScheduleExpression="rate(1 day)",
            ScheduleExpressionTimezone="Mars/Olympus",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=TARGET,
        )
