"""Faults of fold jobs against a modelled account: nothing orphaned, nothing averaged short."""

import logging
from pathlib import Path

import pytest

from tests.unit.containers.trainer.fan_out.trials import TYPE, TrialRun, ending_by_name
from warmfold_contract.errors import UserError
from warmfold_local.modelled.account import Account, Ending, Pace
from warmfold_local.modelled.clock import Clock, Process
from warmfold_local.modelled.quotas import Quotas
from warmfold_local.modelled.rates import DOCUMENTED
from warmfold_trainer.archive import unpack_model
from warmfold_trainer.fan_out.calls import CallError, FanOutError, Refusal
from warmfold_trainer.fan_out.driver import TrialStopped
from warmfold_trainer.fan_out.plan import Patience

POOLS = Quotas({f"{TYPE} for training warm pool usage": 100})
UNAVAILABLE = "CapacityError: Unable to provision requested ML compute capacity."
INTERNAL = "InternalServerError: We encountered an internal error."


def account(**members: object) -> Account:
    values = {"clock": Clock(), "rates": DOCUMENTED, "quotas": POOLS, **members}
    return Account(**values)  # type: ignore[arg-type]


def trial(own_account: Account, **members: object) -> TrialRun:
    return TrialRun(account=own_account, **members)  # type: ignore[arg-type]


def names(folds: int, run: TrialRun) -> list[str]:
    return [f"{run.name}-fold-{fold:02d}-0" for fold in range(1, folds + 1)]


def test_all_folds_come_back_in_their_order_by_few_calls() -> None:
    run = trial(account())
    outcome = run.run()
    assert outcome.results == names(5, run)
    calls = run.account.calls
    assert calls["CreateTrainingJob"] == 5 + run.account.throttled["CreateTrainingJob"]
    assert calls["DescribeTrainingJob"] == calls["StopTrainingJob"] == 0
    assert calls["ListTrainingJobs"] <= 1 + outcome.seconds / 8


def test_no_more_jobs_are_live_than_the_wave_allows_and_the_later_ones_are_warm() -> None:
    run = trial(account(), folds=6, wave=2)
    assert run.run().results == names(6, run)
    assert run.account.most_live == 2
    assert [job.warm for job in run.account.jobs.values()] == [False] * 2 + [True] * 4


def test_a_busy_pool_is_waited_for_and_not_for_ever() -> None:
    late = trial(account(pace=Pace(release_seconds=40.0)), folds=4, wave=2)
    assert late.run().results == names(4, late)
    assert sum(job.warm for job in late.account.jobs.values()) == 2
    never = trial(account(pace=Pace(release_seconds=5000.0)), folds=4, wave=2)
    assert never.run().results == names(4, never)
    assert not any(job.warm for job in never.account.jobs.values())
    assert never.outcome.seconds < 2 * 240 + 60 + 4 * 12


def test_pools_that_are_not_kept_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    run = trial(account(quotas=Quotas()), folds=4, wave=2)
    assert run.run().results == names(4, run)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert f"'{TYPE} for training warm pool usage' 0" in warnings[0]


def test_an_answer_that_is_lost_makes_no_second_job() -> None:
    run = trial(account())

    def lose(operation: str, name: str) -> None:
        if operation == "Create" and name.endswith("02-0") and run.caller.attempts[name] == 0:
            run.caller.attempts[name] += 1
            raise CallError(Refusal.UNANSWERED, "ConnectionClosedError")

    run.jobs.after = lose
    assert run.run().results == names(5, run)
    assert sorted(run.account.jobs) == names(5, run)


def test_a_restarted_trial_adopts_what_runs_and_what_is_done() -> None:
    shared = account()
    first = trial(shared, folds=3, wave=3)
    shared.clock.spawn(first.process())
    second = trial(shared, folds=3, wave=3, seed=1)

    def restarted() -> object:
        yield 100.0
        yield from second.process()

    shared.clock.spawn(restarted())  # type: ignore[arg-type]
    shared.clock.run()
    assert first.outcome.results == second.outcome.results == names(3, first)
    assert sorted(shared.jobs) == names(3, first)


def test_a_fold_that_was_stopped_with_its_trial_is_run_again_after_a_restart() -> None:
    shared = account()
    assert isinstance(trial(shared, folds=3, stop_at=50.0).run().error, TrialStopped)
    again = trial(shared, folds=3)
    assert again.run().results == [f"{again.name}-fold-{fold:02d}-1" for fold in (1, 2, 3)]


def test_a_fold_that_is_still_stopping_at_the_restart_is_run_again_when_it_has_stopped() -> None:
    shared = account(pace=Pace(stop_seconds=100.0))
    first, again = trial(shared, folds=3, stop_at=50.0), trial(shared, folds=3, seed=1)
    shared.clock.spawn(first.process())

    def restarted() -> Process:
        yield 70.0
        assert {job.status for job in shared.jobs.values()} == {"Stopping"}
        yield from again.process()

    shared.clock.spawn(restarted())
    shared.clock.run()
    assert again.outcome.results == [f"{again.name}-fold-{fold:02d}-1" for fold in (1, 2, 3)]
    assert shared.most_live == 3


@pytest.mark.parametrize("seed", range(8))
def test_of_two_attempts_a_restart_adopts_the_later_one_however_they_are_listed(seed: int) -> None:
    failed = Ending(status="Failed", reason=UNAVAILABLE)
    shared = account(outcomes=ending_by_name({"02-0": failed}))
    first = trial(shared, folds=3, stop_at=330.0)
    assert isinstance(first.run().error, TrialStopped)
    ended = {name[-4:]: job.status for name, job in shared.jobs.items()}
    assert (ended["02-0"], ended["02-1"]) == ("Failed", "Stopped")
    results = trial(shared, folds=3, seed=seed).run().results
    assert results is not None
    assert [name[-4:] for name in results] == ["01-0", "02-2", "03-0"]


@pytest.mark.parametrize("reason", [UNAVAILABLE, INTERNAL])
def test_what_the_service_failed_is_run_again_and_nothing_else(reason: str) -> None:
    failed = Ending(status="Failed", reason=reason)
    run = trial(account(outcomes=ending_by_name({"02-0": failed, "02-1": failed})))
    results = run.run().results
    assert results is not None
    assert [name[-4:] for name in results] == ["01-0", "02-2", "03-0", "04-0", "05-0"]


def test_a_service_that_keeps_failing_a_fold_fails_the_trial() -> None:
    failed = Ending(status="Failed", reason=UNAVAILABLE)
    endings = {f"02-{attempt}": failed for attempt in range(10)}
    run = trial(account(outcomes=ending_by_name(endings)))
    outcome = run.run()
    assert outcome.results is None
    assert "fold 2" in str(outcome.error)
    assert "CapacityError" in str(outcome.error)
    assert "attempt 4 of 4" in str(outcome.error)


@pytest.mark.parametrize(
    "ending, reason",
    [
        (
            Ending(status="Failed", reason="AlgorithmError: bad leaf"),
            "failed: AlgorithmError: bad leaf",
        ),
        (
            Ending(status="Stopped", secondary_status="MaxRuntimeExceeded"),
            "ran into its MaxRuntimeInSeconds",
        ),
        (Ending(status="Stopped", secondary_status="Stopped"), "was stopped from outside"),
    ],
)
def test_a_fold_that_fails_for_good_fails_the_trial_and_stops_the_others(
    ending: Ending, reason: str
) -> None:
    shared = account(outcomes=ending_by_name({"01-0": ending}))
    run = trial(shared, folds=4, wave=2)
    outcome = run.run()
    assert outcome.results is None
    assert isinstance(outcome.error, FanOutError)
    assert str(outcome.error).startswith(f"fold 1 ({run.name}-fold-01-0) {reason}")
    assert not shared.live
    assert len(shared.jobs) <= 3  # what was not started yet never is


def test_a_fold_whose_result_is_damaged_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = account()
    run = trial(shared, folds=3)
    (tmp_path / "model.tar.gz").write_bytes(b"no archive")
    fine = run.jobs.result

    def result(name: str, fold: int) -> str:
        if fold == 2:
            unpack_model(tmp_path / "model.tar.gz", tmp_path, ["fold.json"])
        return fine(name, fold)

    monkeypatch.setattr(run.jobs, "result", result)
    outcome = run.run()
    assert outcome.results is None
    assert isinstance(outcome.error, FanOutError)
    named = f"fold 2 ({run.name}-fold-02-0) completed, but model.tar.gz is not a readable gzip tar"
    assert str(outcome.error).startswith(named)
    assert not shared.live


def test_a_fold_whose_result_or_reason_is_never_answered_is_named_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(name: str, fold: int = 0) -> str:
        raise CallError(Refusal.UNANSWERED, "ReadTimeoutError: no answer")

    failed = Ending(status="Failed", reason=UNAVAILABLE)
    for endings, method in (({}, "result"), ({"01-0": failed}, "failure_reason")):
        run = trial(account(outcomes=ending_by_name(endings)), folds=2)
        monkeypatch.setattr(run.jobs, method, silent)
        error = str(run.run().error)
        assert error.startswith(f"fold 1 ({run.name}-fold-01-0) ")
        assert error.count("fold 1") == error.count("did not succeed in") == 1


def test_a_quota_that_has_no_room_makes_fewer_run_at_once() -> None:
    tight = Quotas({**POOLS.limits, f"{TYPE} for training job usage": 2})
    run = trial(account(quotas=tight))
    assert run.run().results == names(5, run)
    assert run.account.most_live == 2
    # Not asked again while those that have a place run, but once after each that ends.
    assert run.account.calls["CreateTrainingJob"] <= 5 + 5


def test_a_quota_that_never_has_room_is_named_when_the_wait_is_over() -> None:
    none = Quotas({f"{TYPE} for training job usage": 0})
    run = trial(account(quotas=none), patience=Patience(quota_seconds=300))
    outcome = run.run()
    assert f"'{TYPE} for training job usage'" in str(outcome.error)
    assert "raise the quota" in str(outcome.error)
    assert 300 <= outcome.seconds < 330
    assert not run.account.jobs


@pytest.mark.parametrize("moment", [0.0, 0.5, 3.0, 60.0, 199.0, 230.0])
def test_a_trial_that_is_stopped_leaves_no_job_in_time(moment: float) -> None:
    shared = account()
    run = trial(shared, folds=5, stop_at=moment)
    outcome = run.run()
    assert isinstance(outcome.error, TrialStopped)
    assert outcome.seconds <= moment + 30
    ended = {job.status for job in shared.jobs.values()}
    assert not shared.live
    assert ended <= {"Stopped", "Completed"}
    assert all(job.ended is not None and job.ended <= moment + 40 for job in shared.jobs.values())


def test_a_stop_that_comes_while_a_failed_trial_stops_its_jobs_changes_nothing() -> None:
    failed = Ending(status="Failed", reason="AlgorithmError: no")
    shared = account(outcomes=ending_by_name({"01-0": failed}))
    plain = trial(shared).run()
    again = account(outcomes=ending_by_name({"01-0": failed}))
    outcome = trial(again, stop_at=plain.seconds - 1.0).run()
    assert "AlgorithmError: no" in str(outcome.error)
    assert not again.live


def test_a_race_that_is_lost_gives_the_folds_up_to_there_and_stops_the_rest() -> None:
    shared = account()
    run = trial(shared, folds=5, wave=2, stops_here=lambda results: len(results) == 2)
    assert run.run().results == names(2, run)
    assert not shared.live
    assert len(shared.jobs) < 5


def test_a_trial_that_has_lost_its_race_stops_the_folds_that_run() -> None:
    shared = account()
    run = trial(shared, folds=3, own=Own(1), stops_here=lambda results: True)
    assert run.run().results == ["own"]
    assert {job.status for job in shared.jobs.values()} == {"Stopped"}


def test_a_job_that_is_never_listed_is_created_again_under_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = trial(account(), folds=2)
    real, asked = run.jobs.create, list[str]()

    def create(name: str, fold: int) -> None:
        asked.append(name[-4:])
        if asked != ["01-0", "02-0"]:  # which never appears
            real(name, fold)

    monkeypatch.setattr(run.jobs, "create", create)
    assert run.run().results == names(2, run)
    assert asked == ["01-0", "02-0", "02-0"]


def test_a_call_that_is_refused_for_good_is_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run = trial(account())

    def deny(operation: str, name: str) -> None:
        if operation == "Create":
            raise CallError(Refusal.OTHER, "AccessDeniedException: not authorized")

    run.jobs.before = deny
    assert "fold 1 cannot be started: AccessDeniedException" in str(run.run().error)


def test_a_refused_listing_is_named_with_the_permission_and_stops_what_runs() -> None:
    run = trial(account(), folds=3)

    def deny(operation: str, _name: str) -> None:
        if operation == "List" and run.account.jobs:
            raise CallError(Refusal.OTHER, "AccessDeniedException: no endpoint policy allows it")

    run.jobs.before = deny
    error = run.run().error
    assert isinstance(error, UserError)
    assert "ListTrainingJobs is refused: AccessDeniedException: no endpoint policy" in str(error)
    assert "must allow sagemaker:ListTrainingJobs" in str(error)
    assert len(run.account.jobs) == 3
    assert not run.account.live


def test_throttling_that_does_not_end_is_named_with_its_operation() -> None:
    slow = Pace(train_seconds=5000.0)
    run = trial(
        account(rates={"CreateTrainingJob": 1e-9}, pace=slow), patience=Patience(call_seconds=500)
    )
    outcome = run.run()
    assert "CreateTrainingJob did not succeed in" in str(outcome.error)
    assert "Rate exceeded" in str(outcome.error)
    assert [job.status for job in run.account.jobs.values()] == ["Stopped"]


class Own:
    """A fold of the trial's own, which takes ``looks`` looks."""

    def __init__(self, looks: int, error: Exception | None = None) -> None:
        self.looks, self.error = looks, error
        self.events: list[str] = []

    def start(self) -> None:
        self.events.append("start")

    def result(self) -> str | None:
        self.looks -= 1
        if self.looks == 0 and self.error is not None:
            raise self.error
        return None if self.looks > 0 else "own"

    def cancel(self) -> None:
        self.events.append("cancel")


@pytest.mark.parametrize("looks", [1, 60])
def test_a_trial_trains_the_first_fold_itself_beside_the_others(looks: int) -> None:
    own = Own(looks)
    run = trial(account(), folds=3, own=own)
    assert run.run().results == ["own", *names(3, run)[1:]]
    assert sorted(run.account.jobs) == names(3, run)[1:]
    assert own.events == ["start"]


def test_what_the_own_fold_raises_stops_the_others() -> None:
    shared = account()
    outcome = trial(shared, own=Own(2, ValueError("no score"))).run()
    assert str(outcome.error) == "no score"
    assert not shared.live
