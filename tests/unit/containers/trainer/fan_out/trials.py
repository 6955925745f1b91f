"""A trial's coordinator against a modelled account, on virtual time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from warmfold_local.modelled.account import Account, Ending, Refused, TrainingJob
from warmfold_local.modelled.clock import Process
from warmfold_local.modelled.matching import ClusterKey
from warmfold_trainer.fan_out.calls import Caller, CallError, Refusal, Waiting
from warmfold_trainer.fan_out.coordinator import Coordinator
from warmfold_trainer.fan_out.driver import TrialStopped
from warmfold_trainer.fan_out.folds import JobSummary
from warmfold_trainer.fan_out.plan import Patience
from warmfold_trainer.fan_out.trial import Trial

TYPE = "ml.m5.xlarge"
KEY = ClusterKey(role_arn="fold", instance_type=TYPE, instance_count=1, volume_gib=1)

_REFUSALS = {
    "ThrottlingException": Refusal.THROTTLED,
    "ResourceInUse": Refusal.TAKEN,
    "ResourceLimitExceeded": Refusal.QUOTA,
    "ValidationException": Refusal.GONE,
}

# Called with operation and job before each call, and after: it may raise.
Disturbance = Callable[[str, str], None]


def undisturbed(_operation: str, _name: str) -> None:
    """Nothing happens."""


@dataclass(eq=False, kw_only=True)
class ModelledJobs:
    """``trial.Jobs`` on a modelled account, which lists in ``order``.

    A fold's result is its job's name.
    """

    account: Account
    keep_alive_seconds: int = 600
    before: Disturbance = undisturbed
    after: Disturbance = undisturbed
    order: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - reproducible

    def create(self, name: str, fold: int) -> None:
        self._call("Create", name, lambda: self.account.create(name, KEY, self.keep_alive_seconds))

    def list_page(
        self, name_contains: str, token: str | None
    ) -> tuple[list[JobSummary], str | None]:
        found = self._call("List", name_contains, lambda: self.account.listed(name_contains))
        self.order.shuffle(found)
        return [_summary(job, pool) for job, pool in found], None

    def failure_reason(self, name: str) -> str:
        job: TrainingJob = self._call("Describe", name, lambda: self.account.describe(name))
        return job.ending.reason

    def stop(self, name: str) -> None:
        self._call("Stop", name, lambda: self.account.stop(name))

    def result(self, name: str, fold: int) -> str:
        assert self.account.jobs[name].status == "Completed"
        return name

    def _call(self, operation: str, name: str, function: Callable[[], Any]) -> Any:
        self.before(operation, name)
        try:
            answer = function()
        except Refused as error:
            raise CallError(_REFUSALS[error.code], f"{error.code}: {error}") from error
        self.after(operation, name)
        return answer


def _summary(job: TrainingJob, pool: str | None) -> JobSummary:
    secondary = "" if job.live else job.ending.secondary_status
    return JobSummary(name=job.name, status=job.status, secondary_status=secondary, pool=pool)


@dataclass(eq=False)
class Outcome:
    """How a trial ended; ``seconds`` is when."""

    results: list[str] | None = None
    error: Exception | None = None
    seconds: float = 0.0


@dataclass(eq=False, kw_only=True)
class TrialRun:
    """One trial; ``spawn`` starts it on the account's clock, ``stop_at`` is when SIGTERM comes."""

    account: Account
    name: str = "execution-Tune-trees-001-0a1b2c3d"
    folds: int = 5
    wave: int = 5
    stop_at: float = float("inf")
    seed: int = 0
    stops_here: Callable[[Sequence[str]], bool] = lambda results: False
    own: Any = None
    patience: Patience = field(default_factory=Patience)
    jobs: ModelledJobs = field(init=False)
    caller: Caller = field(init=False)
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        clock = self.account.clock
        order = Random(self.seed)  # noqa: S311 - reproducible
        self.jobs = ModelledJobs(account=self.account, order=order)
        self.caller = Caller(lambda: clock.now, Random(self.seed))  # noqa: S311 - reproducible

    def run(self) -> Outcome:
        """To the end of everything."""
        self.account.clock.spawn(self.process())
        self.account.clock.run()
        return self.outcome

    def process(self) -> Process:
        trial = Trial(
            name=self.name,
            folds=self.folds,
            wave=self.wave,
            keeps_pools=self.jobs.keep_alive_seconds > 0,
            instance_type=TYPE,
            stops_here=self.stops_here,
            own=self.own,
        )
        coordinator: Coordinator[str] = Coordinator(trial, self.jobs, self.caller, self.patience)
        try:
            self.outcome.results = yield from self._driven(coordinator)
        except Exception as error:  # noqa: BLE001 - what a test looks at
            self.outcome.error = error
        self.outcome.seconds = self.account.clock.now

    def _driven(self, coordinator: Coordinator[str]) -> "Waiting[list[str]]":
        """As ``driver.drive``, on virtual time."""
        process, clock, thrown = coordinator.run(), self.account.clock, False
        try:
            seconds = next(process)
            while True:
                if clock.now >= self.stop_at and not (thrown or coordinator.stopping):
                    thrown = True
                    seconds = process.throw(TrialStopped())
                elif seconds > 0:
                    step = min(seconds, max(self.stop_at - clock.now, 0.0) or seconds)
                    yield step
                    seconds -= step
                else:
                    seconds = next(process)
        except StopIteration as end:
            result: list[str] = end.value
            return result


def ending_by_name(endings: dict[str, Ending]) -> Callable[[str], Ending]:
    """By the last characters of a job's name, as ``02-0``."""
    return lambda name: endings.get(name[-4:], Ending())
