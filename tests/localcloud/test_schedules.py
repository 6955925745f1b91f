"""EventBridge Scheduler really fires, with its keywords filled in."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.localcloud.conftest import RunningCloud

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
            "RoleArn": f"arn:aws:iam::{cloud.settings.account}:role/any",
            "Input": json.dumps(given),
        },
    )
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert [json.loads(message["Body"]) for message in messages] == [
        {"due": f"{due:%Y-%m-%dT%H:%M:%SZ}", "attempt": "1"}
    ]
