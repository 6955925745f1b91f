"""Warm pools: statuses, keep-alive, quota, the 28 days, and the race while a job still ends."""

from dataclasses import replace

import pytest

from warmfold_local.modelled.matching import ClusterKey
from warmfold_local.modelled.pools import MAX_LIFE_SECONDS, Pools, PoolState, PoolStatus
from warmfold_local.modelled.quotas import QuotaExceeded, Quotas

TYPE = "ml.m5.large"
KEY = ClusterKey(role_arn="fold", instance_type=TYPE, instance_count=1, volume_gib=1)


def pools(pooled: int = 10, training: int = 100) -> Pools:
    limits = {f"{TYPE} for training warm pool usage": pooled}
    return Pools(Quotas({**limits, f"{TYPE} for training job usage": training}))


def status(state: PoolState | None) -> str | None:
    return None if state is None else state.status.value


def test_a_pool_is_in_use_then_available_then_reused() -> None:
    account = pools()
    first = account.start("a", KEY, 60, 0.0)
    assert (first.reused, status(account.state("a", 5.0))) == (None, "InUse")
    assert account.end("a", 10.0) == PoolState("a", 1, PoolStatus.AVAILABLE, 0)
    assert account.state("a", 40.0) == PoolState("a", 1, PoolStatus.AVAILABLE, 30)
    second = account.start("b", KEY, 60, 45.5)
    assert second.cluster == first.cluster
    assert second.reused == PoolState("a", 1, PoolStatus.REUSED, 36, "b")
    assert (account.state("a", 50.0), status(account.state("b", 50.0))) == (None, "InUse")


def test_a_job_that_is_still_ending_is_not_matched() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)  # Stopping or Uploading: its end has not come
    second = account.start("b", KEY, 60, 10.0)
    assert (second.cluster, second.reused) == (2, None)
    assert account.used(TYPE) == 2


def test_the_race_may_exceed_the_quota() -> None:
    account = pools(training=1)
    account.start("a", KEY, 60, 0.0)
    with pytest.raises(QuotaExceeded):
        account.start("b", KEY, 60, 10.0)
    account.end("a", 11.0)
    assert account.start("b", KEY, 60, 12.0).cluster == 1


def test_a_pool_ends_when_its_period_is_over_and_not_before() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    account.end("a", 10.0)
    assert account.expire(69.9) == []
    assert account.expire(500.0) == [PoolState("a", 1, PoolStatus.TERMINATED, 60)]
    assert account.expire(501.0) == []
    assert account.start("b", KEY, 60, 502.0).reused is None


def test_a_pool_whose_time_is_over_is_not_matched_even_before_it_was_expired() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    account.end("a", 10.0)
    assert account.start("b", KEY, 60, 70.0).reused is None


def test_without_quota_the_period_is_silently_ignored() -> None:
    account = Pools()  # the quota of a new account is 0
    account.start("a", KEY, 3600, 0.0)
    assert account.state("a", 1.0) is None
    assert account.end("a", 10.0) is None
    assert account.start("b", KEY, 3600, 11.0).reused is None


def test_the_quota_counts_instances_of_pools_in_use_and_idle() -> None:
    account = pools(pooled=3)
    two = replace(KEY, instance_count=2)
    account.start("a", two, 60, 0.0)
    account.start("b", two, 60, 0.0)
    assert account.pooled(TYPE) == 2
    assert (status(account.state("a", 1.0)), account.state("b", 1.0)) == ("InUse", None)
    account.end("a", 2.0)
    account.start("c", KEY, 60, 3.0)
    assert account.pooled(TYPE) == 3


def test_a_reusing_job_without_a_period_ends_the_pool() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    account.end("a", 10.0)
    assert account.start("b", KEY, 0, 20.0).reused is not None
    assert account.end("b", 30.0) is None
    assert account.used(TYPE) == 0


def test_an_unhealthy_cluster_is_not_kept() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    assert account.end("a", 10.0, healthy=False) == PoolState("a", 1, PoolStatus.TERMINATED, 0)
    assert account.used(TYPE) == 0


def test_after_28_days_a_cluster_is_not_kept_and_before_only_until_then() -> None:
    account = pools()
    account.start("a", KEY, 3600, 0.0)
    account.end("a", MAX_LIFE_SECONDS - 100.0)
    assert account.state("a", MAX_LIFE_SECONDS - 1.0) is not None
    assert account.expire(MAX_LIFE_SECONDS + 0.0) == [PoolState("a", 1, PoolStatus.TERMINATED, 100)]
    account.start("b", KEY, 3600, 0.0)
    assert status(account.end("b", MAX_LIFE_SECONDS + 1.0)) == "Terminated"


def test_a_period_of_zero_ends_an_available_pool_at_once() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    account.end("a", 10.0)
    assert account.keep_alive("a", 0, 30.0) == PoolState("a", 1, PoolStatus.TERMINATED, 20)
    assert account.keep_alive("a", 60, 31.0) is None


def test_a_period_of_zero_ends_a_pool_in_use_with_its_job() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    assert status(account.keep_alive("a", 0, 5.0)) == "InUse"
    assert account.end("a", 10.0) == PoolState("a", 1, PoolStatus.TERMINATED, 0)


def test_a_longer_period_counts_from_when_the_pool_became_available() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    account.end("a", 10.0)
    assert status(account.keep_alive("a", 100, 50.0)) == "Available"
    assert account.expire(109.0) == []
    assert account.expire(110.0) == [PoolState("a", 1, PoolStatus.TERMINATED, 100)]


def test_a_patch_ends_only_an_available_pool() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    assert account.terminate("a", 5.0) is None
    account.end("a", 10.0)
    assert status(account.terminate("a", 12.0)) == "Terminated"
    assert account.start("b", KEY, 60, 13.0).reused is None


def test_an_idle_pool_counts_as_training_usage_unless_it_is_the_one_that_matches() -> None:
    account = pools(training=1)
    account.start("a", KEY, 60, 0.0)
    account.end("a", 10.0)
    with pytest.raises(QuotaExceeded, match="is 1 Instances, with current utilization of 1 "):
        account.start("b", replace(KEY, role_arn="other"), 60, 20.0)
    assert account.start("c", KEY, 60, 21.0).reused is not None


def test_a_job_is_placed_only_once() -> None:
    account = pools()
    account.start("a", KEY, 60, 0.0)
    with pytest.raises(ValueError, match="cluster already"):
        account.start("a", KEY, 60, 1.0)
