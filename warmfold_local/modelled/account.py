"""Training jobs of one account and region on virtual time: rates, quotas, pools, failures.

What fails is scripted by ``outcomes``: a job's name and how each of its kind ends. The answers
carry AWS's own codes; what a client makes of them is the client's business.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from warmfold_local.modelled.clock import Clock, Process
from warmfold_local.modelled.matching import ClusterKey
from warmfold_local.modelled.pools import Pools, PoolStatus
from warmfold_local.modelled.quotas import QuotaExceeded, Quotas
from warmfold_local.modelled.rates import RateLimits


class Refused(Exception):
    """A call that the service refused; ``code`` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a job ends: its status, and what DescribeTrainingJob says of it."""

    status: str = "Completed"
    secondary_status: str = ""
    reason: str = ""


@dataclass(eq=False, kw_only=True)
class TrainingJob:
    """``created`` and ``ended`` are in seconds on the account's clock."""

    name: str
    created: float
    ending: Ending
    warm: bool
    status: str = "InProgress"
    ended: float | None = None

    @property
    def live(self) -> bool:
        return self.status in ("InProgress", "Stopping")


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a job takes, in modelled seconds; ``release`` is from its end to its pool's."""

    cold_start_seconds: float = 180.0
    warm_start_seconds: float = 20.0
    train_seconds: float = 60.0
    stop_seconds: float = 5.0
    release_seconds: float = 0.0


def completes(_name: str) -> Ending:
    return Ending()


@dataclass(eq=False, kw_only=True)
class Account:
    """``outcomes(name)`` decides how the job of that name ends. ``calls`` and ``throttled`` count
    by operation."""

    clock: Clock
    rates: Mapping[str, float]
    quotas: Quotas = field(default_factory=Quotas)
    pace: Pace = field(default_factory=Pace)
    outcomes: Callable[[str], Ending] = completes
    jobs: dict[str, TrainingJob] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    most_live: int = 0

    def __post_init__(self) -> None:
        self._limits = RateLimits(self.rates)
        self._pools = Pools(self.quotas)
        self._reused: set[str] = set()

    @property
    def live(self) -> list[TrainingJob]:
        return [job for job in self.jobs.values() if job.live]

    def create(self, name: str, key: ClusterKey, keep_alive_seconds: int) -> None:
        self._take("CreateTrainingJob")
        if name in self.jobs:
            raise Refused("ResourceInUse", f"{name} exists")
        now = self.clock.now
        self._pools.expire(now)
        try:
            start = self._pools.start(name, key, keep_alive_seconds, now)
        except QuotaExceeded as error:
            raise Refused("ResourceLimitExceeded", str(error)) from error
        warm = start.reused is not None
        if start.reused is not None:
            self._reused.add(start.reused.job)
        job = TrainingJob(name=name, created=now, ending=self.outcomes(name), warm=warm)
        self.jobs[name] = job
        self.most_live = max(self.most_live, len(self.live))
        self.clock.spawn(self._life(job))

    def describe(self, name: str) -> TrainingJob:
        self._take("DescribeTrainingJob")
        if name not in self.jobs:
            raise Refused("ValidationException", "Requested resource not found.")
        return self.jobs[name]

    def listed(self, name_contains: str) -> list[tuple[TrainingJob, str | None]]:
        """Jobs of that name with their pools' status."""
        self._take("ListTrainingJobs")
        found = [job for name, job in self.jobs.items() if name_contains in name]
        return [(job, self._pool(job)) for job in found]

    def stop(self, name: str) -> None:
        self._take("StopTrainingJob")
        job = self.jobs.get(name)
        if job is None or job.status != "InProgress":
            raise Refused("ValidationException", "The request was rejected: not in progress")
        job.status = "Stopping"
        self.clock.spawn(self._stopped(job))

    def _take(self, operation: str) -> None:
        self.calls[operation] += 1
        if not self._limits.take(operation, self.clock.now):
            self.throttled[operation] += 1
            raise Refused("ThrottlingException", "Rate exceeded")

    def _pool(self, job: TrainingJob) -> str | None:
        if job.name in self._reused:
            return PoolStatus.REUSED.value
        state = self._pools.state(job.name, self.clock.now)
        return None if state is None else state.status.value

    def _life(self, job: TrainingJob) -> Process:
        pace = self.pace
        yield pace.warm_start_seconds if job.warm else pace.cold_start_seconds
        yield pace.train_seconds
        if job.status == "InProgress":
            yield from self._end(job, job.ending.status)

    def _stopped(self, job: TrainingJob) -> Process:
        yield self.pace.stop_seconds
        yield from self._end(job, "Stopped")

    def _end(self, job: TrainingJob, status: str) -> Process:
        job.status, job.ended = status, self.clock.now
        yield self.pace.release_seconds
        service = job.ending.reason.startswith(("CapacityError", "InternalServerError"))
        self._pools.end(job.name, self.clock.now, healthy=not service)
