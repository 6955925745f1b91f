"""Callback steps: the message, the answer, and what stopping does."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.unit.local.pipelines.aids import (
    Jobs,
    create,
    definition,
    describe,
    finished,
    get,
    processing,
    start,
    steps,
    wait_until,
)
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ResourceNotFound, ServiceError, ValidationError
from warmfold_local.sagemaker.pipeline_steps.callbacks import KIND
from warmfold_local.sagemaker.protocol import call

QUEUE = "http://127.0.0.1:1/000000000000/approvals"
SCORE = {"OutputName": "score", "OutputType": "Float"}
ASK: dict[str, Any] = {
    "Name": "Ask",
    "Type": "Callback",
    "SqsQueueUrl": QUEUE,
    "Arguments": {"execution": {"Get": "Execution.PipelineExecutionId"}, "limit": 3},
    "OutputParameters": [SCORE],
}


@dataclass
class Queue:
    """Stands for the SQS client: keeps what it is sent."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
        assert QueueUrl == QUEUE
        self.messages.append(json.loads(MessageBody))


@pytest.fixture
def queue(cloud: Cloud) -> Queue:
    queue = Queue()
    cloud._clients["sqs"] = queue
    return queue


def ask(cloud: Cloud, queue: Queue, *following: dict[str, Any]) -> tuple[str, str]:
    """A pipeline whose Callback step waits: the execution's ARN and the token."""
    create(cloud, definition(ASK, *following))
    arn = start(cloud)
    wait_until(lambda: bool(queue.messages))
    return arn, queue.messages[0]["token"]


def succeed(cloud: Cloud, token: str, score: str = "0.5", **members: Any) -> dict[str, Any]:
    listed = [{"Name": "score", "Value": score}]
    request = {"CallbackToken": token, "OutputParameters": listed, **members}
    return call(cloud, "SendPipelineExecutionStepSuccess", request)


def test_the_message_carries_token_execution_and_resolved_arguments(
    cloud: Cloud, queue: Queue
) -> None:
    arn, token = ask(cloud, queue)
    assert queue.messages == [
        {
            "token": token,
            "pipelineExecutionArn": arn,
            "arguments": {"execution": arn.rpartition("/")[2], "limit": 3},
        }
    ]
    metadata = {"CallbackToken": token, "SqsQueueUrl": QUEUE}
    assert steps(cloud, arn)["Ask"]["Metadata"] == {"Callback": metadata}
    succeed(cloud, token)
    finished(cloud, arn)


def test_success_hands_typed_outputs_to_the_next_step(
    cloud: Cloud, queue: Queue, jobs: Jobs
) -> None:
    uri = {
        "Std:Join": {"On": "/", "Values": ["s3://b", get("Steps.Ask.OutputParameters['score']")]}
    }
    arn, token = ask(cloud, queue, processing("Next", uri=uri))
    assert describe(cloud, arn)["PipelineExecutionStatus"] == "Executing"
    assert succeed(cloud, token, "0.50") == {"PipelineExecutionArn": arn}
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"
    made = jobs.created("ProcessingJob")[0]
    assert made["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] == "s3://b/0.5"
    listed = steps(cloud, arn)["Ask"]["Metadata"]["Callback"]["OutputParameters"]
    assert listed == [{"Name": "score", "Value": "0.50"}]


def test_failure_fails_the_step_with_its_reason(cloud: Cloud, queue: Queue) -> None:
    arn, token = ask(cloud, queue)
    request = {"CallbackToken": token, "FailureReason": "nobody approved"}
    call(cloud, "SendPipelineExecutionStepFailure", request)
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Failed"
    assert steps(cloud, arn)["Ask"]["FailureReason"] == "nobody approved"


@pytest.mark.parametrize(
    "outputs, text",
    [
        ({}, "score is missing"),
        ({"score": "1", "other": "2"}, "other is not declared"),
        ({"score": "high"}, "score is 'high', not a Float"),
    ],
)
def test_outputs_other_than_declared_are_refused_and_the_step_waits_on(
    cloud: Cloud, queue: Queue, outputs: dict[str, str], text: str
) -> None:
    arn, token = ask(cloud, queue)
    listed = [{"Name": name, "Value": value} for name, value in outputs.items()]
    request = {"CallbackToken": token, "OutputParameters": listed}
    with pytest.raises(ValidationError, match=text):
        call(cloud, "SendPipelineExecutionStepSuccess", request)
    assert describe(cloud, arn)["PipelineExecutionStatus"] == "Executing"
    succeed(cloud, token)
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_second_answer_is_a_conflict_unless_it_repeats_the_request(
    cloud: Cloud, queue: Queue
) -> None:
    arn, token = ask(cloud, queue)
    succeed(cloud, token, ClientRequestToken="a" * 32)
    assert succeed(cloud, token, ClientRequestToken="a" * 32)["PipelineExecutionArn"] == arn
    with pytest.raises(ServiceError) as caught:
        succeed(cloud, token, ClientRequestToken="b" * 32)
    assert caught.value.code == "ConflictException"
    finished(cloud, arn)


def test_an_unknown_token_is_not_found(cloud: Cloud) -> None:
    with pytest.raises(ResourceNotFound, match="abcdefghij"):
        succeed(cloud, "abcdefghij")


def test_a_token_of_an_earlier_life_of_the_cloud_is_not_found(cloud: Cloud) -> None:
    cloud.table(KIND).add("abcdefghij", {})  # what a restart keeps of it
    with pytest.raises(ResourceNotFound, match="abcdefghij"):
        succeed(cloud, "abcdefghij")


def test_a_stop_tells_the_queue_and_waits_for_the_answer(cloud: Cloud, queue: Queue) -> None:
    arn, token = ask(cloud, queue)
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": "s" * 32}
    call(cloud, "StopPipelineExecution", request)
    wait_until(lambda: len(queue.messages) == 2)
    assert queue.messages[1] == {**queue.messages[0], "status": "Stopping"}
    assert describe(cloud, arn)["PipelineExecutionStatus"] == "Stopping"
    succeed(cloud, token)
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Stopped"


def test_faults_of_the_definition_are_found_when_it_is_deployed(cloud: Cloud) -> None:
    without = {key: value for key, value in ASK.items() if key != "SqsQueueUrl"}
    with pytest.raises(ValidationError, match="Step Ask: there is no SqsQueueUrl"):
        create(cloud, definition(without))
    nameless = {**ASK, "OutputParameters": [{"OutputName": ["a"], "OutputType": "Float"}]}
    with pytest.raises(ValidationError, match="needs OutputName"):
        create(cloud, definition(nameless))
    wrong = processing("Next", uri=get("Steps.Ask.OutputParameters['other']"))
    with pytest.raises(ValidationError, match="Callback step Ask declares no output"):
        create(cloud, definition(ASK, wrong))
