"""How an endpoint's rate is found: by stages that end in time, and by those within limits only."""

import itertools
import math
import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold.runs.request_rate import MOST_ASKERS, Stage, borne_rate, scaling_target, stages

SECOND = 1.0


def stage(*latencies: float, askers: int = 1, failures: int = 0, seconds: float = SECOND) -> Stage:
    return Stage(askers=askers, seconds=seconds, failures=failures, latencies_seconds=latencies)


def test_the_slowest_hundredth_is_told_from_the_rest() -> None:
    usual = [0.01] * 99
    assert stage(*usual, 5.0).p99_seconds < 0.1
    assert stage(*usual, 5.0, 5.0).p99_seconds > 4.9
    assert stage(0.3).p99_seconds == 0.3
    assert stage(failures=3).p99_seconds == math.inf


@pytest.mark.parametrize(
    "found, rate",
    [
        ([stage(0.1, 0.1)], 2.0),
        ([stage(0.1, 0.1, seconds=4.0)], 0.5),
        ([stage(0.1), stage(0.1, 0.1, 0.1), stage(0.1, 0.1)], 3.0),
        ([stage(0.1), stage(0.1, 0.1, failures=1)], 1.0),
        ([stage(0.1), stage(0.3, 0.3, 0.3)], 1.0),
        ([stage(0.3)], None),
        ([stage(failures=2)], None),
        ([], None),
    ],
)
def test_the_greatest_rate_within_the_limits_is_what_is_borne(
    found: Sequence[Stage], rate: float | None
) -> None:
    assert borne_rate(found, 0.2) == rate


@given(
    rate=st.floats(0.001, 1e5),
    instances=st.integers(1, 100),
    safety=st.floats(0.01, 1.0),
)
def test_scaling_keeps_a_share_of_what_one_instance_bears_in_a_minute(
    rate: float, instances: int, safety: float
) -> None:
    target = scaling_target(rate, instances, safety)
    borne_in_a_minute = rate * 60 / instances
    assert target >= 1
    assert target == 1 or target <= borne_in_a_minute * safety * (1 + 1e-12)
    assert target + 1 > borne_in_a_minute * safety * (1 - 1e-12)


def test_aws_example_of_a_safety_factor() -> None:
    """20 requests a second and a factor of 0.5 are 600 invocations a minute."""
    assert scaling_target(20.0, 1, 0.5) == 600


def test_stages_double_until_a_request_fails() -> None:
    def ask(number: int) -> bool:
        """An endpoint that answers at once, and not the fourth asker of four."""
        time.sleep(0.001)
        return threading.active_count() < before + 4

    before = threading.active_count()
    found = list(itertools.islice(stages(ask, seconds=0.05, latency_seconds=60.0), 4))
    assert [each.askers for each in found][:2] == [1, 2]
    assert found[-1].failures > 0 or found[-1].rate < found[-2].rate * 1.05
    assert all(each.failures == 0 for each in found[:-1])


def test_an_endpoint_that_fails_at_once_is_asked_by_nobody_else() -> None:
    def ask(_: int) -> bool:
        time.sleep(0.001)
        return False

    (only,) = stages(ask, seconds=0.02, latency_seconds=60.0)
    assert (only.askers, only.latencies_seconds, only.rate) == (1, [], 0.0)
    assert only.failures > 0


def test_an_endpoint_that_is_slow_at_once_is_asked_by_nobody_else() -> None:
    def ask(_: int) -> bool:
        time.sleep(0.02)
        return True

    (only,) = stages(ask, seconds=0.03, latency_seconds=0.001)
    assert only.askers == 1
    assert borne_rate([only], 0.001) is None


def test_where_one_place_answers_more_askers_bring_nothing() -> None:
    place = threading.Lock()

    def ask(_: int) -> bool:
        with place:
            time.sleep(0.005)
        return True

    found = list(stages(ask, seconds=0.1, latency_seconds=60.0))
    assert found[-1].askers < MOST_ASKERS
    assert found[-1].rate < found[-2].rate * 1.05


def test_every_applicant_is_asked_about() -> None:
    """Askers share out the numbers, so that none of them is asked twice at a stage."""
    seen = list[int]()

    def ask(number: int) -> bool:
        seen.append(number)
        time.sleep(0.001)
        return len(seen) < 40

    list(itertools.islice(stages(ask, seconds=0.02, latency_seconds=60.0), 1))
    assert seen == list(range(len(seen)))
