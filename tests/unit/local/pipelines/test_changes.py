"""After the start: retrying an execution, changing it; versions of a pipeline."""

from typing import Any

import pytest

from tests.unit.local.pipelines.aids import (
    ROLE,
    Bus,
    Jobs,
    create,
    definition,
    finished,
    get,
    processing,
    start,
    steps,
    training,
    wait_until,
)
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ResourceNotFound, ServiceError, ValidationError
from warmfold_local.sagemaker.pipeline_events import EXECUTION_CHANGE
from warmfold_local.sagemaker.protocol import call

ARTIFACTS = "Steps.Train.ModelArtifacts.S3ModelArtifacts"
FAILING = definition(training("Train"), processing("Evaluate", uri=get(ARTIFACTS)))


def retry(cloud: Cloud, arn: str, letter: str = "r", **members: Any) -> dict[str, Any]:
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": letter * 32, **members}
    return call(cloud, "RetryPipelineExecution", request)


def failed_run(cloud: Cloud, jobs: Jobs) -> str:
    create(cloud, FAILING)
    jobs.endings["Evaluate"] = ("Failed", "AlgorithmError: no")
    arn = start(cloud)
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Failed"
    jobs.endings.clear()
    return arn


def test_a_retry_runs_only_what_did_not_succeed(cloud: Cloud, jobs: Jobs) -> None:
    arn = failed_run(cloud, jobs)
    assert retry(cloud, arn) == {"PipelineExecutionArn": arn}
    execution = finished(cloud, arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert execution.get("FailureReason") is None
    assert len(jobs.created("TrainingJob")) == 1
    assert len(jobs.created("ProcessingJob")) == 2
    assert {step["StepStatus"] for step in steps(cloud, arn).values()} == {"Succeeded"}
    bus = cloud.publish
    assert isinstance(bus, Bus)
    statuses = bus.statuses(EXECUTION_CHANGE, "currentPipelineExecutionStatus")
    assert statuses == ["Executing", "Failed", "Executing", "Succeeded"]


def test_a_repeated_request_retries_once(cloud: Cloud, jobs: Jobs) -> None:
    arn = failed_run(cloud, jobs)
    retry(cloud, arn)
    finished(cloud, arn)
    retry(cloud, arn)
    assert len(jobs.created("ProcessingJob")) == 2


def test_only_an_execution_that_failed_or_was_stopped_is_retried(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, FAILING)
    jobs.held.add("Train")
    arn = start(cloud)
    wait_until(lambda: bool(jobs.running))
    with pytest.raises(ServiceError, match="is Executing"):
        retry(cloud, arn)
    call(
        cloud,
        "StopPipelineExecution",
        {"PipelineExecutionArn": arn, "ClientRequestToken": "s" * 32},
    )
    finished(cloud, arn)
    jobs.held.clear()
    retry(cloud, arn)
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"
    with pytest.raises(ServiceError, match="is Succeeded"):
        retry(cloud, arn, "n")


def test_a_changed_parallelism_takes_effect_while_it_runs(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, definition(*(training(f"Train{n}") for n in range(3))))
    jobs.held.add("Train")
    arn = start(cloud, ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    wait_until(lambda: len(jobs.running) == 1)
    call(
        cloud,
        "UpdatePipelineExecution",
        {
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": "wide",
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": 3},
        },
    )
    wait_until(lambda: len(jobs.running) == 3)
    jobs.held.clear()
    execution = finished(cloud, arn)
    assert execution["PipelineExecutionDisplayName"] == "wide"
    assert execution["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}


def test_each_definition_is_a_version_that_can_be_started(cloud: Cloud, jobs: Jobs) -> None:
    arn = create(cloud, definition(training("First")))
    update = {"PipelineName": "training", "PipelineDefinition": definition(training("Second"))}
    assert call(cloud, "UpdatePipeline", update)["PipelineVersionId"] == 2
    described = call(cloud, "UpdatePipeline", {"PipelineName": "training", "RoleArn": ROLE})
    assert described == {"PipelineArn": arn, "PipelineVersionId": 2}
    execution = start(cloud, PipelineVersionId=1)
    assert finished(cloud, execution)["PipelineVersionId"] == 1
    assert set(steps(cloud, execution)) == {"First"}
    latest = start(cloud, ClientRequestToken="l" * 32)
    assert finished(cloud, latest)["PipelineVersionId"] == 2
    first = call(cloud, "DescribePipeline", {"PipelineName": "training", "PipelineVersionId": 1})
    assert "First" in first["PipelineDefinition"]
    listed = call(cloud, "ListPipelineVersions", {"PipelineName": "training"})
    summaries = listed["PipelineVersionSummaries"]
    assert [summary["PipelineVersionId"] for summary in summaries] == [2, 1]
    assert summaries[1]["LastExecutionPipelineExecutionArn"] == execution


def test_a_version_is_named_and_described(cloud: Cloud) -> None:
    arn = create(cloud, FAILING)
    named = {"PipelineVersionDisplayName": "v1", "PipelineVersionDescription": "as trained"}
    request = {"PipelineArn": arn, "PipelineVersionId": 1, **named}
    call(cloud, "UpdatePipelineVersion", request)
    described = call(cloud, "DescribePipeline", {"PipelineName": "training"})
    assert {key: described[key] for key in named} == named


def test_a_version_that_is_not_there_is_not_found(cloud: Cloud) -> None:
    create(cloud, FAILING)
    with pytest.raises(ResourceNotFound, match="has no version 2: the latest is 1"):
        start(cloud, PipelineVersionId=2)


@pytest.mark.parametrize(
    "policy, text",
    [
        ({"ExceptionType": ["Step.UNKNOWN"]}, "ExceptionType has Step.UNKNOWN"),
        ({"ExceptionType": []}, "ExceptionType is not a list"),
        ({"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 21}, "MaxAttempts is 21"),
        ({"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 1.5}, "not a whole number"),
        ({"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 43_201}, "IntervalSeconds is"),
        ({"ExceptionType": ["Step.THROTTLING"], "ExpireAfterMin": 14_401}, "ExpireAfterMin is"),
        (
            {"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 1, "ExpireAfterMin": 5},
            "exclude each other",
        ),
        ("always", "not a JSON object"),
    ],
)
def test_a_retry_policy_outside_its_limits_is_refused(cloud: Cloud, policy: Any, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        create(cloud, definition(training("Train", RetryPolicies=[policy])))
