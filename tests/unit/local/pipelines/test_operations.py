"""The operations on pipelines and executions, as a client sees them."""

from typing import Any

import pytest

from tests.unit.local.pipelines.aids import (
    ROLE,
    TOKEN,
    Jobs,
    create,
    definition,
    describe,
    finished,
    start,
    steps,
    training,
    wait_until,
)
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.protocol import call, handle

TEXT = definition(training("Train"))
PARAMETERS: list[dict[str, Any]] = [
    {"Name": "Uri", "Type": "String", "DefaultValue": "s3://b/raw"},
    {"Name": "Trials", "Type": "Integer", "DefaultValue": 8},
    {"Name": "Minimum", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "Fast", "Type": "Boolean", "DefaultValue": False},
    {"Name": "Mode", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
    {"Name": "Day", "Type": "String"},
]


def error_of(cloud: Cloud, operation: str, request: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        call(cloud, operation, request)
    return caught.value.code, caught.value.message


def test_a_pipeline_is_described_as_it_was_deployed(cloud: Cloud) -> None:
    arn = create(cloud, TEXT, PipelineDescription="d")
    found = call(cloud, "DescribePipeline", {"PipelineName": "training"})
    assert arn == "arn:aws:sagemaker:us-east-1:000000000000:pipeline/training"
    assert (found["PipelineDefinition"], found["PipelineStatus"]) == (TEXT, "Active")
    assert call(cloud, "DescribePipeline", {"PipelineName": arn}) == found


def test_a_name_that_is_taken_is_refused_in_the_words_that_the_sdk_looks_for(cloud: Cloud) -> None:
    create(cloud, TEXT)
    assert create(cloud, TEXT)  # the same token: the same call again
    with pytest.raises(ValidationError, match="already exists"):
        create(cloud, TEXT, ClientRequestToken="u" * 32)


def test_a_faulty_definition_is_refused_on_create_and_on_update(cloud: Cloud) -> None:
    with pytest.raises(ValidationError, match="Unable to parse pipeline definition"):
        create(cloud, definition())
    create(cloud, TEXT)
    request = {"PipelineName": "training", "PipelineDefinition": "{}"}
    assert error_of(cloud, "UpdatePipeline", request)[0] == "ValidationException"
    found = call(cloud, "DescribePipeline", {"PipelineName": "training"})
    assert found["PipelineDefinition"] == TEXT


def test_a_running_execution_keeps_the_definition_it_was_started_with(
    cloud: Cloud, jobs: Jobs
) -> None:
    jobs.held = {"Train"}
    create(cloud, TEXT)
    arn = start(cloud)
    changed = definition(training("Other"))
    call(cloud, "UpdatePipeline", {"PipelineName": "training", "PipelineDefinition": changed})
    jobs.held = set()

    finished(cloud, arn)

    assert list(steps(cloud, arn)) == ["Train"]
    request = {"PipelineExecutionArn": arn}
    found = call(cloud, "DescribePipelineDefinitionForExecution", request)
    assert found["PipelineDefinition"] == TEXT
    again = start(cloud, ClientRequestToken="v" * 32)
    finished(cloud, again)
    assert list(steps(cloud, again)) == ["Other"]


def test_exactly_one_source_of_the_definition_is_needed(cloud: Cloud) -> None:
    request = {"PipelineName": "p", "RoleArn": ROLE, "ClientRequestToken": TOKEN}
    assert error_of(cloud, "CreatePipeline", request)[1].startswith("Exactly one of")


@pytest.mark.parametrize("operation", ["DescribePipeline", "UpdatePipeline", "DeletePipeline"])
def test_an_unknown_pipeline_is_not_found(cloud: Cloud, operation: str) -> None:
    request: dict[str, Any] = {"PipelineName": "nobody"}
    if operation == "DeletePipeline":
        request["ClientRequestToken"] = TOKEN
    assert error_of(cloud, operation, request) == (
        "ResourceNotFound",
        "Pipeline 'nobody' does not exist.",
    )


def test_a_pipeline_with_a_running_execution_cannot_be_deleted(cloud: Cloud, jobs: Jobs) -> None:
    jobs.held = {"Train"}
    create(cloud, TEXT)
    arn = start(cloud)
    request = {"PipelineName": "training", "ClientRequestToken": TOKEN}
    assert error_of(cloud, "DeletePipeline", request)[0] == "ConflictException"
    jobs.held = set()
    finished(cloud, arn)

    call(cloud, "DeletePipeline", request)

    described = {"PipelineExecutionArn": arn}
    assert error_of(cloud, "DescribePipelineExecution", described)[0] == "ResourceNotFound"


def test_pipelines_are_listed_by_prefix_and_page(cloud: Cloud) -> None:
    for name in ("a-1", "a-2", "a-3", "b-1"):
        create(cloud, TEXT, PipelineName=name)
    request: dict[str, Any] = {"PipelineNamePrefix": "a", "SortBy": "Name", "MaxResults": 2}
    names: list[str] = []
    while True:
        page = call(cloud, "ListPipelines", request)
        names += [summary["PipelineName"] for summary in page["PipelineSummaries"]]
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert names == ["a-3", "a-2", "a-1"]


def test_the_same_token_starts_one_execution(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, TEXT)
    arn = start(cloud)
    assert start(cloud) == arn
    assert start(cloud, ClientRequestToken="u" * 32) != arn
    for execution in (arn,):
        finished(cloud, execution)
    wait_until(lambda: len(jobs.created("TrainingJob")) == 2)


@pytest.mark.parametrize("token", ["t" * 31, "t" * 129])
def test_a_token_has_32_to_128_characters(cloud: Cloud, token: str) -> None:
    create(cloud, TEXT)
    with pytest.raises(ValidationError, match="clientRequestToken"):
        start(cloud, ClientRequestToken=token)


def test_parameters_are_the_given_ones_else_the_defaults(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, definition(training("Train"), parameters=PARAMETERS))
    arn = start(cloud, {"Day": "2026-03-02", "Trials": "12", "Fast": "true", "Mode": "b"})
    found = call(cloud, "ListPipelineParametersForExecution", {"PipelineExecutionArn": arn})
    assert {item["Name"]: item["Value"] for item in found["PipelineParameters"]} == {
        "Day": "2026-03-02",
        "Fast": "true",
        "Minimum": "0.5",
        "Mode": "b",
        "Trials": "12",
        "Uri": "s3://b/raw",
    }
    finished(cloud, arn)


def test_every_faulty_parameter_is_reported_and_nothing_starts(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, definition(training("Train"), parameters=PARAMETERS))
    given = {"Trials": "many", "Minimum": "nan", "Fast": "yes", "Mode": "c", "Other": "1"}

    with pytest.raises(ValidationError) as caught:
        start(cloud, given)

    for words in (
        "there is no parameter Other",
        "parameter Trials is 'many', not an Integer",
        "parameter Minimum is 'nan', not a finite Float",
        "parameter Fast is 'yes', not a Boolean",
        "parameter Mode is 'c', not one of ['a', 'b']",
        "parameter Day has no default and was not given",
    ):
        assert words in str(caught.value)
    assert jobs.requests == []


def test_executions_are_listed_latest_first_with_their_failure(cloud: Cloud, jobs: Jobs) -> None:
    jobs.endings = {"Train": ("Failed", "AlgorithmError: x, exit code: 1")}
    create(cloud, TEXT)
    arns = [start(cloud, ClientRequestToken=letter * 32) for letter in "abc"]
    for arn in arns:
        finished(cloud, arn)

    listed = call(cloud, "ListPipelineExecutions", {"PipelineName": "training"})

    found = listed["PipelineExecutionSummaries"]
    assert [summary["PipelineExecutionArn"] for summary in found] == arns[::-1]
    assert "AlgorithmError" in found[0]["PipelineExecutionFailureReason"]


def test_the_answers_fit_the_services_shapes(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, TEXT)
    arn = start(cloud)
    finished(cloud, arn)
    for operation, member in (
        ("DescribePipelineExecution", "PipelineExecutionStatus"),
        ("ListPipelineExecutionSteps", "PipelineExecutionSteps"),
    ):
        body = f'{{"PipelineExecutionArn": "{arn}"}}'.encode()
        status, _, answer = handle(cloud, f"SageMaker.{operation}", body)
        assert status == 200
        assert f'"{member}"' in answer.decode()
        assert "_run" not in answer.decode()


def test_members_that_would_change_what_runs_are_not_ignored(cloud: Cloud) -> None:
    create(cloud, TEXT)
    with pytest.raises(UnsupportedOperation, match="MlflowExperimentName"):
        start(cloud, MlflowExperimentName="experiment")


@pytest.mark.parametrize("kind", ["EMR", "AutoML", "QualityCheck", "NotebookJob"])
def test_step_types_that_cannot_run_are_refused_at_the_start_unless_left_out(
    cloud: Cloud, jobs: Jobs, kind: str
) -> None:
    other = {"Name": "Other", "Type": kind, "Arguments": {}}
    create(cloud, definition(training("Train"), other))
    with pytest.raises(UnsupportedOperation, match=f"type {kind} of the pipeline step Other"):
        start(cloud)
    selected = {"SelectedSteps": [{"StepName": "Train"}]}
    arn = start(cloud, SelectiveExecutionConfig=selected)
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"


def test_an_unknown_execution_is_not_found(cloud: Cloud) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/abcdefabcdef"
    with pytest.raises(ServiceError, match="does not exist"):
        describe(cloud, arn)
