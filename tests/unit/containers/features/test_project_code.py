"""Calling a project's features function."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Column
from warmfold_features import project_features


def project(features: Callable[[Columns], Any]) -> Project:
    return Project(
        name="loans",
        columns=(Column("amount", "number"),),
        target="bad",
        positive_label="1",
        negative_label="0",
        features=features,
    )


def made(features: Callable[[Columns], Any]) -> Columns:
    return project_features(project(features), {"amount": np.array([1.0, 2.0])}, 2)


def test_the_features_are_returned_as_made() -> None:
    assert list(made(lambda columns: {"twice": columns["amount"] * 2})["twice"]) == [2.0, 4.0]


def test_an_exception_is_reported_by_type_and_place_without_its_text() -> None:
    def fails(columns: Columns) -> Columns:
        raise KeyError("a data value")

    with pytest.raises(
        UserError, match=r"'loans' raised KeyError at test_project_code.py line \d+, in fails"
    ) as e:
        made(fails)
    assert "data value" not in str(e.value)


def test_a_column_that_the_source_spells_wrongly_is_named_with_the_right_one() -> None:
    fault = r"in <lambda>: there is no 'amuont', did you mean 'amount'\?$"
    with pytest.raises(UserError, match=fault):
        made(lambda columns: {"x": columns["amuont"]})


def test_a_key_out_of_the_data_is_not_named() -> None:
    names = {"known": 1.0}
    value = "a data value"
    with pytest.raises(UserError, match=r"raised KeyError at \S+ line \d+, in <lambda>$"):
        made(lambda columns: {"x": names[value]})


def test_the_raw_columns_cannot_be_changed() -> None:
    def writes(columns: Columns) -> Columns:
        columns["amount"][0] = 0
        return columns

    with pytest.raises(UserError, match="raised ValueError"):
        made(writes)


@pytest.mark.parametrize(
    "result,fault",
    [
        (None, "must return a mapping of arrays, not NoneType"),
        ({}, "must return a mapping of arrays, not dict"),
        ({"x": [1.0, 2.0]}, "returned list for 'x'"),
        ({"x": np.ones(3)}, r"returned shape \(3,\) for 'x': expected \(2,\)"),
        ({"x": np.ones((2, 1))}, r"returned shape \(2, 1\) for 'x'"),
        ({"x": np.ones(2, dtype=complex)}, "returned dtype complex128 for 'x'"),
        ({"a b": np.ones(2)}, "returned a feature named 'a b'"),
        ({1: np.ones(2)}, "returned a feature named 1"),
    ],
)
def test_a_result_of_another_form_is_refused(result: Any, fault: str) -> None:
    with pytest.raises(UserError, match=f"^the features function of project 'loans' {fault}"):
        made(lambda columns: result)
