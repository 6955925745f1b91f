"""Any history of an account's pools keeps the promises of `pools`."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from warmfold_local.modelled.matching import ClusterKey
from warmfold_local.modelled.pools import MAX_LIFE_SECONDS, Pools, PoolState, PoolStatus
from warmfold_local.modelled.quotas import QuotaExceeded, Quotas

TYPE = "ml.m5.large"
KEYS = [
    ClusterKey(role_arn=role, instance_type=TYPE, instance_count=count, volume_gib=1)
    for role, count in (("fold", 1), ("other", 1), ("fold", 2))
]
PERIODS = st.sampled_from([0, 1, 30, 100, 3600])
LAST = (PoolStatus.REUSED, PoolStatus.TERMINATED)


class PoolMachine(RuleBasedStateMachine):
    """Keeps, beside the pools, what a strict bookkeeper would know from the answers alone."""

    @initialize(pooled=st.integers(0, 4), training=st.integers(2, 6))
    def open(self, pooled: int, training: int) -> None:
        names = (f"{TYPE} for training warm pool usage", f"{TYPE} for training job usage")
        self.quotas = (pooled, training)
        self.pools = Pools(Quotas(dict(zip(names, self.quotas, strict=True))))
        self.now = 1000.0
        self.jobs: dict[str, ClusterKey] = {}
        self.longest: dict[str, int] = {}  # the longest period a job ever had
        self.running: dict[str, int] = {}  # job and its cluster
        self.launched: dict[int, float] = {}
        self.final: dict[str, PoolState] = {}

    def note(self, state: PoolState | None) -> None:
        if state is None:
            return
        assert state.job not in self.final, "a pool goes on after its end"
        assert 0 <= state.retained_seconds <= self.longest[state.job]
        if state.status in LAST:
            self.final[state.job] = state

    def available(self) -> dict[str, PoolState]:
        states = self.pools.states(self.now)
        return {s.job: s for s in states if s.status is PoolStatus.AVAILABLE}

    @rule(seconds=st.sampled_from([0.0, 0.5, 20.0, 90.0, 3600.0, MAX_LIFE_SECONDS / 2]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for state in self.pools.expire(self.now):
            assert state.status is PoolStatus.TERMINATED
            self.note(state)

    @rule(key=st.sampled_from(KEYS), period=PERIODS)
    def start(self, key: ClusterKey, period: int) -> None:
        job = f"job-{len(self.jobs)}"
        idle = self.available()
        matching = [s for s in idle.values() if self.jobs[s.job] == key]
        try:
            start = self.pools.start(job, key, period, self.now)
        except QuotaExceeded:
            assert not matching
            return
        self.jobs[job], self.longest[job] = key, period
        assert start.cluster not in self.running.values(), "two jobs in one cluster"
        assert (start.reused is not None) == bool(matching)
        if start.reused is not None:
            assert start.reused.reused_by == job
            assert start.reused.cluster == start.cluster
            assert self.jobs[start.reused.job] == key
            assert self.now - self.launched[start.cluster] < MAX_LIFE_SECONDS
            self.note(start.reused)
        else:
            assert start.cluster not in self.launched
            self.launched[start.cluster] = self.now
        self.running[job] = start.cluster

    @rule(data=st.data(), healthy=st.booleans())
    def end(self, data: st.DataObject, healthy: bool) -> None:
        if self.running:
            job = data.draw(st.sampled_from(sorted(self.running)))
            del self.running[job]
            state = self.pools.end(job, self.now, healthy=healthy)
            assert healthy or state is None or state.status is PoolStatus.TERMINATED
            self.note(state)

    @rule(data=st.data(), period=PERIODS)
    def change(self, data: st.DataObject, period: int) -> None:
        if self.jobs:
            job = data.draw(st.sampled_from(sorted(self.jobs)))
            was_available = job in self.available()
            self.longest[job] = max(self.longest[job], period)
            state = self.pools.keep_alive(job, period, self.now)
            if was_available and period == 0:
                assert state is not None
                assert state.status is PoolStatus.TERMINATED
            self.note(state)

    @rule(data=st.data())
    def patch(self, data: st.DataObject) -> None:
        if self.jobs:
            job = data.draw(st.sampled_from(sorted(self.jobs)))
            was_available = job in self.available()
            state = self.pools.terminate(job, self.now)
            assert (state is not None) == was_available
            self.note(state)

    @invariant()
    def quotas_hold(self) -> None:
        pooled, training = self.quotas
        assert self.pools.pooled(TYPE) <= pooled
        assert self.pools.used(TYPE) <= training
        running = sum(self.jobs[job].instance_count for job in self.running)
        idle = sum(self.jobs[job].instance_count for job in self.available())
        assert self.pools.used(TYPE) == running + idle

    @invariant()
    def clusters_are_held_once(self) -> None:
        states = self.pools.states(self.now)
        idle = [s.cluster for s in states if s.status is PoolStatus.AVAILABLE]
        held = [*idle, *self.running.values()]
        assert len(held) == len(set(held))
        for state in states:
            assert state.retained_seconds <= self.longest[state.job]
            assert (state.status is PoolStatus.IN_USE) == (state.job in self.running)


PoolMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPoolMachine = PoolMachine.TestCase
