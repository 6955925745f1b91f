"""How long a coordinator waits until its next look, and what comes of what happens meanwhile."""

import pytest

from tests.unit.containers.trainer.fan_out.test_coordinator import UNAVAILABLE, account, trial
from tests.unit.containers.trainer.fan_out.trials import ending_by_name
from warmfold_local.modelled.account import Ending, Pace
from warmfold_local.modelled.clock import Clock
from warmfold_trainer.fan_out.calls import CallError, Refusal


def test_a_fold_to_be_repeated_waits_for_seconds_beside_one_that_has_just_begun() -> None:
    failed = Ending(status="Failed", reason=UNAVAILABLE)
    slow = Pace(train_seconds=600.0)
    run = trial(
        account(pace=slow, outcomes=ending_by_name({"02-0": failed})), folds=3, wave=2, seed=1
    )
    assert run.run().results is not None
    jobs = {name[-4:]: job for name, job in run.account.jobs.items()}
    ended = jobs["02-0"].ended
    assert ended is not None
    assert jobs["03-0"].created < ended + 30
    assert jobs["02-1"].created < ended + 45
    # A look every poll would make 158.
    assert run.account.calls["ListTrainingJobs"] <= 130


@pytest.mark.parametrize("seed", range(12))
def test_a_place_that_is_freed_just_after_a_refusal_is_taken_within_seconds(seed: int) -> None:
    shared = account()
    run = trial(shared, folds=5, wave=3, seed=seed)
    takes = {"01-0": 300.0, "02-0": 312.0, "03-0": 324.0, "04-0": 300.0, "05-0": 300.0}
    refused: list[float] = []

    def other_trials(operation: str, name: str) -> None:
        if operation == "Create":
            shared.pace = Pace(
                cold_start_seconds=0.0, warm_start_seconds=0.0, train_seconds=takes[name[-4:]]
            )
            if name.endswith("05-0") and not refused:
                refused.append(shared.clock.now)
                raise CallError(Refusal.QUOTA, "ResourceLimitExceeded: another trial was faster")

    run.jobs.before = other_trials
    assert run.run().results is not None
    jobs = {name[-4:]: job for name, job in shared.jobs.items()}
    assert jobs["03-0"].ended is not None
    assert jobs["05-0"].created < max(jobs["03-0"].ended, refused[0]) + 45


class TimedOwn:
    """A fold of the trial's own, which ends at ``seconds`` on the account's clock."""

    def __init__(self, clock: Clock, seconds: float, error: Exception | None = None) -> None:
        self.clock, self.seconds, self.error = clock, seconds, error

    def start(self) -> None:
        """It trains from the clock's beginning."""

    def cancel(self) -> None:
        """It holds nothing."""

    def result(self) -> str | None:
        if self.clock.now < self.seconds:
            return None
        if self.error is not None:
            raise self.error
        return "own"


def test_an_own_fold_that_fails_beside_folds_that_have_just_begun_ends_the_trial_soon() -> None:
    shared = account(pace=Pace(train_seconds=600.0))
    own = TimedOwn(shared.clock, 850.0, ValueError("no score"))
    outcome = trial(shared, folds=5, wave=2, own=own).run()
    assert str(outcome.error) == "no score"
    assert outcome.seconds < 850 + 30
    assert not shared.live


def test_to_ask_for_the_own_fold_costs_no_call() -> None:
    def listings(own_seconds: float) -> int:
        shared = account(pace=Pace(train_seconds=600.0))
        run = trial(shared, folds=5, wave=2, own=TimedOwn(shared.clock, own_seconds))
        assert run.run().results is not None
        return shared.calls["ListTrainingJobs"]

    assert listings(1100.0) <= listings(1.0) + 2
