"""Clusters of training jobs, and the warm pools that they become: a state machine without I/O.

    InUse ──job ends──► Available ──matching job──► Reused (and InUse for the new job)
      └──not kept──┐        └──period over, 28 days, ended by the user──► Terminated
                   └────────────────────────────────────────────────────► Terminated

A pool is matched only while it is Available, and it is that only when its job has fully ended:
a job that comes while the last one is still Stopping or Uploading starts a second, cold cluster.
Times are seconds on any one clock.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from warmfold_local.modelled.matching import ClusterKey
from warmfold_local.modelled.quotas import Quotas, Total, Use

# The maximum of the developer guide (train-warm-pools); the API's own model allows 21,600.
MAX_KEEP_ALIVE_SECONDS = 3600

# The longest life of a cluster that is reused (developer guide, train-warm-pools).
MAX_LIFE_SECONDS = 28 * 86_400


class PoolStatus(StrEnum):
    IN_USE = "InUse"
    AVAILABLE = "Available"
    REUSED = "Reused"
    TERMINATED = "Terminated"


@dataclass(frozen=True)
class PoolState:
    """The ``WarmPoolStatus`` of one job; ``cluster`` numbers the machines behind it."""

    job: str
    cluster: int
    status: PoolStatus
    retained_seconds: int = 0
    reused_by: str | None = None


@dataclass(frozen=True)
class Start:
    """Where a job runs. ``reused``: the last state of the pool it took over; cold without."""

    cluster: int
    reused: PoolState | None = None


@dataclass(eq=False)
class _Cluster:
    number: int
    key: ClusterKey
    launched_at: float
    job: str
    keep_alive_seconds: int
    pooled: bool
    available_at: float | None = None

    @property
    def ends_at(self) -> float:
        """When an Available pool ends by itself."""
        since = self.launched_at if self.available_at is None else self.available_at
        return min(since + self.keep_alive_seconds, self.launched_at + MAX_LIFE_SECONDS)

    def retained_seconds(self, now: float) -> int:
        if self.available_at is None:
            return 0
        idle = max(0.0, min(now, self.ends_at) - self.available_at)
        return min(math.ceil(idle), self.keep_alive_seconds)

    def state(self, status: PoolStatus, now: float, reused_by: str | None = None) -> PoolState:
        return PoolState(self.job, self.number, status, self.retained_seconds(now), reused_by)


@dataclass
class Pools:
    """All clusters of an account in a region; its ``quotas`` may be replaced at any time."""

    quotas: Quotas = field(default_factory=Quotas)
    _clusters: dict[str, _Cluster] = field(default_factory=dict)  # by their present or last job
    _launched: int = 0

    def start(self, job: str, key: ClusterKey, keep_alive_seconds: int, now: float) -> Start:
        """Place a job on a matching pool, or on a new cluster.

        Without room in the quota for warm pools the period is silently ignored. An idle pool
        counts as training usage too. Raises ``QuotaExceeded``, and ``ValueError`` if the job is
        placed already. Call ``expire`` first: a pool whose time is over is not matched.
        """
        if job in self._clusters:
            raise ValueError(f"{job} has a cluster already")
        found = self._matching(key, now)
        if found is None:
            self._require(key)
            self._launched += 1
            pooled = self._granted(key, keep_alive_seconds)
            self._clusters[job] = _Cluster(
                self._launched, key, now, job, keep_alive_seconds, pooled
            )
            return Start(self._launched)
        last = found.state(PoolStatus.REUSED, now, reused_by=job)
        del self._clusters[found.job]
        found.keep_alive_seconds = keep_alive_seconds
        found.pooled = self._granted(key, keep_alive_seconds)
        found.job, found.available_at = job, None
        self._clusters[job] = found
        return Start(found.number, last)

    def end(self, job: str, now: float, *, healthy: bool = True) -> PoolState | None:
        """The job has fully ended. ``None`` if it had no pool.

        ``healthy``: the cluster was launched, and did not fail by itself.
        """
        cluster = self._clusters[job]
        if not cluster.pooled:
            del self._clusters[job]
            return None
        cluster.available_at = now
        if not healthy or cluster.ends_at <= now:
            del self._clusters[job]
            return cluster.state(PoolStatus.TERMINATED, now)
        return cluster.state(PoolStatus.AVAILABLE, now)

    def expire(self, now: float) -> list[PoolState]:
        """End the pools whose time is over; their last states."""
        over = [c for c in self._idle() if c.ends_at <= now]
        return [self._terminate(cluster, now) for cluster in over]

    def keep_alive(self, job: str, seconds: int, now: float) -> PoolState | None:
        """Change the period of a job's pool: 0 ends an Available one now, one in use at its end.

        ``None`` if the job has no pool (any more), or will have none.
        """
        cluster = self._clusters.get(job)
        if cluster is None or not cluster.pooled:
            return None
        if cluster.available_at is not None and cluster.available_at + seconds <= now:
            return self._terminate(cluster, now)
        cluster.keep_alive_seconds = seconds
        return self.state(job, now)

    def terminate(self, job: str, now: float) -> PoolState | None:
        """End a job's Available pool from outside, as a patch update does."""
        cluster = self._clusters.get(job)
        if cluster is None or cluster.available_at is None:
            return None
        return self._terminate(cluster, now)

    def state(self, job: str, now: float) -> PoolState | None:
        """``None`` without a pool, or when it was reused or terminated."""
        cluster = self._clusters.get(job)
        if cluster is None or not cluster.pooled:
            return None
        in_use = cluster.available_at is None
        return cluster.state(PoolStatus.IN_USE if in_use else PoolStatus.AVAILABLE, now)

    def states(self, now: float) -> list[PoolState]:
        """Of all pools, those in use among them."""
        found = (self.state(job, now) for job in self._clusters)
        return [state for state in found if state is not None]

    def holds(self, job: str) -> bool:
        """Whether the job has a cluster, running or idle."""
        return job in self._clusters

    def used(self, instance_type: str) -> int:
        """Instances that count as training usage: those of jobs, and those of idle pools."""
        return sum(c.key.instance_count for c in self._of(instance_type))

    def pooled(self, instance_type: str) -> int:
        """Instances that count as warm pool usage: idle ones, and those that will be kept."""
        return sum(c.key.instance_count for c in self._of(instance_type) if c.pooled)

    def _require(self, key: ClusterKey) -> None:
        """Room for a new cluster; idle pools count as training usage too."""
        kind, count = key.instance_type, key.instance_count
        total = sum(c.key.instance_count for c in self._clusters.values())
        self.quotas.require_total(Total.TRAINING_JOB, 0, count)
        self.quotas.require_total(Total.TRAINING, total, count)
        self.quotas.require(kind, Use.TRAINING, self.used(kind), count)

    def _granted(self, key: ClusterKey, keep_alive_seconds: int) -> bool:
        used = self.pooled(key.instance_type)
        room = self.quotas.has_room(key.instance_type, Use.WARM_POOL, used, key.instance_count)
        return keep_alive_seconds > 0 and room

    def _matching(self, key: ClusterKey, now: float) -> _Cluster | None:
        return next((c for c in self._idle() if c.key == key and now < c.ends_at), None)

    def _idle(self) -> Iterator[_Cluster]:
        return (c for c in self._clusters.values() if c.available_at is not None)

    def _of(self, instance_type: str) -> Iterator[_Cluster]:
        return (c for c in self._clusters.values() if c.key.instance_type == instance_type)

    def _terminate(self, cluster: _Cluster, now: float) -> PoolState:
        del self._clusters[cluster.job]
        return cluster.state(PoolStatus.TERMINATED, now)
