"""Hyperparameters: typed, in range, and refused by name."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.algorithms import LIGHTGBM
from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import encode
from warmfold_trainer.algorithms.lightgbm_settings import DATASET_PARAMETERS
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.settings import read_settings

KNOWN = {setting.name: setting for setting in LIGHTGBM}


def read(**given_values: str) -> dict[str, float]:
    return read_settings(given_values, LIGHTGBM, owner="lightgbm")


def test_what_is_not_given_has_its_default() -> None:
    assert read() == {setting.name: setting.default for setting in LIGHTGBM}


@pytest.mark.parametrize("setting", LIGHTGBM, ids=lambda setting: setting.name)
def test_every_default_lies_in_its_own_range_and_survives_being_text(setting: object) -> None:
    texts = encode(read())
    assert read(**texts) == read()


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
    ],
)
def test_a_value_out_of_range_names_hyperparameter_value_and_range(
    name: str, text: str, fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        read(**{name: text})


def test_an_unknown_hyperparameter_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"lightgbm has no hyperparameter max_leafs; .*num_leaves"):
        read(max_leafs="3")


def test_what_aborts_lightgbm_is_not_offered_and_what_shapes_the_data_is_not_tunable() -> None:
    assert "use_quantized_grad" not in KNOWN
    assert not any(KNOWN[name].tunable for name in DATASET_PARAMETERS)
    assert KNOWN["num_leaves"].tunable


@given(st.text(max_size=20))
def test_any_text_is_either_a_value_in_range_or_a_users_mistake(text: str) -> None:
    setting = KNOWN["learning_rate"]
    with contextlib.suppress(UserError):
        assert 0 < setting.parse(text) <= 1


def test_an_unknown_algorithm_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="unknown algorithm 'xgb': this image has lightgbm"):
        algorithm_named("xgb")
