"""Training jobs and the warm pools that they leave, as plain data: no threads, no time, no cloud.

Written from the developer guide (train-warm-pools) and the API reference alone. Time does not
pass here: a pool ends because somebody ends it.
"""

from dataclasses import dataclass, field

from tests.model.reference import ENDED, Refused

WARM_POOL_QUOTA, TRAINING_QUOTA = 2, 3


@dataclass
class Job:
    """``pool`` is its WarmPoolStatus; ``key`` is what a job must share to take over its cluster."""

    key: str
    keep_alive: int
    status: str = "InProgress"
    pool: str | None = None
    reused_by: str | None = None

    @property
    def on_a_cluster(self) -> bool:
        return self.status not in ENDED or self.pool == "Available"


@dataclass
class PoolReference:
    """``faults``: how jobs of a name will fail before their container starts, one each."""

    jobs: dict[str, Job] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)

    def reusable(self, key: str) -> set[str]:
        """The jobs whose idle clusters a job of this key may take over."""
        return {n for n, j in self.jobs.items() if j.pool == "Available" and j.key == key}

    def create(self, name: str, key: str, keep_alive: int, reused: str | None) -> None:
        """``reused``: which of the idle clusters it was; which one is not documented."""
        if name in self.jobs:
            raise Refused("ResourceInUse")
        if reused is None and self.clusters() >= TRAINING_QUOTA:
            raise Refused("ResourceLimitExceeded")
        if reused is not None:
            self.jobs[reused].pool, self.jobs[reused].reused_by = "Reused", name
        granted = keep_alive > 0 and self.pooled() < WARM_POOL_QUOTA
        self.jobs[name] = Job(key, keep_alive, pool="InUse" if granted else None)
        if self.faults.get(name):
            self.faults[name].pop(0)
            self.end(name, "Failed", healthy=False)

    def end(self, name: str, status: str, *, healthy: bool = True) -> None:
        """Kept after a failure of the algorithm's, not after one of the service's."""
        job = self.jobs[name]
        job.status = status
        if job.pool is not None:
            job.pool = "Available" if healthy and job.keep_alive > 0 else "Terminated"

    def stop(self, name: str) -> None:
        job = self.jobs.get(name)
        if job is None or job.status != "InProgress":
            raise Refused("ValidationException")
        self.end(name, "Stopped")

    def keep_alive(self, name: str, seconds: int) -> None:
        job = self.jobs.get(name)
        if job is None or job.pool not in ("InUse", "Available"):
            raise Refused("ValidationException")
        job.keep_alive = seconds
        if job.pool == "Available" and seconds == 0:
            job.pool = "Terminated"

    def patch(self, name: str) -> bool:
        """A pool is ended from outside: only an idle one."""
        job = self.jobs.get(name)
        if job is None or job.pool != "Available":
            return False
        job.pool = "Terminated"
        return True

    def delete(self, name: str) -> None:
        job = self.jobs.get(name)
        if job is None:
            raise Refused("ResourceNotFound")
        if job.on_a_cluster:
            raise Refused("ResourceInUse")
        del self.jobs[name]

    def clusters(self) -> int:
        """Those of jobs, and idle ones: both count as training usage."""
        return sum(job.on_a_cluster for job in self.jobs.values())

    def pooled(self) -> int:
        return sum(job.pool in ("InUse", "Available") for job in self.jobs.values())

    def listed(self, pool: str) -> set[str]:
        return {name for name, job in self.jobs.items() if job.pool == pool}
