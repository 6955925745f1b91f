"""Calling an API whose rates all trials of an account share, without a word between them.

Everything that waits here is a generator that yields the seconds it wants to wait and returns its
answer: a trial sleeps them, a model of many trials passes them on virtual time.
"""

import logging
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random
from typing import TypeVar

from warmfold_contract.errors import UserError

LOGGER = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Waiting = Generator[float, None, Answer]


class Refusal(Enum):
    """What a failed call means to the caller."""

    THROTTLED = auto()
    UNANSWERED = auto()  # the connection broke or the service failed: it may have been done
    QUOTA = auto()  # ResourceLimitExceeded
    TAKEN = auto()  # a job of this name exists
    GONE = auto()  # there is no such job, or it has ended
    OTHER = auto()


class CallError(Exception):
    """A call that was not answered with success; the message has AWS's own code and words."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class FanOutError(UserError):
    """Why a trial cannot have all its folds."""


# Calls a second of an account in a region, shared by all its trials and not adjustable (AWS
# general reference, SageMaker quotas): one trial alone never asks faster.
_RATES = {
    "CreateTrainingJob": 1.0,
    "DescribeTrainingJob": 5.0,
    "ListTrainingJobs": 2.0,
    "StopTrainingJob": 1.0,
}
_DEFAULT_RATE = 10.0


@dataclass(frozen=True, kw_only=True)
class _Spacing:
    """How far apart one trial's calls of an operation are: ``farther`` times as far after a
    refusal, up to ``longest`` seconds, and closer by ``nearer`` after an answer. Found by
    `benchmarks/fan_out.py`."""

    farther: float = 1.5
    nearer: float = 3.0
    longest: float = 12.0


_SPACINGS = {
    "ListTrainingJobs": _Spacing(farther=2.0, nearer=1.2, longest=60.0),
    # A stop has to be through before SIGKILL.
    "StopTrainingJob": _Spacing(longest=4.0),
}
_DEFAULT_SPACING = _Spacing()


@dataclass(eq=False)
class Caller:
    """One trial's calls, farther apart after a refusal, closer after an answer: ``_Spacing``.

    ``attempts`` and ``throttled`` count calls by operation. ``clock`` gives seconds.
    """

    clock: Callable[[], float]
    random: Random
    attempts: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    _interval: dict[str, float] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)

    def call(
        self, operation: str, function: Callable[[], Answer], *, within_seconds: float
    ) -> Waiting[Answer]:
        """What ``function`` answers, tried again while it is throttled or not answered.

        Raises ``CallError`` for every other refusal at once, and ``FanOutError`` naming the
        operation when the time is over.
        """
        begun, tries = self.clock(), 0
        while True:
            wait = self._due.get(operation, 0.0) - self.clock()
            if wait > 0:
                yield wait
            tries += 1
            self.attempts[operation] += 1
            try:
                answer = function()
            except CallError as error:
                if error.refusal not in (Refusal.THROTTLED, Refusal.UNANSWERED):
                    raise
                self._refused(operation, error, tries)
                if self._due[operation] > begun + within_seconds:
                    seconds = self.clock() - begun
                    raise FanOutError(
                        f"{operation} did not succeed in {tries} attempts and {seconds:.0f} s: "
                        f"{error}"
                    ) from error
            else:
                self._answered(operation)
                return answer

    def _refused(self, operation: str, error: CallError, tries: int) -> None:
        self.throttled[operation] += error.refusal is Refusal.THROTTLED
        spacing = _SPACINGS.get(operation, _DEFAULT_SPACING)
        interval = min(spacing.longest, spacing.farther * self._spacing(operation))
        self._interval[operation] = interval
        # Full jitter: trials that were refused together do not come back together.
        wait = self.random.uniform(0.0, interval)
        self._due[operation] = self.clock() + wait
        LOGGER.info("%s, attempt %d: %s; again in %.1f s", operation, tries, error, wait)

    def _answered(self, operation: str) -> None:
        floor, spacing = _floor(operation), _SPACINGS.get(operation, _DEFAULT_SPACING)
        interval = max(floor, self._spacing(operation) / spacing.nearer)
        self._interval[operation] = interval
        self._due[operation] = self.clock() + self.random.uniform(floor, interval)

    def _spacing(self, operation: str) -> float:
        return self._interval.get(operation, _floor(operation))


def _floor(operation: str) -> float:
    return 1.0 / _RATES.get(operation, _DEFAULT_RATE)
