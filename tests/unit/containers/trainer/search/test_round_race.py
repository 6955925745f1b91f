"""Racing within the first fold: what a curve may still reach, and when that is not enough."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.containers.trainer.tables import feature_set
from warmfold_trainer.algorithms.early_stopping import SCORED_EVERY_ROUNDS
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.cross_validation import cross_validate, trial_data
from warmfold_trainer.metric import find_metric
from warmfold_trainer.racing import FinishedTrial, History, RacedOut, WatchesRounds
from warmfold_trainer.search.round_race import RoundRace, optimistic_end
from warmfold_trainer.settings import read_settings

FINISHED = [
    FinishedTrial(provisional_scores=(0.80, 0.82, 0.81), score=0.81),
    FinishedTrial(provisional_scores=(0.79, 0.80, 0.80), score=0.797),
]


def race(history: History, *, greater_is_better: bool = True) -> RoundRace:
    return RoundRace(history, z=1.645, greater_is_better=greater_is_better, max_rounds=400)


@given(
    speed=st.floats(0.001, 0.2),
    height=st.floats(0.01, 0.4),
    rounds=st.integers(60, 400),
)
def test_a_saturating_curve_is_never_foreseen_below_what_it_has_reached(
    speed: float, height: float, rounds: int
) -> None:
    curve = 0.5 + height * (1 - np.exp(-speed * np.arange(1, rounds + 1)))
    foreseen = optimistic_end(curve, 400)
    assert foreseen >= curve.max()
    straight = curve[-1] + (curve[-1] - curve[-61]) / 30 * (400 - rounds) if rounds > 61 else 9
    assert foreseen <= straight + 1e-9


def test_a_curve_that_falls_has_nothing_to_come() -> None:
    assert optimistic_end(np.linspace(0.8, 0.7, 60), 400) == 0.8


def test_a_flat_curve_far_below_the_best_trial_is_hopeless() -> None:
    assert race(History(FINISHED)).after_round([0.6] * 60)


def test_a_curve_that_still_rises_may_go_on() -> None:
    assert not race(History(FINISHED)).after_round(list(np.linspace(0.5, 0.6, 60)))


def in_pairs(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """As folds give it: every round but the first and every second has the score before it."""
    places = np.arange(1, len(curve) + 1)
    scored = np.where((places % SCORED_EVERY_ROUNDS == 0) | (places == 1), places, places - 1)
    return np.take(curve, scored - 1)


def test_a_curve_that_repeats_every_second_round_is_decided_on_as_the_full_one() -> None:
    decisions = []
    for seed, height, speed in product(range(4), (0.02, 0.1, 0.2, 0.3), (0.005, 0.02, 0.1)):
        noise = np.random.default_rng(seed).normal(scale=0.001, size=240)
        curve = 0.5 + height * (1 - np.exp(-speed * np.arange(1, 241))) + noise
        for rounds in (60, 100, 160, 240):
            full, halved = curve[:rounds], in_pairs(curve[:rounds])
            assert (halved[2::2] == halved[1:-1:2]).all()
            asked = race(History(FINISHED))
            decisions.append((asked.after_round(list(full)), asked.after_round(list(halved))))
    assert [halved for _, halved in decisions] == [full for full, _ in decisions]
    assert {halved for _, halved in decisions} == {True, False}


def test_errors_are_raced_downwards() -> None:
    errors = [
        FinishedTrial(provisional_scores=(0.40, 0.42, 0.41), score=0.41),
        FinishedTrial(provisional_scores=(0.43, 0.44, 0.44), score=0.437),
    ]
    minimised = race(History(errors), greater_is_better=False)
    assert minimised.after_round([0.6] * 60)
    assert not minimised.after_round([0.3] * 60)


def test_a_trial_stopped_while_it_rose_reports_half_of_what_was_still_to_come() -> None:
    rising = list(np.linspace(0.5, 0.51, 60))
    raced = RoundRace(History(FINISHED), z=1.645, greater_is_better=True, max_rounds=400)
    assert raced.after_round(rising)
    foreseen = optimistic_end(np.array(rising), 400)
    behind = (0.51 + foreseen) / 2 - 0.80
    assert raced.pessimistic_score({1: 0.51}) == pytest.approx(0.81 + behind)
    assert 0.51 < foreseen < 0.80


@pytest.mark.parametrize("rounds", [1, 40, 59, 61, 69])
def test_it_is_asked_now_and_then_only(rounds: int) -> None:
    assert not race(History(FINISHED)).after_round([0.1] * rounds)


def test_the_first_trials_are_not_stopped() -> None:
    assert not race(History(FINISHED[:1])).after_round([0.1] * 60)


def test_a_trial_is_stopped_within_its_first_fold_and_says_so() -> None:
    data = feature_set()
    algorithm = algorithm_named("lightgbm")
    given = {"learning_rate": "1e-9", "max_rounds": "400", "early_stopping_rounds": "400"}
    settings = read_settings(given, "lightgbm", "classification")
    trial = trial_data(algorithm, data, settings, seed=1, task="classification")
    unbeatable = [
        FinishedTrial(provisional_scores=(0.99, 0.98, 0.99), score=0.987),
        FinishedTrial(provisional_scores=(0.98, 0.98, 0.97), score=0.977),
    ]
    watching = race(History(unbeatable))
    done: list[int] = []

    result = cross_validate(
        trial,
        settings,
        find_metric("auc"),
        on_fold=lambda fold, _: done.append(fold),
        race=watching,
        workers=1,
    )

    assert isinstance(watching, WatchesRounds)
    assert isinstance(result, RacedOut)
    assert (done, dict(result.fold_scores)) == ([], {})
    assert result.score < 0.987
