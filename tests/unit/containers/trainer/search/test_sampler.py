"""What a Bayesian search tries next."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_trainer.search.rules import Rules
from warmfold_trainer.search.sampler import expected_improvement, spread_evenly
from warmfold_trainer.search.space import Range
from warmfold_trainer.search.suggest import SHIPPED, Suggester
from warmfold_trainer.search.work import work_of

RATE = Range(name="rate", kind="continuous", minimum=0.01, maximum=1.0, scaling="Logarithmic")
LEAVES = Range(name="leaves", kind="integer", minimum=2, maximum=64, scaling="Logarithmic")
RANGES = (RATE, LEAVES)
FIRST = {"rate": "1.0", "leaves": "64"}


def valley(drawn: dict[str, str]) -> float:
    """Lowest, 0, at a rate of 0.1 and 2 leaves: inside of one range, at the end of the other."""
    return math.log10(float(drawn["rate"]) * 10) ** 2 + math.log(int(drawn["leaves"]) / 2) / 10


def suggester(
    ranges: Sequence[Range] = RANGES, *, seed: int = 1, trials: int = 24, maximize: bool = False
) -> Suggester:
    return Suggester(
        ranges,
        strategy="Bayesian",
        maximize=maximize,
        trials=trials,
        seed=seed,
        first={item.name: item.nearest(1.0) for item in ranges},
    )


def searched(
    asked: Suggester, score: Callable[[dict[str, str]], float | None], trials: int = 24
) -> list[dict[str, str]]:
    drawn = []
    for number in range(1, trials + 1):
        drawn.append(asked.ask(number))
        asked.tell(number, score(drawn[-1]))
    return drawn


@pytest.mark.parametrize("maximize", [False, True])
def test_it_finds_an_optimum_that_lies_at_an_end_of_a_range(maximize: bool) -> None:
    sign = -1.0 if maximize else 1.0
    drawn = searched(suggester(maximize=maximize), lambda d: sign * valley(d))
    best = min(drawn, key=valley)
    assert best["leaves"] == "2"
    assert float(best["rate"]) == pytest.approx(0.1, rel=0.1)


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    assert searched(suggester(), valley) == searched(suggester(), valley)
    assert searched(suggester(), valley) != searched(suggester(seed=2), valley)


def test_a_search_that_takes_up_earlier_trials_draws_what_it_would_have_drawn() -> None:
    whole = searched(suggester(), valley)
    resumed = suggester()
    for drawn in whole[:15]:
        resumed.learn(drawn, valley(drawn))
    assert resumed.ask(16) == whole[15]


def test_a_trial_that_a_restart_lost_is_drawn_again_as_it_was() -> None:
    whole = searched(suggester(), valley)
    resumed = suggester()
    for drawn in (whole[0], whole[1], whole[3]):
        resumed.learn(drawn, valley(drawn))
    assert resumed.ask(3) == whole[2]


def test_trials_that_run_at_one_time_differ() -> None:
    asked = suggester()
    searched(asked, valley, trials=12)
    running = [asked.ask(number) for number in range(13, 19)]
    assert len({tuple(drawn.items()) for drawn in running}) == 6


def test_a_corner_in_which_trials_fail_is_left() -> None:
    drawn = searched(suggester(), lambda d: None if float(d["rate"]) > 0.3 else valley(d))
    late = [float(one["rate"]) > 0.3 for one in drawn[6:]]
    assert sum(late) <= len(late) / 4


def test_the_better_choice_is_drawn_most() -> None:
    choice = Range(name="kind", kind="categorical", values=("a", "b", "c"))
    drawn = searched(
        suggester((RATE, choice)), lambda d: valley({**d, "leaves": "2"}) + (d["kind"] != "b")
    )
    late = [one["kind"] for one in drawn[10:]]
    assert late.count("b") > len(late) / 2


def test_nothing_is_tried_twice_before_all_has_been_tried() -> None:
    ranges = (
        Range(name="kind", kind="categorical", values=("a", "b", "c")),
        Range(name="leaves", kind="integer", minimum=2, maximum=9, scaling="Linear"),
    )
    asked = suggester(ranges, trials=24)
    drawn = searched(asked, lambda d: float(d["leaves"]) + (d["kind"] == "b"), trials=23)
    spread, modelled = drawn[:6], drawn[6:]
    distinct = {tuple(one.items()) for one in modelled}
    assert len(distinct) == len(modelled)
    assert distinct.isdisjoint(tuple(one.items()) for one in spread)


def test_a_space_in_which_all_has_been_tried_promises_nothing() -> None:
    leaves = Range(name="leaves", kind="integer", minimum=2, maximum=5, scaling="Linear")
    asked = suggester((leaves,), trials=24)
    searched(asked, lambda d: float(d["leaves"]), trials=12)
    asked.ask(13)
    assert asked.expected_gain == 0.0


def test_a_range_of_one_value_is_that_value() -> None:
    fixed = Range(name="leaves", kind="integer", minimum=7, maximum=7, scaling="Linear")
    drawn = searched(suggester((RATE, fixed)), lambda d: valley({**d, "leaves": "2"}))
    assert {one["leaves"] for one in drawn} == {"7"}


def test_more_trials_than_the_model_takes_are_no_fault() -> None:
    asked = suggester(trials=1000)
    random = np.random.default_rng(0)
    for _ in range(150):
        drawn = {"rate": repr(float(random.uniform(0.01, 1.0))), "leaves": "9"}
        asked.learn(drawn, valley(drawn))
    assert 0.05 < float(asked.ask(151)["rate"]) < 0.2


@given(offset=st.floats(0, 1, exclude_max=True), dimensions=st.integers(1, 8))
def test_the_first_points_are_spread_evenly(offset: float, dimensions: int) -> None:
    offsets = np.full(dimensions, offset)
    points = np.array([spread_evenly(number, offsets) for number in range(32)])
    assert ((points >= 0) & (points < 1)).all()
    halves = (points < 0.5).sum(axis=0)
    assert ((halves >= 10) & (halves <= 22)).all()


def test_expected_improvement_is_the_mean_gain() -> None:
    draws = np.random.default_rng(0).normal(0.2, 0.5, 400_000)
    gain = np.maximum(draws - 0.6, 0).mean()
    found = expected_improvement(np.array([0.2]), np.array([0.5]), 0.6)
    assert found[0] == pytest.approx(gain, rel=0.02)


TREES = (
    Range(name="learning_rate", kind="continuous", minimum=0.02, maximum=0.3, scaling="Linear"),
    Range(name="num_leaves", kind="integer", minimum=2, maximum=64, scaling="Logarithmic"),
)
FIXED = {"max_rounds": 400, "early_stopping_rounds": 30}


def tree_search(rules: Rules = SHIPPED, trials: int = 24) -> Suggester:
    return Suggester(
        TREES,
        strategy="Bayesian",
        maximize=True,
        trials=trials,
        seed=3,
        first={"learning_rate": "0.05", "num_leaves": "31"},
        fixed=FIXED,
        rules=rules,
    )


def work(drawn: dict[str, str]) -> float:
    numbers = {name: float(text) for name, text in drawn.items()}
    return float(work_of([])({**FIXED, **numbers}))


def flat(_: dict[str, str]) -> float:
    """Nothing to be found: only what a trial takes makes a difference."""
    return 0.5


def test_the_first_trials_are_the_least_work_and_the_defaults_their_last() -> None:
    drawn = searched(tree_search(), flat, trials=6)
    works = [work(one) for one in drawn[:5]]
    assert works == sorted(works)
    assert drawn[5] == {"learning_rate": "0.05", "num_leaves": "31"}
    dearer = searched(tree_search(Rules(spread_from=1)), flat, trials=5)
    assert sum(works) < sum(work(one) for one in dearer)


@pytest.mark.parametrize("trials", [1, 2, 5])
def test_the_defaults_are_tried_however_few_trials_there_are(trials: int) -> None:
    drawn = searched(tree_search(trials=trials), flat, trials)
    assert {"learning_rate": "0.05", "num_leaves": "31"} in drawn


def test_a_price_makes_a_search_that_learns_nothing_cheaper() -> None:
    priced, unpriced = (
        sum(work(one) for one in searched(tree_search(Rules(price=price)), flat)[6:])
        for price in (1.0, 0.0)
    )
    assert priced < unpriced


def test_a_search_of_rounds_that_takes_up_earlier_trials_draws_what_it_would_have_drawn() -> None:
    def score(drawn: dict[str, str]) -> float:
        return -work(drawn) * float(drawn["learning_rate"])

    whole, resumed = tree_search(), tree_search()
    for number in range(1, 13):
        drawn = whole.ask(number)
        whole.tell(number, score(drawn), 50 + number)
        resumed.learn(drawn, score(drawn), 50 + number)
    assert resumed.ask(13) == whole.ask(13)
