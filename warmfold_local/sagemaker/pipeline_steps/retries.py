"""Retry policies of a step: which failures are tried again, when, and how often."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from warmfold_local.sagemaker.pipeline_definition import RETRYABLE_TYPES
from warmfold_local.sagemaker.pipeline_steps.base import (
    JOB_INTERNAL_ERROR,
    SERVICE_FAULT,
    THROTTLING,
    Executor,
    Outputs,
    StepFailedError,
    StepRun,
)

# Defaults and the types retried without being named: developer guide, "Retry policy for
# pipeline steps".
_INTERVAL_SECONDS = 1.0
_BACKOFF_RATE = 2.0
_MAX_ATTEMPTS = 5
_RETRIED_BY_DEFAULT = (SERVICE_FAULT, THROTTLING)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """``max_attempts`` counts the attempts after the first one."""

    exceptions: tuple[str, ...]
    interval_seconds: float = _INTERVAL_SECONDS
    backoff_rate: float = _BACKOFF_RATE
    max_attempts: int = _MAX_ATTEMPTS
    expire_after_seconds: float | None = None

    def waits(self) -> Iterator[float]:
        """Seconds before each further attempt."""
        wait = self.interval_seconds
        started = time.monotonic()
        count = 0
        while self._may_go_on(count, started, wait):
            yield wait
            wait *= self.backoff_rate
            count += 1

    def _may_go_on(self, count: int, started: float, wait: float) -> bool:
        """A wait beyond the end of the period would be for nothing: it is not begun."""
        if self.expire_after_seconds is not None:
            return time.monotonic() + wait - started < self.expire_after_seconds
        return count < self.max_attempts


def policies_of(body: Mapping[str, Any], step_type: str) -> tuple[RetryPolicy, ...]:
    """The step's policies and, after them, the service's own."""
    if step_type not in RETRYABLE_TYPES:
        return ()
    listed = [_policy(values) for values in body.get("RetryPolicies") or []]
    return (*listed, RetryPolicy(exceptions=_RETRIED_BY_DEFAULT))


def run_with_retries(run: StepRun, executor: Executor) -> Outputs:
    """Execute the step, again as long as a policy says so; each attempt makes a new resource."""
    policies = policies_of(run.step.body, run.step.type)
    waits: dict[RetryPolicy, Iterator[float]] = {}
    while True:
        run.pause(0)  # not begun at all if the execution is being stopped already
        try:
            return executor(run)
        except StepFailedError as failure:
            policy = _matching(policies, failure, run.step.type)
            if policy is None:
                raise
            wait = next(waits.setdefault(policy, policy.waits()), None)
            if wait is None:
                raise
        run.pause(wait)
        with run.cloud.lock:
            run.record["AttemptCount"] += 1


def _matching(
    policies: tuple[RetryPolicy, ...], failure: StepFailedError, step_type: str
) -> RetryPolicy | None:
    # A tuning job retries its trials itself (RetryStrategy), so the step does not.
    if failure.retry_as == JOB_INTERNAL_ERROR and step_type in ("Tuning", "AutoML"):
        return None
    return next((p for p in policies if failure.retry_as in p.exceptions), None)


def _policy(values: Mapping[str, Any]) -> RetryPolicy:
    named = values.get("ExceptionType", [])
    expire = values.get("ExpireAfterMin")
    return RetryPolicy(
        exceptions=(named,) if isinstance(named, str) else tuple(named),
        interval_seconds=float(values.get("IntervalSeconds", _INTERVAL_SECONDS)),
        backoff_rate=float(values.get("BackoffRate", _BACKOFF_RATE)),
        max_attempts=int(values.get("MaxAttempts", _MAX_ATTEMPTS)),
        expire_after_seconds=None if expire is None else float(expire) * 60,
    )
