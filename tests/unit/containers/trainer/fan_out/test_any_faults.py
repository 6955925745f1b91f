"""Whatever goes wrong, in whatever order: all folds or none, and nothing left running."""

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.unit.containers.trainer.fan_out.trials import TYPE, TrialRun, ending_by_name
from warmfold_local.modelled.account import Account, Ending, Pace, TrainingJob
from warmfold_local.modelled.clock import Clock, Process
from warmfold_local.modelled.quotas import Quotas
from warmfold_local.modelled.rates import DOCUMENTED
from warmfold_trainer.fan_out.calls import CallError, Refusal
from warmfold_trainer.fan_out.coordinator import ATTEMPTS
from warmfold_trainer.fan_out.names import fold_and_attempt

ENDINGS = {
    "completed": Ending(),
    "capacity": Ending(status="Failed", reason="CapacityError: none"),
    "internal": Ending(status="Failed", reason="InternalServerError: sorry"),
    "algorithm": Ending(status="Failed", reason="AlgorithmError: bad"),
    "too long": Ending(status="Stopped", secondary_status="MaxRuntimeExceeded"),
    "stopped": Ending(status="Stopped", secondary_status="Stopped"),
}
MOSTLY = ["completed"] * 12 + ["capacity", "internal"] * 2 + ["algorithm", "too long", "stopped"]


@dataclass(frozen=True, kw_only=True)
class Weather:
    """``lost`` and ``refused`` are probabilities of an answer and of a call."""

    folds: int
    wave: int
    quota: int
    pools: int
    lost: float
    refused: float
    stop_at: float
    seed: int


WEATHERS = st.builds(
    Weather,
    folds=st.integers(2, 6),
    wave=st.integers(1, 6),
    quota=st.integers(1, 6),
    pools=st.integers(0, 6),
    lost=st.sampled_from([0.0, 0.1, 0.4]),
    refused=st.sampled_from([0.0, 0.1, 0.4]),
    stop_at=st.one_of(st.just(float("inf")), st.floats(0, 900)),
    seed=st.integers(0, 10_000),
)


def trial(weather: Weather, account: Account) -> TrialRun:
    run = TrialRun(
        account=account,
        folds=weather.folds,
        wave=weather.wave,
        stop_at=weather.stop_at,
        seed=weather.seed,
    )
    chance = Random(weather.seed)  # noqa: S311 - reproducible

    def refuse(_operation: str, _name: str) -> None:
        if chance.random() < weather.refused:
            raise CallError(Refusal.THROTTLED, "ThrottlingException: Rate exceeded")

    def lose(_operation: str, _name: str) -> None:
        if chance.random() < weather.lost:
            raise CallError(Refusal.UNANSWERED, "ConnectionClosedError")

    run.jobs.before, run.jobs.after = refuse, lose
    return run


def account(weather: Weather) -> Account:
    chance = Random(weather.seed + 1)  # noqa: S311 - reproducible
    quotas = Quotas(
        {
            f"{TYPE} for training job usage": weather.quota,
            f"{TYPE} for training warm pool usage": weather.pools,
        }
    )
    return Account(
        clock=Clock(),
        rates=DOCUMENTED,
        quotas=quotas,
        pace=Pace(train_seconds=60.0, release_seconds=15.0),
        outcomes=lambda _name: ENDINGS[chance.choice(MOSTLY)],
    )


def attempts(run: TrialRun) -> dict[int, list[TrainingJob]]:
    """The jobs of each fold, in the order of their attempts."""
    found: dict[int, list[TrainingJob]] = {}
    for name, job in sorted(run.account.jobs.items()):
        parsed = fold_and_attempt(run.name, name)
        assert parsed is not None
        found.setdefault(parsed[0], []).append(job)
    return found


def check(weather: Weather, run: TrialRun) -> None:
    outcome, jobs = run.outcome, run.account.jobs
    assert (outcome.results is None) != (outcome.error is None)
    if outcome.results is not None:
        parsed = [fold_and_attempt(run.name, name) for name in outcome.results]
        assert [found[0] for found in parsed if found] == list(range(1, weather.folds + 1))
        assert all(jobs[name].status == "Completed" for name in outcome.results)
    for of_fold in attempts(run).values():
        assert len(of_fold) <= ATTEMPTS
        for earlier, later in pairwise(of_fold):
            assert earlier.ended is not None
            assert earlier.ended <= later.created


@given(WEATHERS)
@examples(max_examples=150, deadline=None)
def test_all_folds_or_none_and_no_job_runs_on(weather: Weather) -> None:
    own = account(weather)
    run = trial(weather, own)
    running: list[str] = []

    def watched() -> Process:
        yield from run.process()
        running.extend(job.name for job in own.jobs.values() if job.status == "InProgress")

    own.clock.spawn(watched())
    own.clock.run()
    check(weather, run)
    assert running == []
    assert own.most_live <= min(weather.wave, weather.quota)


@given(WEATHERS, st.floats(0, 500))
@examples(max_examples=100, deadline=None)
def test_a_trial_that_is_killed_and_restarted_makes_no_fold_twice(
    weather: Weather, killed_at: float
) -> None:
    own = account(weather)
    first, second = trial(weather, own), trial(weather, own)

    def life() -> Process:
        process, left = first.process(), killed_at
        for wait in process:
            assert isinstance(wait, float)
            yield min(wait, left)
            left -= wait
            if left <= 0:  # SIGKILL: nothing more of it is run
                break
        yield from second.process()

    own.clock.spawn(life())
    own.clock.run()
    check(weather, second)


@given(
    stopped_at=st.floats(0, 500),
    restarted_after=st.floats(0, 200),
    stop_seconds=st.floats(1, 150),
    failing=st.frozensets(st.integers(1, 4)),
    seed=st.integers(0, 10_000),
)
@examples(max_examples=100, deadline=None)
def test_a_trial_that_is_stopped_and_restarted_has_all_folds_in_the_end(
    stopped_at: float,
    restarted_after: float,
    stop_seconds: float,
    failing: frozenset[int],
    seed: int,
) -> None:
    own = Account(
        clock=Clock(),
        rates=DOCUMENTED,
        pace=Pace(stop_seconds=stop_seconds),
        outcomes=ending_by_name({f"{fold:02d}-0": ENDINGS["capacity"] for fold in failing}),
    )
    first = TrialRun(account=own, folds=4, wave=3, stop_at=stopped_at, seed=seed)
    second = TrialRun(account=own, folds=4, wave=3, seed=seed + 1)

    def lives() -> Process:
        yield from first.process()
        yield restarted_after
        yield from second.process()

    own.clock.spawn(lives())
    own.clock.run()
    assert second.outcome.error is None
    assert second.outcome.results is not None
    for fold, name in enumerate(second.outcome.results, start=1):
        assert name == max(job.name for job in attempts(second)[fold])
    assert own.most_live <= 3
