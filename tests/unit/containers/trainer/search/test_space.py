"""Ranges: read, drawn from, and written as hyperparameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.containers.trainer.search.aids import SEARCH, plan, span
from warmfold_contract.errors import UserError
from warmfold_trainer.search.space import Range

CONTINUOUS = st.builds(
    lambda low, width, scaling: Range(
        name="r", kind="continuous", minimum=low, maximum=low + width, scaling=scaling
    ),
    st.floats(1e-6, 0.4),
    st.floats(0, 0.5),
    st.sampled_from(["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]),
)
INTEGER = st.builds(
    lambda low, width, scaling: Range(
        name="r", kind="integer", minimum=low, maximum=low + width, scaling=scaling
    ),
    st.integers(1, 1000),
    st.integers(0, 1000),
    st.sampled_from(["Auto", "Linear", "Logarithmic"]),
)


@given(st.one_of(CONTINUOUS, INTEGER), st.floats(0, 1))
def test_a_text_within_the_range_is_drawn_as_itself_again(item: Range, share: float) -> None:
    text = item.nearest(item.minimum + share * (item.maximum - item.minimum))
    drawn = item.drawn(text)
    assert drawn is not None
    assert item.distribution()._contains(item.distribution().to_internal_repr(drawn))
    assert float(item.text(drawn)) == pytest.approx(float(text), rel=1e-12)


@given(st.one_of(CONTINUOUS, INTEGER), st.floats(-1e9, 1e9))
def test_what_is_nearest_lies_in_the_range(item: Range, value: float) -> None:
    assert item.minimum <= float(item.nearest(value)) <= item.maximum


def test_a_choice_is_drawn_as_its_text() -> None:
    item = Range(name="objective", kind="categorical", values=("l2", "huber"))
    assert (item.drawn("huber"), item.text("l2"), item.drawn("l1")) == ("huber", "l2", None)
    assert item.nearest("l1") == "l2"


def test_a_search_begins_with_the_defaults_that_lie_in_its_ranges() -> None:
    first = plan(warmfold_range_lambda_l2=span(minimum=0.5, maximum=9)).first()
    assert first == {"lambda_l2": "0.5", "learning_rate": "0.05", "num_leaves": "15"}


@pytest.mark.parametrize(
    "name,text,fault",
    [
        ("speed", span(minimum=1, maximum=2), "is no hyperparameter of the algorithm"),
        ("max_bin", span("integer", minimum=8, maximum=63), "cannot be searched"),
        ("num_leaves", span("integer", minimum=1, maximum=9), "holds 1: num_leaves must be"),
        ("num_leaves", span("integer", minimum=9, maximum=4), "is empty: from 9 to 4"),
        (
            "lambda_l2",
            span(minimum=0, maximum=9, scaling="Logarithmic"),
            "has Logarithmic scaling, which needs a minimum above 0",
        ),
        (
            "feature_fraction",
            span(minimum=0.5, maximum=1, scaling="ReverseLogarithmic"),
            r"has ReverseLogarithmic scaling, which needs a continuous range within \[0, 1\)",
        ),
        ("lambda_l2", span("grid", minimum=0, maximum=9), "has kind 'grid'"),
        ("num_leaves", span("categorical", values=["7", "7"]), "needs values, each once"),
        ("num_leaves", span("categorical", values=["7", "few"]), "holds few"),
        ("num_leaves", "7", "is not a range"),
        ("num_leaves", "{", "is not a range"),
        ("num_leaves", '{"kind": "integer"}', "is not a range .'minimum'."),
    ],
)
def test_a_range_that_nothing_can_be_drawn_from_is_named(name: str, text: str, fault: str) -> None:
    with pytest.raises(UserError, match=f"^warmfold_range_{name} {fault}"):
        plan(**{f"warmfold_range_{name}": text})


def test_a_hyperparameter_is_either_fixed_or_searched() -> None:
    with pytest.raises(UserError, match="num_leaves: both fixed and searched"):
        plan(num_leaves="7")


@pytest.mark.parametrize(
    "name,text,fault",
    [
        ("warmfold_max_trials", "0", "warmfold_max_trials is '0'"),
        ("warmfold_racing", "yes", "warmfold_racing is 'yes'"),
        ("max_rounds", "0", "max_rounds is '0'"),
        ("speed", "9", "has no hyperparameter speed"),
    ],
)
def test_other_settings_of_a_search_are_checked_before_it(name: str, text: str, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        plan(**{name: text})


def test_a_search_without_a_range_is_refused() -> None:
    from warmfold_trainer.search.plan import read_plan

    fixed = {key: value for key, value in SEARCH.items() if "_range_" not in key}
    with pytest.raises(UserError, match="nothing to search"):
        read_plan(fixed)
