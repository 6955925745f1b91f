"""Conditions, and the order in which steps may run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.pipelines.aids import get
from warmfold_local.sagemaker.conditions import all_hold, faults, holds
from warmfold_local.sagemaker.expressions import ExpressionError
from warmfold_local.sagemaker.graph import Step, cycle, dependencies, ready

NUMBERS = st.integers() | st.floats(allow_nan=False)


def compare(kind: str, left: Any, right: Any) -> bool:
    return holds({"Type": kind, "LeftValue": left, "RightValue": right})


@given(NUMBERS, NUMBERS)
def test_comparisons_agree_with_arithmetic(left: float, right: float) -> None:
    assert compare("GreaterThan", left, right) == (left > right)
    assert compare("GreaterThanOrEqualTo", left, right) == (left >= right)
    assert compare("LessThan", left, right) == (left < right)
    assert compare("LessThanOrEqualTo", left, right) == (left <= right)
    assert compare("Equals", left, right) == (left == right)
    assert compare("NotEquals", left, right) != compare("Equals", left, right)


@given(st.text(), NUMBERS, st.sampled_from(["GreaterThan", "LessThanOrEqualTo"]))
def test_a_text_and_a_number_have_no_order(left: str, right: float, kind: str) -> None:
    with pytest.raises(ExpressionError, match="cannot compare a text with a number"):
        compare(kind, left, right)


def test_values_of_different_types_are_never_equal() -> None:
    assert not compare("Equals", 1, "1")
    assert not compare("Equals", 1, True)
    assert compare("Equals", 1, 1.0)


@given(st.integers(0, 3), st.lists(st.integers(0, 3)))
def test_in_and_its_two_negations(value: int, values: list[int]) -> None:
    member = {"Type": "In", "QueryValue": value, "Values": values}
    assert holds(member) == (value in values)
    assert holds({**member, "Type": "NotIn"}) != holds(member)
    assert holds({"Type": "Not", "Expression": member}) != holds(member)


@given(st.lists(st.booleans(), min_size=1))
def test_or_needs_one_and_a_step_needs_all(truths: list[bool]) -> None:
    conditions = [{"Type": "Equals", "LeftValue": t, "RightValue": True} for t in truths]
    assert holds({"Type": "Or", "Conditions": conditions}) == any(truths)
    assert all_hold(conditions) == all(truths)


@pytest.mark.parametrize(
    "condition, text",
    [
        ("x", "is not a condition"),
        ({"Type": "Between"}, "'Between', not one of"),
        ({"Type": "Equals", "LeftValue": 1}, "needs RightValue"),
        ({"Type": "Or", "Conditions": [{"Type": "In"}]}, "needs QueryValue and Values"),
        ({"Type": "Not", "Expression": {"Type": "Maybe"}}, "'Maybe', not one of"),
        ({"Type": "Or", "Conditions": 3}, "is not a list"),
    ],
)
def test_a_malformed_condition_is_named(condition: object, text: str) -> None:
    (fault,) = faults(condition, "Conditions[0]")
    assert fault.startswith("Conditions[0]")
    assert text in fault


def step(name: str, *references: str, after: tuple[str, ...] = (), **members: Any) -> Step:
    arguments = {f"a{i}": get(f"Steps.{other}.X") for i, other in enumerate(references)}
    body = {"Arguments": arguments, "DependsOn": list(after)}
    return Step(name=name, type=members.pop("type", "Training"), body=body, **members)


def test_a_step_waits_for_references_depends_on_and_its_condition() -> None:
    inner = step("Inner", "Build", after=("Other",), condition="Check", branch=True)
    assert dependencies({"Inner": inner})["Inner"] == {"Build", "Other", "Check"}


def test_only_the_branch_that_was_taken_becomes_ready() -> None:
    check = step("Check", type="Condition")
    yes = step("Yes", condition="Check", branch=True)
    no = step("No", condition="Check", branch=False)
    later = step("Later", after=("Check",))
    graph = {each.name: each for each in (check, yes, no, later)}

    assert ready(graph, {}, set()) == ["Check"]
    assert ready(graph, {"Check": {"Outcome": "False"}}, {"Check"}) == ["No", "Later"]
    assert ready(graph, {"Check": {"Outcome": "True"}}, {"Check", "Later"}) == ["Yes"]


def test_a_circle_is_found() -> None:
    around = cycle({"A": step("A", "B"), "B": step("B", "C"), "C": step("C", after=("A",))})
    assert around[0] == around[-1]
    assert set(around) == {"A", "B", "C"}
    assert cycle({"A": step("A"), "B": step("B", "A")}) == []


@given(st.data())
def test_every_acyclic_graph_runs_to_its_end_in_an_order_that_respects_it(data: Any) -> None:
    size = data.draw(st.integers(1, 8))
    before = {i: data.draw(st.sets(st.integers(0, i - 1))) if i else set() for i in range(size)}
    names = data.draw(st.permutations(range(size)))
    graph = {f"S{i}": step(f"S{i}", *(f"S{j}" for j in before[i])) for i in names}

    done: dict[str, Any] = {}
    while len(done) < size:
        able = ready(graph, done, set(done))
        assert able, "nothing may start although steps are left"
        chosen = data.draw(st.sampled_from(able))
        assert all(f"S{j}" in done for j in before[int(chosen[1:])])
        done[chosen] = {}
    assert ready(graph, done, set(done)) == []
