"""One fold's way through its jobs, and which places its warm pools still take."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

# SageMaker's own failures, by the first word of FailureReason: worth another job.
_SERVICE_FAILURES = ("CapacityError", "InternalServerError")

_LIVE = ("InProgress", "Stopping")


@dataclass(frozen=True, kw_only=True)
class JobSummary:
    """What ListTrainingJobs says of a job; ``pool`` is None without a warm pool."""

    name: str
    status: str
    secondary_status: str
    pool: str | None

    @property
    def live(self) -> bool:
        return self.status in _LIVE

    @property
    def pool_pending(self) -> bool:
        """Whether the job has ended and its machines are neither free nor gone yet."""
        return not self.live and self.pool == "InUse"


class State(Enum):
    """``LIVE``: there is, or may be, a job of the fold's name; only that is ever stopped."""

    PENDING = auto()
    LIVE = auto()
    DONE = auto()


@dataclass(eq=False, kw_only=True)
class Fold:
    """``since`` is when its job was created, ``not_before`` when the next one may be.

    ``stopped_before``: its job was told to stop in an earlier life of the trial.
    """

    number: int
    attempt: int = 0
    state: State = State.PENDING
    since: float = 0.0
    not_before: float = 0.0
    stopped_before: bool = False

    def again(self, not_before: float) -> None:
        """The next attempt, under a name of its own: a name is never used twice."""
        self.attempt += 1
        self.state, self.not_before, self.stopped_before = State.PENDING, not_before, False


def is_service_failure(reason: str) -> bool:
    return reason.startswith(_SERVICE_FAILURES)


@dataclass(eq=False)
class Places:
    """How many jobs may be live at once: fewer after the account's quota refused one.

    An ended job keeps its place until its warm pool is Available, or ``pool_seconds`` are over: a
    job started before would get a second, cold cluster.
    """

    most: int
    pool_seconds: float
    _allowed: int = field(init=False)
    _pools: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._allowed = self.most

    @property
    def waiting(self) -> bool:
        """Whether a place is kept for a pool that is not settled."""
        return bool(self._pools)

    def room(self, live: int) -> int:
        return self._allowed - live - len(self._pools)

    def refused(self, live: int) -> None:
        self._allowed = max(1, live)

    def granted(self, live: int) -> None:
        """One more may be tried the next time, up to what the plan allows."""
        self._allowed = min(self.most, max(self._allowed, live + 1))

    def ended(self, job: JobSummary, now: float) -> None:
        if job.pool_pending:
            self._pools[job.name] = now

    def look(self, jobs: Mapping[str, JobSummary], now: float) -> None:
        """Free the places of pools that are settled."""
        self._pools = {
            name: since
            for name, since in self._pools.items()
            if name in jobs and jobs[name].pool_pending and now - since < self.pool_seconds
        }


def next_look(
    folds: Sequence[Fold], places: Places, shortest: float | None, launch_after: float
) -> float:
    """From when on there may be something to see or to do; minus infinity: now.

    A fold that was just started is not done before half of what the ``shortest`` one took, which
    may have been a cold start, and this a warm one. One that has a place already may start
    ``launch_after`` a refusal, and after its own wait.
    """
    begun = [fold.since for fold in folds if fold.state is State.LIVE]
    if not begun or shortest is None or places.waiting:
        return -math.inf
    done = min(begun) + shortest / 2
    pending = [fold.not_before for fold in folds if fold.state is State.PENDING]
    if not pending or places.room(len(begun)) < 1:
        return done
    return min(done, max(min(pending), launch_after))
