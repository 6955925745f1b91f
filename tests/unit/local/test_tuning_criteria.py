"""Completion criteria and the median stopping rule, on made-up trials."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.sagemaker.tuning_criteria import (
    Criteria,
    converged,
    in_order_of_end,
    not_improving,
    worse_than_median,
)
from warmfold_local.sagemaker.tuning_trials import Objective, Trial, best_of, overview

START = datetime(2026, 1, 1, tzinfo=UTC)


def made(score: float | None, second: int = 0, maximize: bool = True, **members: Any) -> Trial:
    metrics = [] if score is None else [{"MetricName": "score", "Value": score}]
    record = {
        "TrainingJobName": f"trial-{second}",
        "TrainingJobStatus": "Completed",
        "TrainingEndTime": START + timedelta(seconds=second),
        "FinalMetricDataList": metrics,
        **members,
    }
    return Trial(record, Objective("score", maximize))


def made_all(*scores: float | None, maximize: bool = True) -> list[Trial]:
    return [made(score, second, maximize) for second, score in enumerate(scores)]


def test_an_improvement_is_one_percent_or_more() -> None:
    assert not_improving(made_all(1.0, 1.005, 1.009)) == 2
    assert not_improving(made_all(1.0, 1.005, 1.011)) == 0
    assert not_improving(made_all(1.0, 0.995, 0.98, 0.99, maximize=False)) == 1
    assert not_improving(made_all(None, None)) == 0
    assert not_improving([]) == 0


def test_trials_count_in_the_order_in_which_they_ended() -> None:
    late, early = made(2.0, second=9), made(1.0, second=1)
    assert in_order_of_end([late, early, made(None, second=5)]) == [early, late]


def test_patience_ends_the_job() -> None:
    criteria = Criteria.parsed({"BestObjectiveNotImproving": {MOST: 3}})
    assert not criteria.met(made_all(5.0, 1.0, 1.0))
    assert criteria.met(made_all(5.0, 1.0, 1.0, 1.0))


MOST = "MaxNumberOfTrainingJobsNotImproving"


@pytest.mark.parametrize("maximize", [True, False])
def test_a_target_is_met_when_it_is_reached(maximize: bool) -> None:
    criteria = Criteria.parsed({"TargetObjectiveMetricValue": 0.5})
    reached, missed = (0.5, 0.4) if maximize else (0.5, 0.6)
    assert criteria.met(made_all(reached, maximize=maximize))
    assert not criteria.met(made_all(missed, None, maximize=maximize))


def test_without_criteria_nothing_ends_the_job() -> None:
    assert not Criteria.parsed({}).met(made_all(*[1.0] * 100))
    disabled = {"ConvergenceDetected": {"CompleteOnConvergence": "Disabled"}}
    assert not Criteria.parsed(disabled).met(made_all(*[1.0] * 100))


def test_convergence_needs_twenty_trials_and_an_idle_later_half() -> None:
    enabled = Criteria.parsed({"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}})
    assert not enabled.met(made_all(*[1.0] * 19))
    assert enabled.met(made_all(*[1.0] * 20))
    growing = made_all(*[float(n) for n in range(1, 41)])
    assert not converged(growing)
    assert converged([*growing, *made_all(*[1.0] * 41)])


def test_a_trial_that_was_stopped_early_is_never_the_best() -> None:
    early = made(9.0, TrainingJobStatus="Stopped", StoppedByTuning="Early")
    whole = made(8.0, TrainingJobStatus="Stopped", StoppedByTuning="MaxResource")
    user = made(99.0, TrainingJobStatus="Stopped")
    assert best_of([early, user, whole, made(1.0)]) is whole
    assert overview([early, user, whole])["ObjectiveStatusCounters"] == {
        "Succeeded": 2,
        "Pending": 0,
        "Failed": 1,
    }
    assert best_of([early, user]) is None


def test_an_internal_error_is_retryable_and_no_other() -> None:
    failed = [
        made(None, TrainingJobStatus="Failed", FailureReason=reason)
        for reason in ("InternalServerError: We", "AlgorithmError: x", "ClientError: y")
    ]
    counters = overview(failed)["TrainingJobStatusCounters"]
    assert (counters["RetryableError"], counters["NonRetryableError"]) == (1, 2)


def test_a_trial_below_the_median_of_running_averages_is_stopped() -> None:
    """At epoch 2 the averages are 0.3, 0.5 and 0.8."""
    earlier = [[0.2, 0.4, 0.9], [0.5, 0.5], [0.8]]
    assert worse_than_median([0.9, 0.49], earlier, maximize=True)
    assert not worse_than_median([0.1, 0.5], earlier, maximize=True)
    assert worse_than_median([0.1, 0.51], earlier, maximize=False)
    assert not worse_than_median([0.9, 0.49], earlier, maximize=False)


@given(st.floats(-9, 9), st.lists(st.lists(st.floats(-9, 9), max_size=4), max_size=5))
def test_one_value_is_never_judged(value: float, earlier: list[list[float]]) -> None:
    assert not worse_than_median([value], earlier, maximize=True)
    assert not worse_than_median([value], earlier, maximize=False)


def test_without_earlier_trials_nothing_is_judged() -> None:
    assert not worse_than_median([1.0, -5.0], [], maximize=True)
    assert not worse_than_median([1.0, -5.0], [[], []], maximize=True)
