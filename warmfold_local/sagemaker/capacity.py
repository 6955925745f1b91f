"""What an account may have at once, and how often it may ask: pools, quotas and rates, live.

The rules are those of `warmfold_local.modelled`, on the real clock. Limits come from
``limits.json`` in the state folder (see `modelled.limits`), read again when it has changed.
Without that file nothing is limited, except warm pools: their quota is 0 as in a new account, so
a keep-alive period is ignored without a word.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.modelled.limits import Limits, LimitsError, parse_limits
from warmfold_local.modelled.matching import cluster_key
from warmfold_local.modelled.pools import MAX_KEEP_ALIVE_SECONDS, Pools, PoolState, PoolStatus
from warmfold_local.modelled.quotas import QuotaExceeded, Total, Use
from warmfold_local.modelled.rates import RateLimits
from warmfold_local.sagemaker import warm_cache

LIMITS_FILE = "limits.json"

_TRAINING = "Training job"
_IN_FLIGHT = ("InProgress", "Stopping")

# A cluster is not kept after a failure that may have harmed its health (developer guide,
# train-warm-pools); the failures of the service's own are taken for such.
_UNHEALTHY = ("InternalServerError", "CapacityError")

# Table, status and the account's quota of the jobs that are counted as they run.
_COUNTED = {
    Use.PROCESSING: ("Processing job", "ProcessingJobStatus", Total.PROCESSING),
    Use.TRANSFORM: ("Transform job", "TransformJobStatus", Total.TRANSFORM),
}


@dataclass
class Capacity:
    """One cloud's pools and limits. All access holds the cloud's lock."""

    pools: Pools = field(default_factory=Pools)
    limits: Limits = field(default_factory=Limits)
    rates: RateLimits = field(default_factory=lambda: RateLimits({}))
    _stamp: tuple[int, int] | None = None

    def read(self, cloud: Cloud) -> None:
        """Raises ``ValidationError`` if the file cannot be used: no call passes by wrong limits."""
        path = cloud.settings.state_dir / LIMITS_FILE
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            limits = parse_limits(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            stamp, limits = None, Limits()
        except (OSError, ValueError) as error:  # LimitsError is a ValueError
            said = error if isinstance(error, LimitsError) else f"cannot be read: {error}"
            raise ValidationError(f"{path}: {said}; correct the file, or remove it") from error
        if (stamp, limits) != (self._stamp, self.limits):
            self._stamp, self.limits = stamp, limits
            self.pools.quotas = limits.quotas
            self.rates = RateLimits(limits.rates)


def _capacity(cloud: Cloud) -> Capacity:
    capacity = cloud.part(Capacity)
    capacity.read(cloud)
    return capacity


def throttle(cloud: Cloud, service: str, name: str) -> None:
    """Raises ``ThrottlingException`` if an operation is called more often than its rate allows."""
    if service != "sagemaker":
        return
    with cloud.lock:
        if not _capacity(cloud).rates.take(name, time.monotonic()):
            raise ServiceError("ThrottlingException", "Rate exceeded")


def admit(cloud: Cloud, resource: str, record: Record) -> None:
    """Find a place for a new job, of which nothing is to be seen yet.

    Raises ``ResourceLimitExceeded`` or ``ValidationError``. The caller holds the cloud's lock.
    """
    with _refusing():
        if resource == "training-job":
            _place(cloud, record)
        elif resource == "processing-job":
            _require(cloud, Use.PROCESSING, record["ProcessingResources"]["ClusterConfig"])
        elif resource == "transform-job":
            _require(cloud, Use.TRANSFORM, record["TransformResources"])


def admit_endpoint(cloud: Cloud, wanted: Iterable[Mapping[str, Any]]) -> None:
    """Raises ``ResourceLimitExceeded`` if these variants' instances are too many beside all others.

    While an endpoint is updated both of its fleets count.
    ``wanted`` have InstanceType and InstanceCount.
    """
    with _refusing(), cloud.lock:
        quotas, used = _capacity(cloud).limits.quotas, _endpoint_instances(cloud)
        asked = _counted(wanted)
        quotas.require_total(Total.ENDPOINT, sum(used.values()), sum(asked.values()))
        for kind, count in asked.items():
            quotas.require(kind, Use.ENDPOINT, used.get(kind, 0), count)


def admit_total(cloud: Cloud, total: Total, used: int) -> None:
    """Raises ``ResourceLimitExceeded`` if one more is too many for the account."""
    with _refusing(), cloud.lock:
        _capacity(cloud).limits.quotas.require_total(total, used, 1)


def ended(cloud: Cloud, resource: str, record: Record) -> dict[str, Any]:
    """The members of a job's last state that say whether its cluster is kept.

    ``record`` has its last status already. The caller holds the cloud's lock.
    """
    pools = cloud.part(Capacity).pools
    if resource != "training-job" or not pools.holds(record["TrainingJobName"]):
        return {}
    launched = record.get("TrainingStartTime") is not None
    broken = str(record.get("FailureReason", "")).startswith(_UNHEALTHY)
    now = cloud.now().timestamp()
    state = pools.end(record["TrainingJobName"], now, healthy=launched and not broken)
    cluster = record.get(warm_cache.CLUSTER)
    if cluster is not None and (state is None or state.status is PoolStatus.TERMINATED):
        warm_cache.forget(cloud, cluster)
    return {} if state is None else {"WarmPoolStatus": _members(state)}


def refresh_pools(cloud: Cloud) -> None:
    """Bring every job's ``WarmPoolStatus`` up to now; before it is shown."""
    with cloud.lock:
        now, pools = cloud.now().timestamp(), cloud.part(Capacity).pools
        for state in [*pools.expire(now), *pools.states(now)]:
            _show(cloud, state)


def keep_alive(cloud: Cloud, name: str, seconds: int) -> None:
    """Change how long a job's pool is kept; 0 ends it. Raises ``ValidationError``."""
    _check_period({"KeepAlivePeriodInSeconds": seconds})
    refresh_pools(cloud)
    with cloud.lock:
        state = cloud.part(Capacity).pools.keep_alive(name, seconds, cloud.now().timestamp())
        if state is None:
            raise ValidationError(
                f"The training job {name} has no warm pool that is InUse or Available."
            )
        _show(cloud, state)


def terminate_pool(cloud: Cloud, name: str) -> bool:
    """End a job's Available pool from outside, as a patch update does; whether there was one."""
    refresh_pools(cloud)
    with cloud.lock:
        state = cloud.part(Capacity).pools.terminate(name, cloud.now().timestamp())
        if state is not None:
            _show(cloud, state)
        return state is not None


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except QuotaExceeded as error:
        raise ServiceError("ResourceLimitExceeded", str(error)) from error


def _place(cloud: Cloud, record: Record) -> None:
    name, resources = record["TrainingJobName"], record["ResourceConfig"]
    _check_period(resources)
    capacity = _capacity(cloud)
    refresh_pools(cloud)
    now, pools = cloud.now().timestamp(), capacity.pools
    gone = pools.terminate(name, now)  # of a job of this name that was deleted
    if gone is not None:
        warm_cache.forget(cloud, gone.cluster)
    period = resources.get("KeepAlivePeriodInSeconds", 0)
    start = pools.start(name, cluster_key(record), period, now)
    if start.reused is not None:
        _show(cloud, start.reused)
    state = pools.state(name, now)
    if state is not None:
        record["WarmPoolStatus"] = _members(state)
    if state is not None or start.reused is not None:
        record[warm_cache.CLUSTER] = start.cluster


def _check_period(resources: dict[str, Any]) -> None:
    period = resources.get("KeepAlivePeriodInSeconds", 0)
    if period > MAX_KEEP_ALIVE_SECONDS:
        raise ValidationError(
            f"KeepAlivePeriodInSeconds is {period}: the developer guide's maximum is "
            f"{MAX_KEEP_ALIVE_SECONDS}."
        )
    if period and resources.get("InstanceGroups"):
        raise ValidationError("KeepAlivePeriodInSeconds cannot be used with InstanceGroups.")


def _require(cloud: Cloud, use: Use, resources: dict[str, Any]) -> None:
    quotas, kind = _capacity(cloud).limits.quotas, resources.get("InstanceType", "")
    table, status, total = _COUNTED[use]
    running = (r for r in cloud.table(table) if r[status] in _IN_FLIGHT)
    taken = [_resources(record, use) for record in running]
    count = resources["InstanceCount"]
    quotas.require_total(total, sum(r["InstanceCount"] for r in taken), count)
    used = sum(r["InstanceCount"] for r in taken if r.get("InstanceType") == kind)
    quotas.require(kind, use, used, count)


def _resources(record: Record, use: Use) -> dict[str, Any]:
    found: dict[str, Any] = (
        record["ProcessingResources"]["ClusterConfig"]
        if use is Use.PROCESSING
        else record["TransformResources"]
    )
    return found


def _endpoint_instances(cloud: Cloud) -> dict[str, int]:
    """By type: those that serve or are on their way, and those of fleets that are being started."""
    sizes = [
        {"InstanceType": variant.get("_type"), "InstanceCount": count}
        for record in cloud.table("Endpoint")
        for member in ("ProductionVariants", "ShadowProductionVariants")
        for variant in record.get(member) or ()
        for count in [max(variant["CurrentInstanceCount"], variant["DesiredInstanceCount"])]
    ]
    coming = (size for record in cloud.table("Endpoint") for size in record.get("_coming", ()))
    return _counted([*sizes, *coming])


def _counted(sizes: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for size in sizes:
        kind = size.get("InstanceType")
        if kind is not None:
            counts[kind] = counts.get(kind, 0) + size["InstanceCount"]
    return counts


def _show(cloud: Cloud, state: PoolState) -> None:
    if state.status is PoolStatus.TERMINATED:
        warm_cache.forget(cloud, state.cluster)
    record = cloud.table(_TRAINING).find(state.job)
    if record is not None:
        record["WarmPoolStatus"] = _members(state)


def _members(state: PoolState) -> dict[str, Any]:
    """A ``WarmPoolStatus``; the time retained only once there is any to speak of."""
    members: dict[str, Any] = {"Status": state.status.value}
    if state.status is not PoolStatus.IN_USE:
        members["ResourceRetainedBillableTimeInSeconds"] = state.retained_seconds
    if state.reused_by is not None:
        members["ReusedByJob"] = state.reused_by
    return members
