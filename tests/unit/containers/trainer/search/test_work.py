"""What a trial is foreseen to take: only comparisons matter, and they must never fail."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.algorithms import hyperparameters
from warmfold_trainer.search.work import foreseen_rounds, round_work, work_of

TREES = {
    "max_rounds": 400,
    "early_stopping_rounds": 30,
    "learning_rate": 0.1,
    "num_leaves": 31,
    "max_depth": -1,
    "feature_fraction": 1.0,
}


def defaults(algorithm: str) -> dict[str, object]:
    return {item.name: item.default for item in hyperparameters(algorithm, "classification")}


@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost", "linear"])
def test_every_algorithms_defaults_have_a_price(algorithm: str) -> None:
    work = float(work_of([])(defaults(algorithm)))
    assert 0 < work < math.inf


@pytest.mark.parametrize(
    "name, less, more",
    [
        ("num_leaves", 4, 63),
        ("feature_fraction", 0.4, 1.0),
        ("max_depth", 2, -1),
        ("max_rounds", 10, 400),
    ],
)
def test_larger_trees_of_more_features_in_more_rounds_are_more_work(
    name: str, less: float, more: float
) -> None:
    work = work_of([])
    slow = {**TREES, "learning_rate": 0.005}
    assert work({**slow, name: less}) < work({**slow, name: more})


def test_depth_bounds_leaves_and_zero_leaves_are_no_bound() -> None:
    assert round_work({"max_depth": 3, "max_leaves": 0}) == round_work({"num_leaves": 8})
    assert round_work({"max_depth": 0, "max_leaves": 16}) == round_work({"num_leaves": 16})


def test_small_learning_rates_need_more_rounds_up_to_the_most_there_are() -> None:
    rates = np.array([0.001, 0.01, 0.1, 0.3])
    rounds = foreseen_rounds({**TREES, "learning_rate": rates}, 10.0)
    assert rounds[0] == 400
    assert (np.diff(rounds) <= 0).all()
    assert rounds[-1] > 30


def test_finished_trials_teach_how_many_rounds_are_typical() -> None:
    few, many = work_of([(TREES, 5)] * 20), work_of([(TREES, 200)] * 20)
    assert few(TREES) < many(TREES)


def test_a_search_without_rounds_costs_the_same_everywhere() -> None:
    linear = {"l1": np.array([0.0, 1.0]), "l2": np.array([1.0, 2.0]), "max_iterations": 500}
    assert np.ptp(np.broadcast_to(work_of([(linear, 1)])(linear), 2)) == 0


def test_depths_without_end_and_trees_without_limits_count_alike() -> None:
    endless = round_work({"max_depth": -1})
    assert round_work({"max_depth": np.array([17, 64])}).tolist() == [endless, endless]


def test_a_trial_without_a_learning_rate_has_one_price_and_teaches_nothing() -> None:
    bare = {name: value for name, value in TREES.items() if name != "learning_rate"}
    assert work_of([(bare, 300)])(TREES) == work_of([])(TREES)
    assert work_of([])(bare) == round_work(bare)


@given(
    rate=st.floats(0, 1, exclude_min=True),
    leaves=st.integers(0, 131_072),
    depth=st.integers(-1, 64),
    share=st.floats(0, 1, exclude_min=True),
    best=st.integers(1, 100_000),
)
def test_work_is_always_a_positive_number(
    rate: float, leaves: int, depth: int, share: float, best: int
) -> None:
    settings = {
        **TREES,
        "learning_rate": rate,
        "num_leaves": leaves,
        "max_depth": depth,
        "feature_fraction": share,
    }
    work = float(work_of([(settings, best)])(settings))
    assert 0 < work < math.inf
