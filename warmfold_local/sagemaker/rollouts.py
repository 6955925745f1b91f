"""How an endpoint's update shifts traffic: a DeploymentConfig, checked, as shares and waits.

Sources: API reference (DeploymentConfig, BlueGreenUpdatePolicy, TrafficRoutingConfig,
RollingUpdatePolicy) and developer guide ("Deployment guardrails"). Alarms are watched after every
step, and after the last one for ``TerminationWaitInSeconds``, before the old fleet ends.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warmfold_local.errors import ValidationError

# "less than or equal to 50%" (CanarySize, MaximumBatchSize); "10-50%" (LinearStepSize); a batch
# is at least 5 %.
_MOST_PERCENT = 50
_LEAST_LINEAR_PERCENT, _LEAST_BATCH_PERCENT = 10, 5


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """``shares`` of the traffic that the new fleet gets, step by step up to 1.

    ``batch`` is the share of the new instances that exist beside the old ones: all of them in a
    blue/green update. ``limit_seconds`` is infinite without a limit.
    """

    shares: tuple[float, ...] = (1.0,)
    wait_seconds: float = 0.0
    last_wait_seconds: float = 0.0
    limit_seconds: float = math.inf
    batch: float = 1.0
    alarms: tuple[str, ...] = ()


def parse_rollout(config: Mapping[str, Any] | None, instances: int) -> Rollout:
    """``instances``: how many the new fleet has. Raises ``ValidationError``.

    Without a policy all traffic moves at once.
    """
    config = config or {}
    alarms = tuple(
        alarm["AlarmName"]
        for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
        if alarm.get("AlarmName") is not None
    )
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if blue_green is not None and rolling is not None:
        raise ValidationError(
            "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy may be specified."
        )
    if blue_green is not None:
        return _blue_green(blue_green, instances, alarms)
    return Rollout(alarms=alarms) if rolling is None else _rolling(rolling, instances, alarms)


def _blue_green(policy: Mapping[str, Any], instances: int, alarms: tuple[str, ...]) -> Rollout:
    traffic = policy["TrafficRoutingConfiguration"]
    wait, last = traffic["WaitIntervalInSeconds"], policy.get("TerminationWaitInSeconds", 0)
    limit = policy.get("MaximumExecutionTimeoutInSeconds", math.inf)
    shares = _shares(traffic, instances)
    if wait * (len(shares) - 1) + last >= limit:
        raise ValidationError(
            f"MaximumExecutionTimeoutInSeconds ({limit}) must be larger than the total waiting "
            f"time of TerminationWaitInSeconds and WaitIntervalInSeconds."
        )
    return Rollout(
        shares=shares,
        wait_seconds=wait,
        last_wait_seconds=last,
        limit_seconds=limit,
        alarms=alarms,
    )


def _rolling(policy: Mapping[str, Any], instances: int, alarms: tuple[str, ...]) -> Rollout:
    least = _LEAST_BATCH_PERCENT
    batch = _share(policy["MaximumBatchSize"], instances, "MaximumBatchSize", least)
    wait = policy["WaitIntervalInSeconds"]
    return Rollout(
        shares=_steps(batch),
        wait_seconds=wait,
        last_wait_seconds=wait,
        limit_seconds=policy.get("MaximumExecutionTimeoutInSeconds", math.inf),
        batch=batch,
        alarms=alarms,
    )


def _shares(traffic: Mapping[str, Any], instances: int) -> tuple[float, ...]:
    kind = traffic["Type"]
    needed = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
    for member in needed.values():
        if (traffic.get(member) is not None) != (needed.get(kind) == member):
            verb = "needs" if needed.get(kind) == member else "does not take"
            raise ValidationError(f"Traffic routing of type {kind} {verb} a {member}.")
    if kind == "CANARY":
        return (_share(traffic["CanarySize"], instances, "CanarySize", 0), 1.0)
    if kind == "LINEAR":
        step = traffic["LinearStepSize"]
        return _steps(_share(step, instances, "LinearStepSize", _LEAST_LINEAR_PERCENT))
    return (1.0,)


def _steps(step: float) -> tuple[float, ...]:
    count = math.ceil(1 / step - 1e-9)
    return (*(number * step for number in range(1, count)), 1.0)


def _share(size: Mapping[str, Any], instances: int, member: str, least_percent: int) -> float:
    percent = size["Type"] == "CAPACITY_PERCENT"
    share = size["Value"] / 100 if percent else size["Value"] / instances
    if not least_percent / 100 <= share <= _MOST_PERCENT / 100:
        raise ValidationError(
            f"{member} must be {least_percent} to {_MOST_PERCENT} percent of the variant's "
            f"instances: it is {size['Value']}{'%' if percent else f' of {instances}'}."
        )
    return float(share)
