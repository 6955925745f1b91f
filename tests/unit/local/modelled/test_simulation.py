"""Modelled tuning: what pools, quotas and rates make of the same work."""

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from warmfold_local.modelled.parameters import ParameterError, by_name, with_settings
from warmfold_local.modelled.simulation import Outcome, simulate
from warmfold_local.modelled.startup import STARTUP
from warmfold_local.modelled.workload import WORKLOAD, workload

ASSUMED = by_name(STARTUP, WORKLOAD)
FOLD, TRIAL = "ml.m5.xlarge", "ml.m5.large"


def outcome(**settings: float | str) -> Outcome:
    texts = {name: str(value) for name, value in settings.items()}
    return simulate(workload(with_settings(ASSUMED, texts)))


def test_trials_of_a_tuning_job_are_warm_after_each_slots_first() -> None:
    warm = outcome(trials=10, parallel_trials=2)
    assert (warm.jobs, warm.cold_starts, warm.warm_starts) == (10, 2, 8)
    assert warm.wall_seconds == (180 + 120) + 4 * (20 + 120)
    assert warm.billed_seconds == {FOLD: 10 * (20 + 120)}
    cold = outcome(trials=10, parallel_trials=2, amt_reuse=0)
    assert (cold.cold_starts, cold.wall_seconds) == (10, 5 * 300)


def test_tuning_jobs_run_on_their_lanes_and_share_no_pool_of_amt() -> None:
    result = outcome(tuning_jobs=4, parallel_tuning_jobs=2, trials=1, parallel_trials=1)
    assert (result.cold_starts, result.wall_seconds) == (4, 2 * 300)


def test_folds_of_the_next_trial_find_the_pools_of_the_last() -> None:
    result = outcome(trials=2, parallel_trials=1, folds=5)
    # two trials; of the folds the first five start cold, a second apart as the rate wants
    assert (result.jobs, result.cold_starts) == (12, 1 + 5)
    assert result.retained_seconds[FOLD] >= 5 * 600  # kept until the end of their period
    assert result.billed_seconds[FOLD] == 10 * (20 + 120)


def test_without_quota_for_pools_every_fold_is_cold_and_nothing_is_retained() -> None:
    result = outcome(trials=2, parallel_trials=1, folds=5, warm_pool_quota=0)
    assert result.cold_starts == 1 + 10
    assert result.retained_seconds[FOLD] == 0


def test_a_pool_is_kept_no_longer_than_its_period() -> None:
    short = outcome(trials=2, parallel_trials=1, folds=1, by_tuning_job=0, keep_alive_seconds=60)
    assert short.cold_starts == 1
    assert short.retained_seconds[FOLD] == 60


def test_creates_wait_for_their_rate() -> None:
    fast = outcome(trials=1, parallel_trials=1, by_tuning_job=0, folds=10, create_rate=10)
    slow = outcome(trials=1, parallel_trials=1, by_tuning_job=0, folds=10)
    assert fast.wall_seconds == 300
    assert slow.wall_seconds == pytest.approx(300 + 9)


def test_a_refused_create_is_tried_again_until_there_is_room() -> None:
    result = outcome(
        trials=1, parallel_trials=1, by_tuning_job=0, folds=4, training_quota=2, create_rate=100
    )
    assert result.refused_by_quota > 0
    assert (result.cold_starts, result.warm_starts) == (2, 2)
    assert result.wall_seconds == pytest.approx(300 + 140, abs=5)


def test_a_trial_learns_of_its_folds_when_it_looks() -> None:
    result = outcome(trials=1, parallel_trials=1, folds=2, poll_seconds=70)
    # 180 s until the trial runs; its folds end 301 s later, which it sees at the fifth look
    assert result.wall_seconds == 180 + 350


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"trials": "0"}, "trials must be above 0"),
        ({"trials": "1.5"}, "trials is 1.5, which is not a whole number"),
        ({"trials": "many"}, "trials=many: not a number"),
        ({"trials": "-1"}, "must be 0 or more"),
        ({"create_rate": "nan"}, "must be 0 or more, and finite"),
        ({"amt_reuse": "2"}, "amt_reuse must be 0 or 1"),
        ({"instance_count": "200"}, "training_quota is smaller"),
        ({"image_pull_seconds": "500"}, "a part of cold_start_seconds"),
        ({"trails": "3"}, "no parameter is called trails"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ParameterError) as refused:
        workload(with_settings(ASSUMED, settings))
    assert said in str(refused.value)


@examples(max_examples=60, deadline=None)
@given(
    tuning_jobs=st.integers(1, 3),
    trials=st.integers(1, 6),
    parallel_trials=st.integers(1, 4),
    folds=st.integers(1, 4),
    by_tuning_job=st.integers(0, 1),
    amt_reuse=st.integers(0, 1),
    keep_alive_seconds=st.sampled_from([0, 1, 60, 3600]),
    warm_pool_quota=st.integers(0, 4),
    training_quota=st.integers(1, 6),
    poll_seconds=st.sampled_from([0.3, 10.0]),
)
def test_every_replay_runs_all_jobs_and_bills_all_training(**settings: float) -> None:
    result = outcome(**settings)
    trials = int(settings["tuning_jobs"] * settings["trials"])
    folds = int(settings["folds"])
    nested = folds > 1 or not settings["by_tuning_job"]
    jobs = trials * folds + (trials if settings["by_tuning_job"] and folds > 1 else 0)
    assert result.jobs == result.cold_starts + result.warm_starts == jobs
    assert result.billed_seconds[FOLD] == pytest.approx(trials * folds * (120 + 20))
    kept = jobs * settings["keep_alive_seconds"]
    assert 0 <= result.retained_seconds[FOLD] <= kept
    if nested and 0 in (settings["keep_alive_seconds"], settings["warm_pool_quota"]):
        assert result.retained_seconds[FOLD] == 0
    assert result.wall_seconds >= 180 + 120
