"""Quotas with AWS's texts, token buckets, and the file that sets both."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.modelled.limits import Limits, LimitsError, parse_limits
from warmfold_local.modelled.matching import ClusterKey
from warmfold_local.modelled.pools import Pools
from warmfold_local.modelled.quotas import QuotaExceeded, Quotas, Total, Use
from warmfold_local.modelled.rates import DOCUMENTED, RateLimits, TokenBucket

TYPE = "ml.m5.large"


def test_only_warm_pools_have_a_quota_by_default_and_it_is_zero() -> None:
    quotas = Quotas()
    assert {use: quotas.limit(TYPE, use) for use in Use} == {
        Use.TRAINING: None,
        Use.PROCESSING: None,
        Use.TRANSFORM: None,
        Use.ENDPOINT: None,
        Use.WARM_POOL: 0,
    }


def test_a_quota_is_of_one_type_and_one_use() -> None:
    quotas = Quotas({"ml.m5.large for processing job usage": 2})
    quotas.require(TYPE, Use.PROCESSING, 1, 1)
    quotas.require("ml.m5.xlarge", Use.PROCESSING, 100, 100)
    quotas.require(TYPE, Use.TRAINING, 100, 100)
    with pytest.raises(QuotaExceeded) as refused:
        quotas.require(TYPE, Use.PROCESSING, 1, 2)
    assert str(refused.value) == (
        "The account-level service limit 'ml.m5.large for processing job usage' is 2 Instances, "
        "with current utilization of 1 Instances and a request delta of 2 Instances. "
        "Please contact AWS support to request an increase for this limit."
    )


def test_a_bucket_allows_a_burst_of_one_second_and_then_its_rate() -> None:
    bucket = TokenBucket(5)
    assert [bucket.take(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.delay(0.0) == pytest.approx(0.2)
    assert bucket.take(0.2)
    assert not bucket.take(0.3)
    assert [bucket.take(60.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_slow_rate_still_allows_a_single_call() -> None:
    bucket = TokenBucket(0.5)
    assert bucket.take(0.0)
    assert (bucket.take(1.0), bucket.take(2.0)) == (False, True)


@given(
    st.floats(0.1, 20),
    st.lists(st.floats(0, 5, allow_subnormal=False), min_size=1, max_size=60),
)
def test_in_no_stretch_of_time_are_more_calls_allowed_than_burst_and_rate(
    rate: float, gaps: list[float]
) -> None:
    bucket, now, taken = TokenBucket(rate), 0.0, []
    for gap in gaps:
        now += gap
        while bucket.take(now):
            taken.append(now)
    for first, begin in enumerate(taken):
        for last, end in enumerate(taken[first:], start=first):
            assert last - first + 1 <= max(1.0, rate) + rate * (end - begin) + 1e-5


@given(st.floats(0.1, 20), st.integers(1, 40))
def test_who_waits_as_long_as_told_is_let_through(rate: float, calls: int) -> None:
    bucket, now = TokenBucket(rate), 0.0
    for _ in range(calls):
        now += bucket.delay(now)
        assert bucket.take(now)


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_is_above_zero(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        TokenBucket(rate)


def test_each_api_has_a_bucket_of_its_own_and_others_none() -> None:
    rates = RateLimits({"CreateTrainingJob": 1})
    assert rates.take("CreateTrainingJob", 0.0)
    assert not rates.take("CreateTrainingJob", 0.0)
    assert all(rates.take("ListTrainingJobs", 0.0) for _ in range(100))
    assert rates.delay("ListTrainingJobs", 0.0) == 0


def test_the_documented_rates_are_those_of_the_general_reference() -> None:
    assert [DOCUMENTED[f"{verb}TrainingJob"] for verb in ("Create", "Describe", "Stop")] == [
        1,
        5,
        1,
    ]
    assert DOCUMENTED["ListTrainingJobs"] == 2
    assert "CreateHyperParameterTuningJob" not in DOCUMENTED


def test_the_documented_account_quotas_are_those_of_the_general_reference() -> None:
    totals = parse_limits({"account": "documented"}).quotas.totals
    assert totals["Number of instances across all training jobs"] == 4
    assert totals["Maximum number of instances per training job"] == 20
    assert totals["Maximum number of concurrent pipeline executions allowed per account"] == 20
    assert set(totals) == {total.value for total in Total}


def test_a_cluster_may_not_exceed_what_a_job_or_an_account_may_have() -> None:
    quotas = Quotas(totals={Total.TRAINING_JOB: 2, Total.TRAINING: 3})
    pools = Pools(quotas)
    two = ClusterKey(role_arn="r", instance_type=TYPE, instance_count=2, volume_gib=1)
    with pytest.raises(QuotaExceeded, match="per training job' is 2 Instances"):
        pools.start("wide", replace(two, instance_count=3), 0, 0.0)
    pools.start("first", two, 0, 0.0)
    with pytest.raises(QuotaExceeded, match="all training jobs' is 3 Instances"):
        pools.start("second", replace(two, instance_type="ml.c5.xlarge"), 0, 0.0)


def test_a_file_sets_quotas_and_rates() -> None:
    limits = parse_limits(
        {"quotas": {"ml.m5.large for training job usage": 3}, "rates": {"ListModels": 0.5}}
    )
    assert limits.quotas.limit(TYPE, Use.TRAINING) == 3
    assert limits.rates == {"ListModels": 0.5}
    assert parse_limits({"rates": "documented"}).rates == DOCUMENTED
    assert parse_limits({}) == Limits()


@pytest.mark.parametrize(
    "values, said",
    [
        ([], "JSON object"),
        ({"quota": {}}, "unknown key 'quota'"),
        ({"quotas": []}, '"quotas" must be an object'),
        ({"quotas": {"ml.m5.large": 1}}, "quota 'ml.m5.large': write"),
        ({"quotas": {"large for endpoint usage": 1}}, "write 'INSTANCE_TYPE for USE'"),
        ({"quotas": {"ml.m5.large for endpoint usage": 1.5}}, "whole number, 0 or more"),
        ({"quotas": {"ml.m5.large for endpoint usage": True}}, "whole number, 0 or more"),
        ({"quotas": {"ml.m5.large for endpoint usage": -1}}, "whole number, 0 or more"),
        ({"account": "aws"}, '"account" must be "documented"'),
        ({"account": {"Instances": 1}}, "quota 'Instances' is none of: Number of instances"),
        ({"account": {Total.PIPELINES.value: -1}}, "must be a whole number, 0 or more"),
        ({"rates": "aws"}, '"rates" must be "documented"'),
        ({"rates": {"ListModels": 0}}, "rate 'ListModels': must be a number"),
        ({"rates": {"ListModels": "5"}}, "rate 'ListModels': must be a number"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place(values: object, said: str) -> None:
    with pytest.raises(LimitsError) as refused:
        parse_limits(values)
    assert said in str(refused.value)
