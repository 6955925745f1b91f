"""An endpoint's update under way: traffic moves to the new fleet step by step, or back.

One server stands for a variant, whatever its instance count: traffic is shared between the old
and the new one by chance.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import AccessDenied
from warmfold_local.sagemaker.fleet import Fleet
from warmfold_local.sagemaker.models import container_of
from warmfold_local.sagemaker.rollouts import Rollout

logger = logging.getLogger("warmfold_local")

# How soon an alarm is noticed.
_POLL_SECONDS = 0.5

Variants = list[dict[str, Any]]


class RolledBack(Exception):
    """The update is not to go on; the message is the endpoint's ``FailureReason``."""


@dataclass(frozen=True)
class Shift:
    """The fleet that comes, what DescribeEndpoint will say of it, and its share of the traffic."""

    fleet: Fleet
    variants: Variants
    share: float


def serving(record: Record) -> tuple[Fleet | None, Variants]:
    """The fleet that answers the next request: by chance, while traffic shifts."""
    shift: Shift | None = record.get("_shift")
    if shift is not None and random.random() < shift.share:  # noqa: S311 (traffic split)
        return shift.fleet, shift.variants
    return record.get("_fleet"), record.get("ProductionVariants", [])


def shift_traffic(
    cloud: Cloud, record: Record, fleet: Fleet, variants: Variants, rollout: Rollout
) -> None:
    """Returns once all traffic goes to ``fleet``, and the old one may end.

    Raises ``RolledBack`` if an alarm fires or the time is over; then the old fleet has it all.
    """
    deadline = time.monotonic() + rollout.limit_seconds
    _require_readable(cloud, fleet, rollout.alarms)
    try:
        for share in rollout.shares:
            with cloud.lock:
                record["_shift"] = Shift(fleet, variants, share)
            last = share == rollout.shares[-1]
            wait = rollout.last_wait_seconds if last else rollout.wait_seconds
            _bake(cloud, rollout.alarms, wait, deadline)
    except RolledBack:
        with cloud.lock:
            record.pop("_shift", None)
            record |= {"EndpointStatus": "RollingBack", "LastModifiedTime": cloud.now()}
        raise


def _bake(cloud: Cloud, alarms: tuple[str, ...], seconds: float, deadline: float) -> None:
    """Wait, with an eye on the alarms: at least one look, also without any wait."""
    ends_at = time.monotonic() + seconds
    while True:
        _require_quiet(cloud, alarms)
        now = time.monotonic()
        if now >= deadline:
            raise RolledBack("The deployment took longer than MaximumExecutionTimeoutInSeconds.")
        if now >= ends_at or cloud.stopping.wait(min(_POLL_SECONDS, ends_at - now)):
            return


def _require_readable(cloud: Cloud, fleet: Fleet, alarms: tuple[str, ...]) -> None:
    """The execution role of each model must be allowed to look at each alarm.

    AWS says so without saying what becomes of an update whose role is not: here it ends.
    """
    for variant in fleet.config["ProductionVariants"]:
        acting = cloud.acting_as(container_of(cloud, variant["ModelName"]).role_arn)
        if acting.identity is None or acting.access is None:
            continue
        for alarm in alarms:
            try:
                acting.access.use(
                    acting.identity, "rollback alarms", cloud.arn(f"alarm:{alarm}", "cloudwatch")
                )
            except AccessDenied as error:
                raise RolledBack(f"The alarm {alarm} cannot be watched: {error.message}") from error


def _require_quiet(cloud: Cloud, alarms: tuple[str, ...]) -> None:
    if not alarms:
        return
    firing = sorted(name for name, state in _states(cloud, alarms).items() if state == "ALARM")
    if firing:
        raise RolledBack(
            f"The alarm(s) {', '.join(firing)} went into the ALARM state: the deployment was "
            "rolled back."
        )


def _states(cloud: Cloud, alarms: tuple[str, ...]) -> dict[str, str]:
    """Of the alarms that there are. An alarm that cannot be looked at does not fire."""
    look: Callable[..., Any] = cloud.client("cloudwatch").describe_alarms
    try:
        answer = look(AlarmNames=list(alarms), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    except (BotoCoreError, ClientError):
        logger.exception("the alarms %s could not be looked at", ", ".join(alarms))
        return {}
    found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
