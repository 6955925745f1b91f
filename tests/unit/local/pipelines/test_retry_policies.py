"""How long a retry policy goes on: by attempts, or until a period has passed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.sagemaker.pipeline_steps.retries import RetryPolicy, policies_of

FAULT = ("Step.SERVICE_FAULT",)


class Clock:
    """A monotonic clock that moves only when a wait passes."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def waits(policy: RetryPolicy, clock: Clock) -> list[float]:
    found = []
    for wait in policy.waits():
        found.append(wait)
        clock.seconds += wait
    return found


def test_attempts_are_counted_and_the_wait_grows() -> None:
    policy = RetryPolicy(exceptions=FAULT, interval_seconds=3, backoff_rate=2, max_attempts=4)
    assert waits(policy, Clock()) == [3, 6, 12, 24]


def test_no_wait_ends_after_the_period(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    policy = RetryPolicy(
        exceptions=FAULT, interval_seconds=1, backoff_rate=2, expire_after_seconds=10
    )
    assert waits(policy, clock) == [1, 2, 4]


@given(interval=st.floats(0.5, 50), rate=st.floats(1, 3), period=st.floats(1, 500))
def test_all_waits_fit_into_the_period(interval: float, rate: float, period: float) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", clock)
        policy = RetryPolicy(
            exceptions=FAULT,
            interval_seconds=interval,
            backoff_rate=rate,
            expire_after_seconds=period,
        )
        found = waits(policy, clock)
    assert sum(found) < period
    following = interval * rate ** len(found)
    assert sum(found) + following >= period * (1 - 1e-9)


def test_minutes_of_the_definition_are_seconds_of_the_policy() -> None:
    body = {"RetryPolicies": [{"ExceptionType": list(FAULT), "ExpireAfterMin": 2}]}
    policy, default = policies_of(body, "Training")
    assert policy.expire_after_seconds == 120
    assert default.expire_after_seconds is None
    assert policies_of(body, "Lambda") == ()
