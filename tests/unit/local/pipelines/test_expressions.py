"""Resolving the expressions of a definition."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.sagemaker.expressions import (
    ExpressionError,
    Found,
    evaluate,
    find,
    follow,
    split_path,
    text,
)

OUTPUTS: dict[str, dict[str, Any]] = {
    "Build": {
        "ProcessingOutputConfig": {
            "Outputs": [
                {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}},
                {"OutputName": "holdout", "S3Output": {"S3Uri": "s3://b/holdout"}},
            ]
        }
    },
    "Train": {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"}},
    "Select": {"OutputParameters": {"selection_uri": "s3://b/selection", "score": 0.75}},
}


@dataclass
class Values:
    """A scope of plain dictionaries."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Any = None

    def parameter(self, name: str) -> Any:
        if name not in self.parameters:
            raise ExpressionError(f"there is no parameter {name!r}")
        return self.parameters[name]

    def execution(self, name: str) -> str:
        return {"PipelineExecutionId": "a1b2c3d4e5f6"}[name]

    def step(self, name: str) -> Mapping[str, Any]:
        return OUTPUTS[name]

    def property_file(self, step: str, name: str) -> Any:
        assert (step, name) == ("Evaluate", "Evaluation")
        return self.evaluation

    def json_object(self, uri: str) -> Any:
        assert uri == "s3://b/evaluation.json"
        return self.evaluation


def json_get(path: str) -> dict[str, Any]:
    file = {"Get": "Steps.Evaluate.PropertyFiles.Evaluation"}
    return {"Std:JsonGet": {"PropertyFile": file, "Path": path}}


@pytest.mark.parametrize(
    "path, value",
    [
        ("Build.ProcessingOutputConfig.Outputs['holdout'].S3Output.S3Uri", "s3://b/holdout"),
        ("Build.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri", "s3://b/train"),
        ("Train.ModelArtifacts.S3ModelArtifacts", "s3://b/model.tar.gz"),
        ("Select.OutputParameters['selection_uri']", "s3://b/selection"),
        ("Select.OutputParameters['score']", 0.75),
    ],
)
def test_get_follows_a_step_property_as_aws_writes_it(path: str, value: object) -> None:
    assert evaluate({"Get": f"Steps.{path}"}, Values()) == value


def test_parameters_keep_their_type() -> None:
    scope = Values(parameters={"Trials": 8, "Minimum": 0.7, "Fast": True, "Name": "x"})
    request = {"a": {"Get": "Parameters.Trials"}, "b": [{"Get": "Parameters.Fast"}], "c": 1}
    assert evaluate(request, scope) == {"a": 8, "b": [True], "c": 1}


def test_join_writes_numbers_and_truth_values_as_json_does() -> None:
    scope = Values(parameters={"Minimum": 0.7, "Trials": 8, "Fast": True})
    values = ["s3:/", {"Get": "Execution.PipelineExecutionId"}, {"Get": "Parameters.Minimum"}]
    values += [{"Get": "Parameters.Trials"}, {"Get": "Parameters.Fast"}]
    joined = evaluate({"Std:Join": {"On": "/", "Values": values}}, scope)
    assert joined == "s3://a1b2c3d4e5f6/0.7/8/true"


@pytest.mark.parametrize(
    "path, value",
    [("score", 0.75), ("$.score", 0.75), ("a.b[1]['c d']", "x"), ("a['b'][0]", 1)],
)
def test_json_get_reads_a_property_file(path: str, value: object) -> None:
    content = {"score": 0.75, "a": {"b": [1, {"c d": "x"}]}}
    assert evaluate(json_get(path), Values(evaluation=content)) == value


def test_json_get_also_reads_a_joined_uri() -> None:
    uri = {"Std:Join": {"On": "/", "Values": ["s3://b", "evaluation.json"]}}
    scope = Values(evaluation={"score": 1})
    assert evaluate({"Std:JsonGet": {"S3Uri": uri, "Path": "score"}}, scope) == 1


@pytest.mark.parametrize("path", ["missing", "a", "a.b", "none", "a.b[7]"])
def test_json_get_of_nothing_or_of_more_than_one_value_fails(path: str) -> None:
    content = {"score": 1, "a": {"b": [1]}, "none": None}
    with pytest.raises(ExpressionError):
        evaluate(json_get(path), Values(evaluation=content))


@pytest.mark.parametrize(
    "value",
    [
        {"Get": "Parameters.Unknown"},
        {"Get": "Nothing.Known"},
        {"Get": "Steps.Train.ModelArtifacts.S3Model"},
        {"Std:Upper": "x"},
        {"Std:Join": {"On": "/"}},
        {"Std:Join": {"On": "/", "Values": [["list"]]}},
        {"Std:JsonGet": {"PropertyFile": "x", "Path": "y"}},
    ],
)
def test_what_cannot_be_resolved_is_an_error(value: object) -> None:
    with pytest.raises(ExpressionError):
        evaluate(value, Values())


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcXYZ", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(PLAIN)
def test_json_without_expressions_stays_as_it_is(value: object) -> None:
    assert evaluate(value, Values()) == value
    assert list(find(value)) == []


def test_expressions_inside_expressions_are_found_with_their_places() -> None:
    body = {"A": [{"Std:Join": {"On": "", "Values": ["x", {"Get": "Parameters.P"}]}}]}
    assert list(find(body)) == [
        Found("A[0]", "Std:Join", {"On": "", "Values": ["x", {"Get": "Parameters.P"}]}),
        Found("A[0].Std:Join.Values[1]", "Get", "Parameters.P"),
    ]


NAMES = st.text("abcdefgXYZ019_-", min_size=1, max_size=6).filter(lambda s: not s.isdigit())


@given(st.lists(NAMES | st.integers(0, 5), min_size=1, max_size=5))
def test_a_path_leads_to_what_was_put_there(parts: list[str | int]) -> None:
    value: Any = "found"
    for part in reversed(parts):
        value = {part: value} if isinstance(part, str) else [None] * part + [value]
    written = "".join(f"['{p}']" if isinstance(p, str) else f"[{p}]" for p in parts)

    assert split_path(written) == parts
    assert follow(value, written) == "found"


@given(st.text(max_size=12))
def test_any_text_is_a_path_or_an_expression_error(path: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert split_path(path)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_number_survives_being_joined(value: float) -> None:
    assert float(text(value)) == float(value)
