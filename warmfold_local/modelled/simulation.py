"""Hours of tuning on virtual time: slots, starts, pools, quotas and rates.

A tuning job keeps ``parallel_trials`` slots busy. A trial either trains in its own job, or
creates ``folds`` training jobs with a keep-alive period and waits for them, looking every
``poll_seconds``. With ``amt_reuse`` a slot's first trial starts cold and the later ones warm;
the fold jobs follow the rules of `pools`.
"""

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

from warmfold_local.modelled.clock import Clock, Process, Signal
from warmfold_local.modelled.matching import ClusterKey
from warmfold_local.modelled.pools import Pools, PoolState, Start
from warmfold_local.modelled.quotas import QuotaExceeded, Quotas, Use, quota_name
from warmfold_local.modelled.rates import RateLimits
from warmfold_local.modelled.workload import Workload

_CREATE, _LIST = "CreateTrainingJob", "ListTrainingJobs"


@dataclass(kw_only=True)
class Outcome:
    """What a replay came to. Seconds by instance type are instance-seconds."""

    wall_seconds: float = 0.0
    jobs: int = 0
    cold_starts: int = 0
    warm_starts: int = 0
    refused_by_quota: int = 0
    billed_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    retained_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def simulate(work: Workload) -> Outcome:
    """Replay the workload; the time that pools are still kept after the end is billed too."""
    run = _Run(work)
    run.clock.spawn(run.campaign())
    run.clock.run()
    run.retain(run.pools.expire(float("inf")))
    return run.outcome


class _Run:
    def __init__(self, work: Workload) -> None:
        self.work = work
        self.clock = Clock()
        self.outcome = Outcome()
        self.rates = RateLimits({_CREATE: work.create_rate, _LIST: work.list_rate})
        pool_quota = quota_name(work.instance_type, Use.WARM_POOL)
        training_quota = quota_name(work.instance_type, Use.TRAINING)
        self.folds_created = 0
        self.pools = Pools(
            Quotas({pool_quota: work.warm_pool_quota, training_quota: work.training_quota})
        )
        self.key = ClusterKey(
            role_arn="fold",
            instance_type=work.instance_type,
            instance_count=work.instance_count,
            volume_gib=1,
        )

    def campaign(self) -> Process:
        jobs = iter(range(self.work.tuning_jobs))
        lanes = [self.clock.spawn(self.lane(jobs)) for _ in range(self.work.parallel_tuning_jobs)]
        yield from lanes
        self.outcome.wall_seconds = self.clock.now

    def lane(self, jobs: Iterator[int]) -> Process:
        for _ in jobs:
            yield self.work.tuning_job_overhead_seconds
            trials = iter(range(self.work.trials))
            yield from [
                self.clock.spawn(self.slot(trials)) for _ in range(self.work.parallel_trials)
            ]

    def slot(self, trials: Iterator[int]) -> Process:
        work, warm = self.work, False
        for _ in trials:
            if not work.by_tuning_job:
                yield from self.folds()
            elif work.folds == 1:
                yield from self.job(warm, work.instance_type, work.instance_count, self.trained())
            else:
                yield from self.job(warm, work.trial_instance_type, 1, self.folds())
            warm = work.amt_reuse

    def job(self, warm: bool, instance_type: str, count: int, content: Process) -> Process:
        """One job: its start, what it does, its bill, which leaves out the provisioning."""
        work, outcome = self.work, self.outcome
        outcome.jobs += 1
        outcome.warm_starts += warm
        outcome.cold_starts += not warm
        yield work.warm_start_seconds if warm else work.cold_start_seconds
        begun = self.clock.now
        yield from content
        billed_start = work.warm_start_seconds if warm else work.image_pull_seconds
        outcome.billed_seconds[instance_type] += (self.clock.now - begun + billed_start) * count

    def trained(self) -> Process:
        yield self.work.train_seconds + self.work.upload_seconds

    def folds(self) -> Process:
        """A trial's jobs, all at once; a trial that is a job itself asks for their ends."""
        begun, poll = self.clock.now, self.work.poll_seconds
        jobs = [self.clock.spawn(self.fold()) for _ in range(self.work.folds)]
        if not self.work.by_tuning_job:
            yield from jobs
            return
        while not all(job.fired for job in jobs):
            looks = (self.clock.now - begun) // poll + 1
            yield max(0.0, begun + looks * poll - self.clock.now)
            yield from self.call(_LIST)

    def fold(self) -> Process:
        self.folds_created += 1
        name = f"fold-{self.folds_created}"
        start = yield from self.placed(name)
        warm = start.reused is not None
        yield from self.job(warm, self.work.instance_type, self.work.instance_count, self.trained())
        self.pools.end(name, self.clock.now)

    def placed(self, name: str) -> "Generator[float | Signal, None, Start]":
        """Create the job; again after a while if the account's quota has no room."""
        while True:
            yield from self.call(_CREATE)
            self.retain(self.pools.expire(self.clock.now))
            try:
                start = self.pools.start(
                    name, self.key, self.work.keep_alive_seconds, self.clock.now
                )
            except QuotaExceeded:
                self.outcome.refused_by_quota += 1
                yield self.work.quota_retry_seconds
                continue
            self.retain([start.reused] if start.reused is not None else [])
            return start

    def call(self, api: str) -> Process:
        """Wait until the account may call this API, and call it."""
        while not self.rates.take(api, self.clock.now):
            yield self.rates.delay(api, self.clock.now)

    def retain(self, ended: Iterable[PoolState]) -> None:
        seconds = sum(state.retained_seconds for state in ended) * self.work.instance_count
        self.outcome.retained_seconds[self.work.instance_type] += seconds
