"""Executing pipelines; the jobs are scripted, everything else is the real thing."""

import pytest

from tests.unit.local.pipelines.aids import (
    TOKEN,
    Bus,
    Jobs,
    condition,
    create,
    definition,
    describe,
    finished,
    get,
    processing,
    run,
    script_operation,
    start,
    steps,
    training,
    tuning,
    wait_until,
)
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError, UnsupportedOperation
from warmfold_local.sagemaker import pipeline_events
from warmfold_local.sagemaker.protocol import call

TRAIN_URI = get("Steps.Build.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri")


def test_a_step_gets_what_the_one_before_it_made(cloud: Cloud, jobs: Jobs) -> None:
    uri = {"Std:Join": {"On": "/", "Values": ["s3:/", "b", get("Execution.PipelineExecutionId")]}}

    execution, found = run(cloud, processing("Build", uri=uri), training("Train", image=TRAIN_URI))

    identifier = execution["PipelineExecutionArn"].rpartition("/")[2]
    assert "FailureReason" not in execution
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    request = jobs.created("TrainingJob")[0]
    assert request["AlgorithmSpecification"]["TrainingImage"] == f"s3://b/{identifier}"
    assert found["Build"]["StepStatus"] == found["Train"]["StepStatus"] == "Succeeded"
    assert found["Build"]["EndTime"] <= found["Train"]["StartTime"]
    name = request["TrainingJobName"]
    assert found["Train"]["Metadata"] == {"TrainingJob": {"Arn": cloud.arn(f"training-job/{name}")}}


def test_jobs_are_named_after_execution_and_step_within_the_service_limits(
    cloud: Cloud, jobs: Jobs
) -> None:
    long = "A_step-with-a-very-long-name-that-no-job-name-has-room-for-123"
    execution, _ = run(cloud, training(long), tuning("Tune-gradient-boosting"))

    identifier = execution["PipelineExecutionArn"].rpartition("/")[2]
    assert len(identifier) == 12
    trained = jobs.created("TrainingJob")[0]["TrainingJobName"]
    assert trained.startswith(f"pipelines-{identifier}-A-step-with-")
    assert len(trained) == 63
    tuned = jobs.created("HyperParameterTuningJob")[0]["HyperParameterTuningJobName"]
    assert tuned.startswith(f"{identifier}-Tune-")
    assert len(tuned) <= 32


def test_steps_without_dependencies_run_together_up_to_the_limit(cloud: Cloud, jobs: Jobs) -> None:
    jobs.held = {"Train"}
    create(cloud, definition(*(training(f"Train{i}") for i in range(4))))
    arn = start(cloud, ParallelismConfiguration={"MaxParallelExecutionSteps": 2})
    wait_until(lambda: len(jobs.running) == 2)
    assert len(steps(cloud, arn)) == 2

    jobs.held = set()

    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"
    assert jobs.most_running == 2
    assert len(steps(cloud, arn)) == 4


@pytest.mark.parametrize("minimum, ran, not_run", [("0.5", "Yes", "No"), ("0.9", "No", "Yes")])
def test_a_condition_picks_one_branch(
    cloud: Cloud, jobs: Jobs, minimum: str, ran: str, not_run: str
) -> None:
    check = condition(
        "Check",
        0.7,
        get("Parameters.Minimum"),
        then=[training("Yes"), training("Yes2", DependsOn=["Yes"])],
        other=[training("No")],
    )
    parameters = [{"Name": "Minimum", "Type": "Float", "DefaultValue": 0.1}]
    create(cloud, definition(check, parameters=parameters))

    arn = start(cloud, {"Minimum": minimum})

    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"
    found = steps(cloud, arn)
    assert ran in found
    assert not_run not in found
    assert found["Check"]["Metadata"] == {"Condition": {"Outcome": str(ran == "Yes")}}


def test_a_failed_step_ends_the_execution_with_its_reason(cloud: Cloud, jobs: Jobs) -> None:
    reason = "AlgorithmError: raw.csv has no column 'age', exit code: 1"
    jobs.endings = {"Build": ("Failed", reason)}

    execution, found = run(cloud, processing("Build"), training("Train", image=TRAIN_URI))

    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"].startswith("Step failure: One or multiple steps failed.")
    assert reason in execution["FailureReason"]
    assert found["Build"]["FailureReason"] == f"ClientError: {reason}"
    assert "Train" not in found


def test_steps_that_run_when_another_fails_are_left_to_finish(cloud: Cloud, jobs: Jobs) -> None:
    jobs.held = {"Slow"}
    jobs.endings = {"Bad": ("Failed", "AlgorithmError: x, exit code: 1")}
    create(
        cloud, definition(training("Slow"), training("Bad"), training("After", DependsOn=["Slow"]))
    )
    arn = start(cloud)
    wait_until(lambda: steps(cloud, arn).get("Bad", {}).get("StepStatus") == "Failed")
    assert describe(cloud, arn)["PipelineExecutionStatus"] == "Executing"

    jobs.held = set()

    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Failed"
    found = steps(cloud, arn)
    assert found["Slow"]["StepStatus"] == "Succeeded"
    assert "After" not in found


def test_stopping_an_execution_stops_its_jobs(cloud: Cloud, jobs: Jobs) -> None:
    jobs.held = {"Train"}
    create(cloud, definition(training("Train"), training("After", DependsOn=["Train"])))
    arn = start(cloud)
    wait_until(lambda: bool(jobs.running))
    stop = {"PipelineExecutionArn": arn, "ClientRequestToken": TOKEN}

    assert call(cloud, "StopPipelineExecution", stop) == {"PipelineExecutionArn": arn}

    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Stopped"
    assert [name for name, _ in jobs.requests] == ["CreateTrainingJob", "StopTrainingJob"]
    found = steps(cloud, arn)
    assert found["Train"]["StepStatus"] == "Stopped"
    assert "After" not in found
    with pytest.raises(ServiceError, match="only a running execution can be stopped") as caught:
        call(cloud, "StopPipelineExecution", stop)
    assert caught.value.code == "ConflictException"


def test_a_job_that_somebody_else_stopped_is_a_failure(cloud: Cloud, jobs: Jobs) -> None:
    jobs.endings = {"Train": ("Stopped", "")}
    execution, found = run(cloud, training("Train"))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "was stopped" in found["Train"]["FailureReason"]


def test_a_create_that_is_refused_fails_the_step_with_the_services_text(
    cloud: Cloud, jobs: Jobs
) -> None:
    jobs.refusals = {"Train": [ServiceError("ValidationException", "no such image")]}
    _, found = run(cloud, training("Train"))
    assert found["Train"]["FailureReason"] == (
        "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: no such image"
    )


def test_a_request_that_breaks_a_constraint_fails_the_step(cloud: Cloud, jobs: Jobs) -> None:
    step = training("Train", image=get("Parameters.Image"))
    parameters = [{"Name": "Image", "Type": "Integer", "DefaultValue": 3}]
    _, found = run(cloud, step, parameters=parameters)
    assert "algorithmSpecification.TrainingImage" in found["Train"]["FailureReason"]


POLICY = {"IntervalSeconds": 0, "BackoffRate": 1.0, "MaxAttempts": 2}


@pytest.mark.parametrize(
    "error, exception",
    [
        (ServiceError("ThrottlingException", "Rate exceeded"), "Step.THROTTLING"),
        (ServiceError("InternalFailure", "oops", 500), "Step.SERVICE_FAULT"),
        (ServiceError("ResourceLimitExceeded", "quota"), "SageMaker.RESOURCE_LIMIT"),
    ],
)
def test_a_refusal_that_a_policy_names_is_tried_again_under_a_new_name(
    cloud: Cloud, jobs: Jobs, error: ServiceError, exception: str
) -> None:
    jobs.refusals = {"Train": [error, error]}
    policies = [{"ExceptionType": [exception], **POLICY}]

    execution, found = run(cloud, training("Train", RetryPolicies=policies))

    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert found["Train"]["AttemptCount"] == 3
    names = {request["TrainingJobName"] for request in jobs.created("TrainingJob")}
    assert len(names) == 3


def test_a_job_error_that_a_policy_names_is_tried_again(cloud: Cloud, jobs: Jobs) -> None:
    jobs.endings = {"Train": ("Failed", "CapacityError: Unable to provision requested capacity")}
    policies = [{"ExceptionType": ["SageMaker.CAPACITY_ERROR"], **POLICY}]

    execution, found = run(cloud, training("Train", RetryPolicies=policies))

    assert execution["PipelineExecutionStatus"] == "Failed"
    assert found["Train"]["AttemptCount"] == 3
    assert len(jobs.created("TrainingJob")) == 3


def test_a_fault_of_the_algorithm_is_not_tried_again(cloud: Cloud, jobs: Jobs) -> None:
    jobs.endings = {"Train": ("Failed", "AlgorithmError: x, exit code: 1")}
    policies = [{"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], **POLICY}]
    run(cloud, training("Train", RetryPolicies=policies))
    assert len(jobs.created("TrainingJob")) == 1


def test_a_step_type_that_cannot_be_executed_is_refused_at_the_start(
    cloud: Cloud, jobs: Jobs
) -> None:
    create(cloud, definition({"Name": "Check", "Type": "ClarifyCheck", "Arguments": {}}))
    with pytest.raises(UnsupportedOperation, match="type ClarifyCheck of the pipeline step Check"):
        start(cloud)
    assert call(cloud, "ListPipelineExecutions", {"PipelineName": "training"}) == {
        "PipelineExecutionSummaries": []
    }


def test_a_fault_of_the_local_cloud_fails_the_execution_instead_of_hanging_it(
    cloud: Cloud, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    script_operation(monkeypatch, "CreateTrainingJob", broken)
    execution, found = run(cloud, training("Train"))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert found["Train"]["FailureReason"].startswith("InternalServerError")
    wait_until(lambda: "a fault of ours" in caplog.text)


def test_status_changes_are_published(cloud: Cloud, jobs: Jobs) -> None:
    execution, _ = run(cloud, training("Train"))
    bus = cloud.publish
    assert isinstance(bus, Bus)
    wait_until(lambda: len(bus.events) == 4)

    whole = pipeline_events.EXECUTION_CHANGE
    assert bus.statuses(whole, "currentPipelineExecutionStatus") == ["Executing", "Succeeded"]
    assert bus.statuses(pipeline_events.STEP_CHANGE, "currentStepStatus") == [
        "Executing",
        "Succeeded",
    ]
    last = bus.events[-2]["detail"]
    assert last["stepName"] == "Train"
    assert last["metadata"]["trainingJob"]["arn"].startswith(cloud.arn("training-job/pipelines-"))
    assert bus.events[0]["resources"][1] == execution["PipelineExecutionArn"]
