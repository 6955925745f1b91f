"""Hyperparameters as SageMaker hands them over."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import encode, read_hyperparameters, unquote


@given(st.text())
def test_one_level_of_json_quotes_is_undone(text: str) -> None:
    assert unquote(json.dumps(text)) == text


@given(st.text().filter(lambda text: not (text[:1] == '"' == text[-1:])))
def test_text_without_quotes_around_it_is_left_alone(text: str) -> None:
    assert unquote(text) == text


@pytest.mark.parametrize("text", ['"', '"a"b"', '"\\"'])
def test_quotes_that_are_no_json_are_left_alone(text: str) -> None:
    assert unquote(text) == text


def test_reserved_keys_are_dropped_and_quotes_undone(tmp_path: Path) -> None:
    path = tmp_path / "hyperparameters.json"
    path.write_text(
        json.dumps(
            {
                "num_leaves": "31",
                "boosting": '"gbdt"',
                "_tuning_objective_metric": '"validation:score"',
                "sagemaker_program": '"train.py"',
            }
        )
    )
    assert read_hyperparameters(path) == {"num_leaves": "31", "boosting": "gbdt"}


def test_a_job_without_the_file_has_no_hyperparameters(tmp_path: Path) -> None:
    assert read_hyperparameters(tmp_path / "hyperparameters.json") == {}


@pytest.mark.parametrize(
    "text,fault", [("{", "hyperparameters.json is not JSON"), ("[]", "must be a JSON object")]
)
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "hyperparameters.json"
    path.write_text(text)
    with pytest.raises(UserError, match=fault):
        read_hyperparameters(path)


def test_values_become_the_strings_that_the_api_wants() -> None:
    assert encode({"a": 3, "b": 0.5, "c": True, "d": "x"}) == {
        "a": "3",
        "b": "0.5",
        "c": "true",
        "d": "x",
    }
