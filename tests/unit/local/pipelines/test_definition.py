"""What CreatePipeline refuses, and how it says so."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.pipelines.aids import (
    FUNCTION,
    condition,
    definition,
    get,
    processing,
    training,
    tuning,
)
from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.pipeline_checks import parse

LAMBDA = {
    "Name": "Select",
    "Type": "Lambda",
    "FunctionArn": FUNCTION,
    "Arguments": {"job": get("Steps.Tune.HyperParameterTuningJobName")},
    "OutputParameters": [{"OutputName": "score", "OutputType": "Float"}],
}
SCORE = {
    "Std:JsonGet": {"PropertyFile": get("Steps.Build.PropertyFiles.Evaluation"), "Path": "score"}
}
EVALUATION = {
    "PropertyFileName": "Evaluation",
    "OutputName": "train",
    "FilePath": "evaluation.json",
}


def refused(*steps: Any, parameters: Any = None) -> str:
    with pytest.raises(ValidationError) as caught:
        parse(definition(*steps, parameters=parameters))
    assert caught.value.code == "ValidationException"
    message = str(caught.value)
    assert message.startswith("Unable to parse pipeline definition. ")
    return message


def test_a_good_definition_is_read_with_the_steps_of_its_branches() -> None:
    build = processing("Build", PropertyFiles=[EVALUATION])
    uri = get("Steps.Build.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri")
    check = condition("Check", SCORE, get("Parameters.Minimum"), then=[training("Yes", image=uri)])
    parameters = [{"Name": "Minimum", "Type": "Float", "DefaultValue": 0.5}]

    found = parse(definition(build, tuning("Tune"), LAMBDA, check, parameters=parameters))

    assert list(found.steps) == ["Build", "Tune", "Select", "Check", "Yes"]
    assert (found.steps["Yes"].condition, found.steps["Yes"].branch) == ("Check", True)
    assert found.parameters["Minimum"].default == 0.5


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "Version is None"),
        ('{"Version": "2020-12-01"}', "Steps is not a list"),
        ('{"Version": "2020-12-01", "Steps": [{}]}', "Steps[0] has no Name"),
    ],
)
def test_what_is_no_definition_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(text)
    assert words in str(caught.value)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)


@given(st.recursive(LEAVES, st.lists, max_leaves=20))
def test_arbitrary_json_never_breaks_the_check(value: object) -> None:
    for text in (json.dumps(value), json.dumps({"Version": "2020-12-01", "Steps": value})):
        with pytest.raises(ValidationError):
            parse(text)


def test_every_fault_is_reported_at_once_with_step_and_place() -> None:
    message = refused(
        training("Train", image=get("Parameters.Image")),
        training("Train"),
        {"Name": "Odd", "Type": "Sorcery"},
        processing("Build", uri=get("Steps.Nobody.X")),
    )
    assert "Step Train: the name is taken" in message
    assert "Step Odd: there is no step type 'Sorcery'" in message
    place = "Arguments.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri"
    assert f"Step Build: {place}: Steps.Nobody.X names the step 'Nobody'" in message


@pytest.mark.parametrize(
    "path, words",
    [
        ("Parameters.Image", "there is no parameter 'Image'"),
        ("Execution.Mood", "there is no execution variable 'Mood'"),
        ("Somewhere.X", "Get takes Parameters, Execution or Steps"),
        ("Steps.Build.ProcessingOutputs.X", "has no property"),
        ("Steps.Build", "has no property ''"),
        ("Steps.Tune.BestTrainingJob.Nickname", "has no property"),
        ("Steps.Select.OutputParameters['loss']", "declares no output"),
    ],
)
def test_a_reference_to_nothing_is_refused(path: str, words: str) -> None:
    steps = (processing("Build"), tuning("Tune"), LAMBDA, training("Train", image=get(path)))
    message = refused(*steps)
    assert "Step Train: Arguments.AlgorithmSpecification.TrainingImage: " in message
    assert words in message


@pytest.mark.parametrize(
    "path",
    [
        "Steps.Tune.BestTrainingJob.TrainingJobName",
        "Steps.Tune.TrainingJobSummaries[0].TrainingJobName",
        "Steps.Select.OutputParameters['score']",
        "Execution.PipelineExecutionId",
    ],
)
def test_references_that_aws_resolves_are_accepted(path: str) -> None:
    steps = (tuning("Tune"), LAMBDA, training("Train", image=get(path)))
    assert "Train" in parse(definition(*steps)).steps


def test_a_property_file_must_be_declared() -> None:
    message = refused(processing("Build"), condition("Check", SCORE, 0.5))
    assert "step Build declares no property file 'Evaluation'" in message


def test_steps_that_wait_for_each_other_are_refused() -> None:
    first = training("A", image=get("Steps.B.TrainingJobName"))
    message = refused(first, training("B", DependsOn=["A"]))
    assert "in a circle" in message


def test_no_step_may_wait_for_one_in_a_branch_that_may_not_run() -> None:
    check = condition("Check", 1, 0, then=[training("Yes")], other=[training("No")])
    assert "in a branch that may not run" in refused(check, training("Late", DependsOn=["Yes"]))
    check["Arguments"]["ElseSteps"] = [training("No", DependsOn=["Yes"])]
    assert "in a branch that may not run" in refused(check)


def test_a_condition_step_cannot_stand_in_a_branch() -> None:
    inner = condition("Inner", 1, 0)
    assert "cannot stand in a branch" in refused(condition("Outer", 1, 0, then=[inner]))


@pytest.mark.parametrize("kind", ["Lambda", "Condition", "Fail"])
def test_retry_policies_are_for_steps_that_make_something(kind: str) -> None:
    step = {"Name": "S", "Type": kind, "RetryPolicies": []}
    assert f"a {kind} step takes no RetryPolicies" in refused(step)


@pytest.mark.parametrize(
    "step, words",
    [
        ({"Name": "a b", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}, "1 to 64 letters"),
        ({"Name": "F", "Type": "Fail", "Arguments": {}}, "no ErrorMessage"),
        ({"Name": "L", "Type": "Lambda", "Arguments": {}}, "FunctionArn is not a text"),
        ({"Name": "L", "Type": "Lambda", "Arguments": []}, "Arguments is not a JSON object"),
        ({**LAMBDA, "OutputParameters": [{"OutputName": "x", "OutputType": "Map"}]}, "OutputType"),
        ({"Name": "C", "Type": "Condition", "Arguments": {}}, "at least one condition"),
    ],
)
def test_a_step_without_what_its_type_needs_is_refused(step: Any, words: str) -> None:
    assert words in refused(tuning("Tune"), step)


@pytest.mark.parametrize(
    "parameter, words",
    [
        ({"Type": "String"}, "Parameters[0] has no Name"),
        ({"Name": "P", "Type": "Date"}, "Type is 'Date'"),
        ({"Name": "P", "Type": "Integer", "DefaultValue": "8"}, "DefaultValue is not of type"),
        ({"Name": "P", "Type": "Float", "DefaultValue": True}, "DefaultValue is not of type"),
    ],
)
def test_a_malformed_parameter_is_refused(parameter: Any, words: str) -> None:
    assert words in refused(training("Train"), parameters=[parameter])


def test_a_pipeline_has_at_most_fifty_steps() -> None:
    assert "at most 50" in refused(*(training(f"S{i}") for i in range(51)))
