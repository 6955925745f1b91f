"""The settings of an endpoint, and of how versions come to it. See ``config.settings``."""

from dataclasses import dataclass
from typing import Annotated, Literal

from config.rules import Above, Between, Matches

# Only the shape: whether the type exists is checked against the API's own list when the
# pipeline definition and the templates are validated.
InstanceType = Annotated[
    str, Matches(r"ml\.[a-z0-9-]+\.[a-z0-9]+", "an instance type such as ml.m5.large")
]
TimeOfDay = Annotated[str, Matches(r"([01]\d|2[0-3]):[0-5]\d", 'a time of day such as "06:00"')]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """How traffic moves to a new model, blue to green. ``canary_percent`` only for a canary."""

    traffic_shift: Literal["all_at_once", "canary"]
    wait_seconds: Annotated[int, Between(0, 3600)]
    termination_wait_seconds: Annotated[int, Between(0, 3600)]
    timeout_seconds: Annotated[int, Between(600, 28800)]
    canary_percent: Annotated[int, Between(1, 50)] | None = None


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """Either of them firing rolls a deployment back, if it can fire before that has baked."""

    error_rate_percent: Annotated[float, Above(0, 100)]
    latency_milliseconds: Annotated[int, Between(1, 60000)]
    evaluation_minutes: Annotated[int, Between(1, 60)]


@dataclass(frozen=True, kw_only=True)
class OffHours:
    """From ``start`` to ``end`` every day, on the clock of ``time_zone``, fewer instances do."""

    start: TimeOfDay
    end: TimeOfDay
    time_zone: str
    minimum_instances: Annotated[int, Between(1, 1000)]


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """The share of requests that is kept with their answers, 0 for none, and for how long."""

    sampled_percent: Annotated[int, Between(0, 100)]
    retention_days: Annotated[int, Between(1, 3650)]


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """The share of requests that a second model gets a copy of, once operators name one."""

    sampled_percent: Annotated[int, Between(1, 100)]
    instances: Annotated[int, Between(1, 1000)]


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The real-time endpoint. ``target_invocations_per_instance`` is per minute."""

    instance_type: InstanceType
    minimum_instances: Annotated[int, Between(1, 1000)]
    maximum_instances: Annotated[int, Between(1, 1000)]
    target_invocations_per_instance: Annotated[int, Between(1, 1000000)]
    scale_in_cooldown_seconds: Annotated[int, Between(0, 86400)]
    scale_out_cooldown_seconds: Annotated[int, Between(0, 86400)]
    deployment: Deployment
    alarms: Alarms
    data_capture: DataCapture
    off_hours: OffHours | None = None
    shadow: Shadow | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How often the deployed model is compared with the registry, should an event be lost.

    ``probes_per_minute`` go to the endpoint at any time, so that alarms see a canary that nobody
    else asks; 0 for none, where there is no canary.
    """

    reconcile_minutes: Annotated[int, Between(5, 1440)]
    probes_per_minute: Annotated[int, Between(0, 60)]
