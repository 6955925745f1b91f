"""Every kind of condition that SageMaker has, and those that could not be decided."""

from typing import Any

import pytest

from tests.unit.pipeline.build import condition_step, definition_of, texts
from warmfold.pipeline.validate import faults

ROWS = {"Get": "Parameters.Rows"}


@pytest.mark.parametrize(
    "condition",
    [
        {"Type": "Equals", "LeftValue": {"Get": "Parameters.Mode"}, "RightValue": "full"},
        {"Type": "NotEquals", "LeftValue": {"Get": "Parameters.Debug"}, "RightValue": True},
        {"Type": "LessThan", "LeftValue": {"Get": "Parameters.Rows"}, "RightValue": 0.5},
        {"Type": "In", "QueryValue": {"Get": "Parameters.Mode"}, "Values": ["a", "b"]},
        {
            "Type": "Or",
            "Conditions": [
                {
                    "Type": "Not",
                    "Condition": {
                        "Type": "Equals",
                        "LeftValue": {"Get": "Execution.PipelineName"},
                        "RightValue": "x",
                    },
                }
            ],
        },
    ],
)
def test_every_kind_of_condition_is_known(condition: dict[str, Any]) -> None:
    definition = definition_of(
        condition_step(condition),
        Mode=("String", None),
        Debug=("Boolean", None),
        Rows=("Integer", None),
    )

    assert faults(definition) == []


@pytest.mark.parametrize(
    "condition, words",
    [
        ({"Type": "GreaterThan", "LeftValue": True, "RightValue": False}, "plain values"),
        (
            {"Type": "Equals", "LeftValue": ROWS, "RightValue": "1"},
            "one type",
        ),
        ({"Type": "Equals", "LeftValue": [1], "RightValue": 1}, "plain values"),
        ({"Type": "In", "QueryValue": 1, "Values": ["a"]}, "one type"),
        ({"Type": "Or", "Conditions": []}, "at least one condition"),
        ({"Type": "Not", "Condition": {"Type": "?"}}, "Condition.Type"),
        ("yes", "Conditions[0].Type"),
    ],
)
def test_conditions_that_cannot_be_decided_are_found(condition: Any, words: str) -> None:
    assert words in texts(definition_of(condition_step(condition), Rows=("Integer", None)))


def test_a_condition_without_steps_is_found() -> None:
    step = condition_step({"Type": "Equals", "LeftValue": 1, "RightValue": 1})
    step["Arguments"]["ElseSteps"] = []

    assert "neither branch has a step" in texts(definition_of(step))


def test_the_outcome_of_a_condition_may_be_read() -> None:
    check = condition_step({"Type": "Equals", "LeftValue": 1, "RightValue": 1})
    use = {
        "Name": "Use",
        "Type": "Callback",
        "SqsQueueUrl": "https://queue",
        "Arguments": {"outcome": {"Get": "Steps.Check.Outcome"}},
        "DependsOn": [{"Step": "Check", "Trigger": "Any"}],
    }

    assert faults(definition_of(check, use)) == []
