"""Functions, failures, conditions on files and models as steps; the jobs are scripted."""

from typing import Any

import pytest

from tests.unit.local.pipelines.aids import (
    FUNCTION,
    ROLE,
    Jobs,
    body,
    condition,
    get,
    processing,
    run,
    script_operation,
    stub,
    training,
)
from warmfold_local.cloud import Cloud
from warmfold_local.sagemaker import protocol


def lambda_step(*outputs: tuple[str, str]) -> dict[str, Any]:
    return {
        "Name": "Select",
        "Type": "Lambda",
        "FunctionArn": FUNCTION,
        "Arguments": {"day": "2026-03-02", "folds": 5},
        "OutputParameters": [{"OutputName": n, "OutputType": t} for n, t in outputs],
    }


def test_a_function_gets_the_arguments_and_its_outputs_go_on(cloud: Cloud, jobs: Jobs) -> None:
    stubber = stub(cloud, "lambda")
    request = {"FunctionName": FUNCTION, "Payload": b'{"day": "2026-03-02", "folds": 5}'}
    answer = {"StatusCode": 200, "Payload": body({"image": "chosen", "score": 1, "more": [1]})}
    stubber.add_response("invoke", answer, request)
    step = lambda_step(("image", "String"), ("score", "Float"))
    train = training("Train", image=get("Steps.Select.OutputParameters['image']"))

    execution, found = run(cloud, step, train)

    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert jobs.created("TrainingJob")[0]["AlgorithmSpecification"]["TrainingImage"] == "chosen"
    assert found["Select"]["Metadata"]["Lambda"] == {
        "Arn": FUNCTION,
        "OutputParameters": [
            {"Name": "image", "Value": "chosen"},
            {"Name": "score", "Value": "1"},
        ],
    }


@pytest.mark.parametrize(
    "answer, reason",
    [
        ({"score": "high"}, "is not of type Float"),
        ({"loss": 1.0}, "returned no output 'score'"),
        ([1], "returned no output 'score'"),
        (None, "returned no output 'score'"),
    ],
)
def test_outputs_that_are_not_as_declared_fail_the_step(
    cloud: Cloud, jobs: Jobs, answer: object, reason: str
) -> None:
    stub(cloud, "lambda").add_response("invoke", {"StatusCode": 200, "Payload": body(answer)})
    _, found = run(cloud, lambda_step(("score", "Float")))
    assert reason in found["Select"]["FailureReason"]


def test_an_error_in_the_function_fails_the_step_with_its_message(cloud: Cloud, jobs: Jobs) -> None:
    details = {"errorType": "NoTrialCompletedError", "errorMessage": "no trial completed"}
    answer = {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": body(details)}
    stub(cloud, "lambda").add_response("invoke", answer)
    _, found = run(cloud, lambda_step())
    assert found["Select"]["FailureReason"].endswith("NoTrialCompletedError: no trial completed")


def test_a_function_that_cannot_be_invoked_fails_the_step(cloud: Cloud, jobs: Jobs) -> None:
    stub(cloud, "lambda").add_client_error("invoke", "ResourceNotFoundException", "not found")
    _, found = run(cloud, lambda_step())
    assert "ResourceNotFoundException" in found["Select"]["FailureReason"]


def test_a_fail_step_fails_the_execution_with_its_message(cloud: Cloud, jobs: Jobs) -> None:
    message = {"Std:Join": {"On": " ", "Values": ["score is", 0.4]}}
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    execution, found = run(cloud, step)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert found["Stop"]["FailureReason"] == "score is 0.4"
    assert found["Stop"]["Metadata"] == {"Fail": {"ErrorMessage": "score is 0.4"}}


EVALUATION = {"PropertyFileName": "E", "OutputName": "train", "FilePath": "evaluation.json"}

SCORE = {"Std:JsonGet": {"PropertyFile": get("Steps.Build.PropertyFiles.E"), "Path": "m.score"}}


def test_json_get_reads_the_file_that_the_processing_job_left(cloud: Cloud, jobs: Jobs) -> None:
    stubber = stub(cloud, "s3")
    request = {"Bucket": "artifacts", "Key": "out/evaluation.json"}
    stubber.add_response("get_object", {"Body": body({"m": {"score": 0.8}})}, request)
    build = processing("Build", PropertyFiles=[EVALUATION])

    _, found = run(cloud, build, condition("Check", SCORE, 0.75, then=[training("Yes")]))

    assert found["Yes"]["StepStatus"] == "Succeeded"


def test_a_property_file_that_is_missing_fails_the_step(cloud: Cloud, jobs: Jobs) -> None:
    stub(cloud, "s3").add_client_error("get_object", "NoSuchKey", "not there")
    build = processing("Build", PropertyFiles=[EVALUATION])
    _, found = run(cloud, build, condition("Check", SCORE, 0.75))
    assert "evaluation.json cannot be read" in found["Check"]["FailureReason"]


def test_a_model_and_a_package_are_made_and_referred_to(
    cloud: Cloud, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_arn = cloud.arn("model-package/group/1")
    made: list[dict[str, Any]] = []

    def make(answer: dict[str, Any]) -> protocol.Handler:
        def handler(_: Cloud, request: dict[str, Any]) -> dict[str, Any]:
            made.append(request)
            return answer

        return handler

    described = {"ModelPackageArn": package_arn, "ModelPackageStatus": "Completed"}
    for name, handler in {
        "CreateModel": make({"ModelArn": cloud.arn("model/m")}),
        "DescribeModel": lambda _, request: {"ModelName": request["ModelName"]},
        "CreateModelPackage": make({"ModelPackageArn": package_arn}),
        "DescribeModelPackage": lambda _, request: described,
    }.items():
        script_operation(monkeypatch, name, handler)
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {"ModelPackageGroupName": "group"},
    }
    model = {
        "Name": "Model",
        "Type": "Model",
        "Arguments": {"PrimaryContainer": {"Image": "image"}, "ExecutionRoleArn": ROLE},
    }
    values = [get("Steps.Register.ModelPackageArn"), get("Steps.Model.ModelName")]
    image = {"Std:Join": {"On": "|", "Values": values}}

    execution, found = run(cloud, register, model, training("Train", image=image))

    assert execution["PipelineExecutionStatus"] == "Succeeded"
    name = next(request["ModelName"] for request in made if "ModelName" in request)
    used = jobs.created("TrainingJob")[0]["AlgorithmSpecification"]["TrainingImage"]
    assert used == f"{package_arn}|{name}"
    assert found["Register"]["Metadata"] == {"RegisterModel": {"Arn": package_arn}}
    assert found["Model"]["Metadata"] == {"Model": {"Arn": cloud.arn("model/m")}}
