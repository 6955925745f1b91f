"""The search itself, in this process."""

import re
import threading
import time

import numpy as np
import pytest

from tests.unit.containers.trainer.search.aids import plan, small_search, span, without_times
from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.errors import UserError
from warmfold_trainer.search.ended import EndedTrial
from warmfold_trainer.search.engine import Arrangement, arranged


def test_every_trial_is_a_row_and_the_best_one_has_all_folds() -> None:
    kept: list[EndedTrial] = []
    search = small_search(plan(), keep=kept.append)
    best = search.run()

    assert [trial.number for trial in kept] == sorted(search.ended) == list(range(1, 9))
    complete = [t.row for t in kept if t.row.status == "Completed"]
    assert best.row in complete
    assert best.row.score == max(row.score for row in complete if row.score is not None)
    assert search.best_result is not None
    assert search.best_result.score == best.row.score
    assert best.row.hyperparameters.keys() == {
        "max_rounds",
        "early_stopping_rounds",
        "learning_rate",
        "num_leaves",
    }


def test_one_trial_at_a_time_is_the_same_search_every_time() -> None:
    first, second = small_search(plan()), small_search(plan())
    first.run()
    second.run()
    assert without_times(first.ended) == without_times(second.ended)


def test_another_seed_is_another_search() -> None:
    first, second = small_search(plan()), small_search(plan(warmfold_seed="8"))
    first.run()
    second.run()
    assert without_times(first.ended) != without_times(second.ended)


def test_parallel_trials_are_all_done_once_and_differ() -> None:
    search = small_search(plan(warmfold_max_trials="12"), trials_at_a_time=4)
    search.run()
    drawn = {tuple(t.row.hyperparameters.items()) for t in search.ended.values()}
    assert len(search.ended) == len(drawn) == 12
    assert {t.row.name for t in search.ended.values()} == {
        f"trees-{number:04d}" for number in range(1, 13)
    }


def test_hopeless_trials_are_stopped_and_have_no_score() -> None:
    # Unlimited trees of one leaf's learning rate learn next to nothing.
    hopeless = span(minimum=1e-9, maximum=0.3, scaling="Logarithmic")
    search = small_search(
        plan(warmfold_range_learning_rate=hopeless, warmfold_max_trials="16", max_rounds="5")
    )
    search.run()
    stopped = [t for t in search.ended.values() if t.row.status == "Stopped"]
    assert stopped
    for trial in stopped:
        assert trial.row.score is None
        assert trial.row.folds_completed == len(trial.row.fold_scores) < 3
        assert trial.row.reason.startswith("stopped by racing ")
        assert trial.estimate is not None


def test_without_racing_every_trial_has_all_folds() -> None:
    search = small_search(plan(warmfold_racing="off"))
    search.run()
    assert {t.row.folds_completed for t in search.ended.values()} == {3}


def test_a_minimised_metric_finds_the_lowest_score() -> None:
    search = small_search(plan(warmfold_metric="log_loss"))
    best = search.run()
    scores = [t.row.score for t in search.ended.values() if t.row.score is not None]
    assert best.row.score == min(scores)


def test_a_random_search_draws_the_same_whatever_the_scores_are() -> None:
    random = plan(warmfold_strategy="Random")
    first, other = small_search(random), small_search(random, data=feature_set(seed=3))
    first.run()
    other.run()
    assert [t.row.hyperparameters for _, t in sorted(first.ended.items())] == [
        t.row.hyperparameters for _, t in sorted(other.ended.items())
    ]


def test_a_strategy_that_only_a_tuning_job_has_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be 'Hyperband': use 'Bayesian' or 'Random'"):
        small_search(plan(warmfold_strategy="Hyperband"))


def failing(alpha: str) -> dict[str, str]:
    """A regression whose quantile is refused from 1 on, as a combination with the objective."""
    return {
        "warmfold_task": "regression",
        "objective": "quantile",
        "warmfold_range_alpha": alpha,
    }


def test_a_trial_that_fails_is_a_row_with_its_reason_and_the_search_goes_on() -> None:
    search = small_search(plan(**failing(span(minimum=0.5, maximum=1.5))))
    best = search.run()
    failed = [t for t in search.ended.values() if t.row.status == "Failed"]
    assert 0 < len(failed) < 8
    assert {t.row.folds_completed for t in failed} == {0}
    assert all(re.search("alpha is 1.* number below 1", t.row.reason) for t in failed)
    assert best.row.status == "Completed"


def test_settings_that_a_library_refuses_fail_their_trials_alone() -> None:
    """Each is allowed, but there are bags without a row among them."""
    bags = span(minimum=0.001, maximum=1.0, scaling="Logarithmic")
    search = small_search(plan(warmfold_max_trials="12", warmfold_range_bagging_fraction=bags))
    assert search.run().row.status == "Completed"
    rows = [trial.row for trial in search.ended.values()]
    reasons = [row.reason for row in rows if row.status == "Failed"]
    assert len(rows) == 12
    assert 0 < len(reasons) < 12
    for reason in reasons:
        assert reason.startswith("LightGBM cannot train on these rows with bagging_fraction = 0.0")
        assert "leave this corner out of the hyperparameters' ranges" in reason


def test_a_search_whose_trials_all_fail_names_the_reasons() -> None:
    search = small_search(
        plan(**failing(span("categorical", values=["1.5", "2"])), warmfold_max_trials="4")
    )
    with pytest.raises(UserError, match=r"no trial of the search has a score: \d × .*alpha is"):
        search.run()


def test_a_fault_of_ours_ends_the_search_and_the_trials_beside_it() -> None:
    class FullDisk(Exception):
        pass

    def keep(_: EndedTrial) -> None:
        raise FullDisk

    before = threading.active_count()
    with pytest.raises(FullDisk):
        small_search(plan(), trials_at_a_time=4, keep=keep).run()
    deadline = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_the_best_trial_of_before_a_restart_is_repeated_exactly() -> None:
    search = small_search(plan())
    best = search.run()
    assert search.best_result is not None
    np.testing.assert_array_equal(search.repeated(best).out_of_fold, search.best_result.out_of_fold)


@pytest.mark.parametrize(
    "cores,trials,folds,expected",
    [
        (1, 40, 5, (1, 1)),
        (2, 40, 5, (2, 1)),
        (16, 40, 5, (5, 3)),
        (16, 400, 5, (16, 1)),
        (2, 5, 5, (1, 2)),
        (64, 8, 5, (1, 5)),
    ],
)
def test_cores_go_to_trials_first_and_to_folds_when_the_trials_are_few(
    cores: int, trials: int, folds: int, expected: tuple[int, int]
) -> None:
    assert arranged(cores, trials, folds) == Arrangement(trials=expected[0], folds=expected[1])
