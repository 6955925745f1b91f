"""Hyperparameters: typed, in range, and refused by name."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.algorithms import HYPERPARAMETERS, combination_fault, hyperparameters
from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import encode
from warmfold_contract.settings import Hyperparameter, Value
from warmfold_contract.tasks import CLASSIFICATION, REGRESSION, Task
from warmfold_trainer.algorithms.lightgbm_settings import DATASET_PARAMETERS
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.settings import read_settings

LIGHTGBM = hyperparameters("lightgbm", CLASSIFICATION)
KNOWN: dict[str, Hyperparameter] = {setting.name: setting for setting in LIGHTGBM}
ALL = [(name, task) for name, tasks in HYPERPARAMETERS.items() for task in tasks]


def read(**given_values: str) -> dict[str, Value]:
    return read_settings(given_values, "lightgbm", CLASSIFICATION)


def test_what_is_not_given_has_its_default() -> None:
    assert read() == {setting.name: setting.default for setting in LIGHTGBM}


@pytest.mark.parametrize("algorithm,task", ALL)
def test_every_default_lies_in_its_own_range_and_survives_being_text(
    algorithm: str, task: Task
) -> None:
    values = read_settings({}, algorithm, task)
    assert read_settings(encode(values), algorithm, task) == values
    assert combination_fault(algorithm, values) is None


@pytest.mark.parametrize("algorithm,task", ALL)
def test_no_hyperparameter_is_there_twice(algorithm: str, task: Task) -> None:
    names = [setting.name for setting in hyperparameters(algorithm, task)]
    assert len(names) == len(set(names))


def test_integers_are_integers_and_numbers_may_have_exponents() -> None:
    values = read(num_leaves="15", learning_rate="3e-2")
    assert values["num_leaves"] == 15
    assert isinstance(values["num_leaves"], int)
    assert values["learning_rate"] == 0.03


@pytest.mark.parametrize(
    "name,text,fault",
    [
        ("num_leaves", "1", "num_leaves is '1': use an integer from 2 to 131072"),
        ("num_leaves", "15.5", "num_leaves is '15.5': use an integer"),
        ("num_leaves", "1" * 30, "num_leaves is"),
        ("learning_rate", "0", "learning_rate is '0': use a number above 0 to 1"),
        ("learning_rate", "nan", "learning_rate is 'nan'"),
        ("learning_rate", "1e999", "learning_rate is '1e999'"),
        ("bagging_fraction", "1.01", "bagging_fraction is '1.01'"),
        ("max_rounds", "0", "max_rounds is '0'"),
        ("lambda_l1", "fast", "lambda_l1 is 'fast'"),
        ("lambda_l1", "1_0", "lambda_l1 is '1_0'"),
        ("lambda_l1", " 1", "lambda_l1 is ' 1'"),
    ],
)
def test_a_value_out_of_range_names_hyperparameter_value_and_range(
    name: str, text: str, fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        read(**{name: text})


def test_an_unknown_hyperparameter_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"has no hyperparameter max_leafs; .*num_leaves"):
        read(max_leafs="3")


def test_a_text_is_one_of_its_choices() -> None:
    assert read_settings({"objective": "huber"}, "lightgbm", REGRESSION)["objective"] == "huber"
    with pytest.raises(UserError, match="objective is 'mape': use one of l2, l1, huber, quantile"):
        read_settings({"objective": "mape"}, "lightgbm", REGRESSION)


def test_a_hyperparameter_of_the_other_task_is_unknown() -> None:
    with pytest.raises(UserError, match=r"lightgbm \(classification\) has no .* objective"):
        read(objective="l1")
    with pytest.raises(UserError, match=r"xgboost \(regression\) has no .* scale_pos_weight"):
        read_settings({"scale_pos_weight": "2"}, "xgboost", REGRESSION)


@pytest.mark.parametrize(
    "algorithm,given,fault",
    [
        ("lightgbm", {"objective": "quantile", "alpha": "1.5"}, "alpha is 1.5: with objective"),
        ("xgboost", {"max_depth": "0"}, "max_depth and max_leaves are both 0"),
    ],
)
def test_values_that_contradict_each_other_are_refused_by_name(
    algorithm: str, given: dict[str, str], fault: str
) -> None:
    with pytest.raises(UserError, match=f"hyperparameters of {algorithm}: {fault}"):
        read_settings(given, algorithm, REGRESSION)


def test_what_aborts_lightgbm_is_not_offered_and_what_shapes_the_data_is_not_tunable() -> None:
    assert "use_quantized_grad" not in KNOWN
    assert not any(KNOWN[name].tunable for name in DATASET_PARAMETERS)
    assert KNOWN["num_leaves"].tunable


@given(st.text(max_size=20))
def test_any_text_is_either_a_value_in_range_or_a_users_mistake(text: str) -> None:
    setting = KNOWN["learning_rate"]
    with contextlib.suppress(UserError):
        value = setting.parse(text)
        assert isinstance(value, float)
        assert 0 < value <= 1


def test_an_unknown_algorithm_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match="unknown algorithm 'xgb': this image has lightgbm, xgboost"
    ):
        algorithm_named("xgb")
