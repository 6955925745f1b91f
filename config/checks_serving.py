"""What an endpoint's values say about each other. Keys are relative to ``models.serving``."""

from collections.abc import Iterator
from zoneinfo import available_timezones

from config.checks_instances import endpoint_type_faults
from config.decode import close_match
from config.errors import Fault
from config.partial import Check
from config.settings_serving import Delivery, Deployment, OffHours, Serving

# Names of zoneinfo that stand for no time zone.
_NO_PLACES = {"Factory", "localtime", "posixrules"}
# SageMaker developer guide, prerequisites of endpoint auto scaling: not for burstable types.
_BURSTABLE = ("ml.t2.", "ml.t3.", "ml.t4g.")


def _canary(value: Deployment) -> Iterator[Fault]:
    if value.traffic_shift == "canary" and value.canary_percent is None:
        yield Fault(
            key="canary_percent", problem="is missing", remedy="say how much traffic goes first"
        )
    if value.traffic_shift != "canary" and value.canary_percent is not None:
        yield Fault(
            key="canary_percent",
            value=value.canary_percent,
            problem=f"means nothing when traffic shifts {value.traffic_shift}",
            remedy='remove it, or set traffic_shift = "canary"',
        )


def _deployment_time(value: Deployment) -> Iterator[Fault]:
    if value.timeout_seconds <= value.wait_seconds + value.termination_wait_seconds:
        yield Fault(
            key="timeout_seconds",
            value=value.timeout_seconds,
            problem="leaves no time beside wait_seconds and termination_wait_seconds",
            remedy="raise it, or wait less",
        )


def _most(value: Serving) -> Iterator[Fault]:
    if value.minimum_instances > value.maximum_instances:
        yield Fault(
            key="minimum_instances",
            value=value.minimum_instances,
            problem=f"is more than maximum_instances ({value.maximum_instances})",
            remedy="lower it, or raise maximum_instances",
        )


def _scaled_type(value: Serving) -> Iterator[Fault]:
    if value.instance_type.startswith(_BURSTABLE):
        yield Fault(
            key="instance_type",
            value=value.instance_type,
            problem="is burstable, which SageMaker does not scale automatically",
            remedy="use a type such as ml.m5.large",
        )


def _canary_instances(value: Serving) -> Iterator[Fault]:
    if value.deployment.traffic_shift == "canary" and value.minimum_instances < 2:
        yield Fault(
            key="minimum_instances",
            value=value.minimum_instances,
            problem="is too few for a canary, which takes at most half of the instances",
            remedy='use at least 2, or traffic_shift = "all_at_once"',
        )


def time_zone_faults(name: str) -> Iterator[Fault]:
    """AWS's schedulers take IANA names; the keys of zoneinfo are the same list, and a few more."""
    zones = available_timezones() - _NO_PLACES
    if name not in zones:
        yield Fault(
            key="time_zone",
            value=name,
            problem=f"is no time zone{close_match(name, zones)}",
            remedy="use an IANA name such as Europe/London or UTC",
        )


def guardrail_faults(value: Serving) -> Iterator[Fault]:
    """Whether an alarm can fire before the deployment that it is to take back has ended.

    Each of an alarm's periods is a minute that has to be over, and all of them must be bad.
    """
    minutes, baking = value.alarms.evaluation_minutes, value.deployment.wait_seconds
    if minutes * 60 >= baking:
        yield Fault(
            key="alarms.evaluation_minutes",
            value=minutes,
            problem=f"is not over before deployment.wait_seconds ({baking}): no alarm could take a "
            "deployment back",
            remedy="lower it, or wait longer",
        )


def probes_faults(serving: Serving, delivery: Delivery) -> Iterator[Fault]:
    """Keys are relative to the model."""
    if serving.deployment.traffic_shift == "canary" and delivery.probes_per_minute == 0:
        yield Fault(
            key="delivery.probes_per_minute",
            value=0,
            problem="leaves a canary without traffic of its own, which proves nothing",
            remedy='send some, or set serving.deployment.traffic_shift = "all_at_once"',
        )


def _off_hours_zone(value: OffHours) -> Iterator[Fault]:
    yield from time_zone_faults(value.time_zone)


def _off_hours_end(value: OffHours) -> Iterator[Fault]:
    if value.start == value.end:
        yield Fault(
            key="end",
            value=value.end,
            problem="is also the start",
            remedy="end the off-hours at another time, or leave them out",
        )


def _night(value: Serving) -> Iterator[Fault]:
    night = value.off_hours
    if night is not None and night.minimum_instances >= value.minimum_instances:
        yield Fault(
            key="off_hours.minimum_instances",
            value=night.minimum_instances,
            problem=f"is not less than minimum_instances ({value.minimum_instances})",
            remedy="lower it, or leave off_hours out",
        )


def _canary_night(value: Serving) -> Iterator[Fault]:
    night = value.off_hours
    if night is None or value.deployment.traffic_shift != "canary":
        return
    if night.minimum_instances < 2:
        yield Fault(
            key="off_hours.minimum_instances",
            value=night.minimum_instances,
            problem="is too few for a canary, which takes at most half of the instances",
            remedy='use at least 2, or traffic_shift = "all_at_once"',
        )


def production_instances_faults(value: Serving) -> Iterator[Fault]:
    if value.minimum_instances < 2:
        yield Fault(
            key="minimum_instances",
            value=value.minimum_instances,
            problem="leaves production with a single instance",
            remedy="use at least 2 (AWS Security Hub control SageMaker.4)",
        )


def production_night_faults(value: Serving) -> Iterator[Fault]:
    night = value.off_hours
    if night is not None and night.minimum_instances < 2:
        yield Fault(
            key="off_hours.minimum_instances",
            value=night.minimum_instances,
            problem="leaves production with a single instance",
            remedy="use at least 2 (AWS Security Hub control SageMaker.4)",
        )


DEPLOYMENT: tuple[Check, ...] = (_canary, _deployment_time)
OFF_HOURS: tuple[Check, ...] = (_off_hours_zone, _off_hours_end)
SERVING: tuple[Check, ...] = (
    endpoint_type_faults,
    _scaled_type,
    _most,
    _canary_instances,
    _night,
    _canary_night,
)
