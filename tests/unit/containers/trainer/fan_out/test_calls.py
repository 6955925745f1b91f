"""One trial's calls: spaced, repeated, given up in time."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_trainer.fan_out.aws import refusal_of
from warmfold_trainer.fan_out.calls import Caller, CallError, FanOutError, Refusal, Waiting

CREATE = "CreateTrainingJob"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def run(self, process: Waiting[str]) -> str:
        """Pass all waits; what the process returns."""
        try:
            while True:
                seconds = next(process)
                assert seconds > 0
                self.now += seconds
        except StopIteration as end:
            return str(end.value)


def caller(clock: Clock, seed: int = 0) -> Caller:
    return Caller(lambda: clock.now, Random(seed))  # noqa: S311 - reproducible


def refusing(times: int, refusal: Refusal = Refusal.THROTTLED) -> "list[CallError]":
    return [CallError(refusal, "ThrottlingException: Rate exceeded") for _ in range(times)]


def answer(errors: "list[CallError]") -> str:
    if errors:
        raise errors.pop()
    return "answer"


@given(st.integers(0, 12), st.integers(0, 1000))
def test_a_refused_call_is_repeated_with_waits_that_stay_bounded(refusals: int, seed: int) -> None:
    clock = Clock()
    errors = refusing(refusals)
    calls = caller(clock, seed)
    process = calls.call(CREATE, lambda: answer(errors), within_seconds=1e6)
    assert clock.run(process) == "answer"
    assert calls.attempts[CREATE] == refusals + 1
    assert calls.throttled[CREATE] == refusals
    assert clock.now <= 12.0 * refusals


def test_an_answer_that_is_lost_counts_as_no_throttling() -> None:
    clock, errors = Clock(), refusing(2, Refusal.UNANSWERED)
    calls = caller(clock)
    assert clock.run(calls.call(CREATE, lambda: answer(errors), within_seconds=60)) == "answer"
    assert calls.throttled[CREATE] == 0


def test_a_call_is_given_up_in_time_with_its_name_and_its_last_words() -> None:
    clock = Clock()
    errors = refusing(10_000)
    with pytest.raises(FanOutError, match=r"CreateTrainingJob did not succeed in \d+ attempts"):
        clock.run(caller(clock).call(CREATE, lambda: answer(errors), within_seconds=100))
    assert clock.now <= 100


@pytest.mark.parametrize("refusal", [Refusal.QUOTA, Refusal.TAKEN, Refusal.GONE, Refusal.OTHER])
def test_what_a_repetition_does_not_mend_is_not_repeated(refusal: Refusal) -> None:
    clock, calls = Clock(), caller(Clock())
    errors = refusing(1, refusal)
    with pytest.raises(CallError):
        clock.run(calls.call(CREATE, lambda: answer(errors), within_seconds=100))
    assert calls.attempts[CREATE] == 1


def test_answered_calls_of_one_trial_are_no_closer_than_the_accounts_rate() -> None:
    clock = Clock()
    calls = caller(clock)
    for _ in range(5):
        clock.run(calls.call(CREATE, lambda: "answer", within_seconds=60))
    assert clock.now >= 4.0


@pytest.mark.parametrize(
    "code, status, refusal",
    [
        ("ThrottlingException", 400, Refusal.THROTTLED),
        ("SlowDown", 503, Refusal.THROTTLED),
        ("InternalFailure", 500, Refusal.UNANSWERED),
        ("ResourceLimitExceeded", 400, Refusal.QUOTA),
        ("ResourceInUse", 400, Refusal.TAKEN),
        ("ValidationException", 400, Refusal.GONE),
        ("AccessDeniedException", 400, Refusal.OTHER),
        ("NoSuchKey", 404, Refusal.OTHER),
    ],
)
def test_what_arefusal_of_means_is_read_from_its_code(
    code: str, status: int, refusal: Refusal
) -> None:
    assert refusal_of(code, status) is refusal
