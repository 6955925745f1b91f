"""The rule that stops a hopeless trial, on scores alone."""

import math
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.metrics import OBJECTIVE, format_metric, parse_metric
from warmfold_trainer.racing import (
    MIN_FINISHED,
    FinishedTrial,
    History,
    PairedRace,
    best_of,
    pooled_spread,
    standard_error,
)

FOLDS = 5
EASY_AND_HARD_FOLDS = np.array([0.80, 0.70, 0.76, 0.83, 0.74])


def finished(lead: float, wobble: float = 0.002, seed: int = 0) -> FinishedTrial:
    """A trial ``lead`` better than the easy and hard folds say, within ``wobble``."""
    scores = EASY_AND_HARD_FOLDS + lead + np.random.default_rng(seed).normal(0, wobble, FOLDS)
    return FinishedTrial(provisional_scores=tuple(scores), score=float(scores.mean()))


def some(count: int = MIN_FINISHED) -> History:
    return History([finished(-0.01 * place, seed=place) for place in range(count)])


def race(history: History, z: float = 1.645) -> PairedRace:
    return PairedRace(history, z=z, greater_is_better=True)


def test_a_trial_far_behind_on_an_easy_fold_stops_though_its_score_is_the_highest_so_far() -> None:
    history = some()
    score = EASY_AND_HARD_FOLDS[0] - 0.02
    assert score > best_of(history.finished(), sign=1).score
    assert race(history).after_fold({1: score})


def test_a_trial_ahead_on_a_hard_fold_goes_on_though_its_score_is_the_lowest() -> None:
    assert not race(some()).after_fold({2: EASY_AND_HARD_FOLDS[1] + 0.01})


def test_a_small_lag_is_decided_only_after_more_folds() -> None:
    incumbent = best_of(some().finished(), sign=1).provisional_scores
    behind = {fold: incumbent[fold - 1] - 0.003 for fold in range(1, FOLDS)}
    asked = [race(some()).after_fold(dict(list(behind.items())[:k])) for k in (1, 2, 3, 4)]
    assert asked[0] is False
    assert asked[-1] is True
    assert asked == sorted(asked)


@given(lead=st.floats(-0.02, 0.02), margin=st.floats(0.0, 0.3))
def test_a_margin_stops_every_trial_that_none_stops_and_those_that_promise_less(
    lead: float, margin: float
) -> None:
    history = some()
    best = best_of(history.finished(), sign=1)
    after_one = {1: best.provisional_scores[0] + lead}
    asking = PairedRace(history, z=1.0, greater_is_better=True, margin=margin)
    stopped = asking.after_fold(after_one)
    assert stopped >= race(history, z=1.0).after_fold(after_one)
    width = pooled_spread(history.finished(), best) * math.sqrt(1 - 1 / FOLDS)
    assert stopped == (lead + width < margin * standard_error(best)) or math.isclose(
        lead + width, margin * standard_error(best), abs_tol=1e-9
    )


def test_the_first_trials_are_never_stopped() -> None:
    assert not race(some(MIN_FINISHED - 1)).after_fold({1: 0.1})
    assert race(some(MIN_FINISHED)).after_fold({1: 0.1})


def test_a_metric_to_be_minimised_races_the_other_way() -> None:
    losses = History(
        [
            FinishedTrial(
                provisional_scores=tuple(-score for score in trial.provisional_scores),
                score=-trial.score,
            )
            for trial in some().finished()
        ]
    )
    smaller = PairedRace(losses, z=1.645, greater_is_better=False)
    assert smaller.after_fold({1: -EASY_AND_HARD_FOLDS[0] + 0.02})
    assert not smaller.after_fold({1: -EASY_AND_HARD_FOLDS[0] - 0.02})
    best = best_of(losses.finished(), sign=-1).score
    assert smaller.pessimistic_score({1: -EASY_AND_HARD_FOLDS[0] + 0.02}) > best


def test_a_larger_z_stops_no_trial_that_a_smaller_one_lets_go_on() -> None:
    incumbent = best_of(some().finished(), sign=1).provisional_scores
    for lag in np.linspace(0, 0.02, 41):
        scores = {1: incumbent[0] - lag, 2: incumbent[1] - lag}
        careful, bold = (race(some(), z).after_fold(scores) for z in (2.326, 1.0))
        assert bold or not careful


def test_trials_that_are_all_alike_have_no_spread_and_a_worse_one_stops() -> None:
    alike = [finished(0, wobble=0) for _ in range(MIN_FINISHED)]
    assert pooled_spread(alike, alike[0]) == 0
    assert race(History(alike)).after_fold({1: EASY_AND_HARD_FOLDS[0] - 1e-9})
    assert not race(History(alike)).after_fold({1: EASY_AND_HARD_FOLDS[0]})


scores = st.floats(0, 1, allow_nan=False, width=32)


@given(
    st.lists(st.tuples(*[scores] * FOLDS), min_size=MIN_FINISHED, max_size=8),
    st.lists(scores, min_size=1, max_size=FOLDS - 1),
    st.booleans(),
)
def test_a_stopped_trial_always_prints_worse_than_the_best(
    trials: list[tuple[float, ...]], own: list[float], greater_is_better: bool
) -> None:
    history = History(
        [FinishedTrial(provisional_scores=one, score=float(np.mean(one))) for one in trials]
    )
    one = PairedRace(history, z=0.0, greater_is_better=greater_is_better)
    reported = one.pessimistic_score(dict(enumerate(own, start=1)))
    assert math.isfinite(reported)
    sign = 1 if greater_is_better else -1
    best = best_of(history.finished(), sign=sign).score
    lines = [parse_metric(format_metric(OBJECTIVE, value)) for value in (reported, best)]
    printed, incumbent = (line[1] for line in lines if line is not None)
    assert sign * printed < sign * incumbent


def test_a_history_may_be_added_to_by_many_threads() -> None:
    history = History()

    def add() -> None:
        for _ in range(100):
            history.add(finished(0))

    adding = [threading.Thread(target=add) for _ in range(8)]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()
    assert len(history.finished()) == 800


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_first_of_equal_trials_is_the_incumbent(sign: float) -> None:
    first, second = finished(0, wobble=0), finished(0, wobble=0)
    assert best_of([first, second], sign=sign) is first
