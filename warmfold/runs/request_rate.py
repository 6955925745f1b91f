"""How many requests a second an endpoint bears, found by asking it more and more at a time."""

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

# More askers at a time only wait longer once the rate grows by less than this.
_GROWTH = 1.05
MOST_ASKERS = 256
_SECONDS_A_MINUTE = 60

# Sends one request, the n-th of its asker; false if it failed.
Ask = Callable[[int], bool]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What so many askers at a time, each waiting for its answer, came to.

    ``latencies_seconds`` are those of the requests that did not fail.
    """

    askers: int
    seconds: float
    failures: int
    latencies_seconds: Sequence[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_seconds) / self.seconds

    @property
    def p99_seconds(self) -> float:
        """Infinite without an answer; of fewer than 100 answers the slowest."""
        found = self.latencies_seconds
        if len(found) < 2:
            return found[0] if found else math.inf
        return statistics.quantiles(found, n=100, method="inclusive")[98]

    def is_borne(self, latency_seconds: float) -> bool:
        return self.failures == 0 and self.p99_seconds <= latency_seconds


def stages(ask: Ask, *, seconds: float, latency_seconds: float) -> Iterator[Stage]:
    """One asker, then two, four and so on, each stage for ``seconds``.

    Ends after the first stage that has a failure or takes too long, that brings no more answers
    than the one before, or that has ``MOST_ASKERS``.
    """
    best, askers = 0.0, 1
    while True:
        stage = _stage(ask, askers, seconds)
        yield stage
        grows = stage.rate >= best * _GROWTH
        if not stage.is_borne(latency_seconds) or not grows or askers >= MOST_ASKERS:
            return
        best, askers = stage.rate, askers * 2


def borne_rate(found: Sequence[Stage], latency_seconds: float) -> float | None:
    """The greatest rate within the limits; ``None`` if already one asker is too many."""
    return max((s.rate for s in found if s.is_borne(latency_seconds)), default=None)


def scaling_target(rate: float, instances: int, safety: float) -> int:
    """Invocations per instance and minute that scaling is to keep: the rate that one instance
    bears, times ``safety``, times 60 (SageMaker developer guide, "Load testing your auto scaling
    configuration", which starts with a safety factor of 0.5)."""
    return max(1, math.floor(rate / instances * safety * _SECONDS_A_MINUTE))


def _stage(ask: Ask, askers: int, seconds: float) -> Stage:
    begun = time.perf_counter()
    until = begun + seconds
    with ThreadPoolExecutor(askers) as threads:
        results = list(threads.map(lambda first: _asked(ask, first, askers, until), range(askers)))
    taken = time.perf_counter() - begun
    return Stage(
        askers=askers,
        seconds=taken,
        failures=sum(failures for failures, _ in results),
        latencies_seconds=[latency for _, own in results for latency in own],
    )


def _asked(ask: Ask, first: int, step: int, until: float) -> tuple[int, list[float]]:
    """Of one asker: how many failed, and how long the others took."""
    failures, latencies = 0, list[float]()
    for number in itertools.count(first, step):
        begun = time.perf_counter()
        if begun >= until:
            break
        if ask(number):
            latencies.append(time.perf_counter() - begun)
        else:
            failures += 1
    return failures, latencies
