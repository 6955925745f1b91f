"""When a search ends before its last trial."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.containers.trainer.search.aids import (
    checkpoint,
    in_turn,
    plan,
    small_search,
    span,
    without_times,
)
from warmfold_contract.errors import UserError
from warmfold_trainer.racing import FinishedTrial
from warmfold_trainer.search.convergence import (
    IN_A_ROW,
    least_trials,
    nothing_to_gain,
    tolerance,
)
from warmfold_trainer.search.space import Range
from warmfold_trainer.search.suggest import Suggester

MANY = {"warmfold_max_trials": "60"}
RATE = Range(name="rate", kind="continuous", minimum=0.0, maximum=1.0, scaling="Linear")


def finished(*folds: float) -> FinishedTrial:
    return FinishedTrial(provisional_scores=folds, score=sum(folds) / len(folds))


BEST = finished(0.80, 0.82, 0.84, 0.86)
# Fold by fold 0.02 behind the best, and 0.01 more or less.
OTHERS = [finished(0.77, 0.81, 0.81, 0.85), finished(0.79, 0.79, 0.83, 0.83)]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_tolerance_is_a_quarter_of_the_standard_error_of_a_paired_difference(
    sign: float,
) -> None:
    trials = [
        finished(*(sign * score for score in trial.provisional_scores)) for trial in [BEST, *OTHERS]
    ]
    spread = math.sqrt(4 * 0.01**2 / 3)
    assert tolerance(trials, sign=sign) == pytest.approx(0.25 * spread / math.sqrt(4))


def test_the_tolerance_has_the_metrics_unit() -> None:
    thousands = [
        finished(*(1000 * score for score in trial.provisional_scores)) for trial in [BEST, *OTHERS]
    ]
    single, larger = tolerance([BEST, *OTHERS], sign=1.0), tolerance(thousands, sign=1.0)
    assert single is not None
    assert larger == pytest.approx(1000 * single)


def test_too_few_finished_trials_tell_no_tolerance() -> None:
    assert tolerance([BEST, OTHERS[0]], sign=1.0) is None


def test_trials_that_are_all_equal_leave_a_tolerance_above_nothing() -> None:
    assert tolerance([BEST, BEST, replace(BEST)], sign=1.0) == pytest.approx(1e-6)


def test_only_so_many_small_expectations_in_a_row_are_enough() -> None:
    small = dict.fromkeys(range(10, 10 + IN_A_ROW), 0.001)
    last = max(small)
    assert nothing_to_gain(small, last, 0.002)
    assert not nothing_to_gain(small, last, 0.001)
    assert not nothing_to_gain(small, last + 1, 0.002)
    assert not nothing_to_gain({**small, last - 2: 0.003}, last, 0.002)
    assert not nothing_to_gain({**small, last - 2: None}, last, 0.002)


def test_more_settings_ask_for_more_trials() -> None:
    assert [least_trials(dimensions) for dimensions in (1, 2, 5, 10)] == [12, 12, 21, 36]


def test_the_gain_expected_falls_as_a_smooth_function_is_learned() -> None:
    asked = Suggester(
        [RATE], strategy="Bayesian", maximize=False, trials=20, seed=1, first={"rate": "1.0"}
    )
    gains = []
    for number in range(1, 21):
        rate = float(asked.ask(number)["rate"])
        gains.append(asked.expected_gain)
        asked.tell(number, (rate - 0.3) ** 2)
    assert gains[:5] == [None] * 5
    known = [gain for gain in gains[5:] if gain is not None]
    assert len(known) == 15
    assert known[-1] < known[0] / 100


def test_a_trial_that_is_withdrawn_changes_nothing() -> None:
    def asked() -> Suggester:
        return Suggester(
            [RATE], strategy="Bayesian", maximize=False, trials=20, seed=1, first={"rate": "1.0"}
        )

    straight, asking_twice = asked(), asked()
    for number in range(1, 13):
        if number > 8:
            asking_twice.ask(number)
            asking_twice.withdraw(number)
        drawn = straight.ask(number)
        assert asking_twice.ask(number) == drawn
        for one in (straight, asking_twice):
            one.tell(number, (float(drawn["rate"]) - 0.3) ** 2)


@pytest.mark.parametrize("trials_at_a_time", [1, 2])
@pytest.mark.parametrize("metric", ["auc", "log_loss"])
def test_a_search_ends_when_nothing_is_left_to_gain_and_says_so(
    trials_at_a_time: int, metric: str
) -> None:
    asked = plan(**MANY, warmfold_metric=metric, warmfold_seed="8")
    search = in_turn(asked, trials_at_a_time=trials_at_a_time)
    best = search.run()
    ended = len(search.ended)
    assert 12 <= ended < 60
    assert sorted(search.ended) == list(range(1, ended + 1))
    assert search.ended_early.startswith(f"converged after {ended} of 60 trials: expected ")
    assert best.row.status == "Completed"


def test_it_is_the_same_search_as_without_up_to_its_end() -> None:
    search, longer = (
        small_search(plan(warmfold_max_trials="30", warmfold_stops_when_converged=stops))
        for stops in ("true", "false")
    )
    search.run()
    longer.run()
    assert search.ended_early
    assert longer.ended_early == ""
    assert len(longer.ended) == 30
    assert without_times(search.ended) == without_times(longer.ended)[: len(search.ended)]


def test_a_search_goes_on_while_an_improvement_is_expected() -> None:
    # Rates that learn next to nothing at first: the scores rise with the rate, to its end.
    steep = span(minimum=1e-6, maximum=0.3, scaling="Linear")
    search = small_search(plan(warmfold_range_learning_rate=steep, warmfold_max_trials="30"))
    search.run()
    last = max(search.ended)
    least = tolerance(search._history.finished(), sign=1.0)
    assert least is not None
    gains = [search.ended[n].expected_gain for n in range(last - IN_A_ROW + 2, last + 1)]
    earlier = [search.ended[n].expected_gain for n in range(7, last)]
    assert all(gain is not None and gain < least for gain in gains)
    assert any(gain is not None and gain > least for gain in earlier)


def test_a_random_search_never_converges() -> None:
    search = small_search(plan(warmfold_strategy="Random", warmfold_max_trials="30"))
    search.run()
    assert (len(search.ended), search.ended_early) == (30, "")


@pytest.mark.parametrize("lost", [0, 3])
def test_a_restart_ends_the_search_where_it_would_have_ended(tmp_path: Path, lost: int) -> None:
    whole = small_search(plan(**MANY))
    whole.run()
    kept = checkpoint(tmp_path, plan(**MANY))
    for number in range(1, len(whole.ended) + 1 - lost):
        kept.add(whole.ended[number])

    again = checkpoint(tmp_path, plan(**MANY))
    resumed = small_search(plan(**MANY), keep=again.add)
    resumed.resume(again.read())
    resumed.run()

    assert without_times(resumed.ended) == without_times(whole.ended)
    assert resumed.ended_early == whole.ended_early


def test_a_trial_that_a_restart_lost_is_run_though_the_search_has_converged() -> None:
    whole = small_search(plan(**MANY))
    whole.run()
    last = max(whole.ended)
    resumed = small_search(plan(**MANY))
    resumed.resume([trial for number, trial in whole.ended.items() if number != last - 1])
    resumed.run()
    assert sorted(resumed.ended)[:last] == list(range(1, last + 1))


def test_another_word_than_true_or_false_is_refused() -> None:
    with pytest.raises(UserError, match="warmfold_stops_when_converged is 'yes': use one of true"):
        plan(warmfold_stops_when_converged="yes")
