"""What an endpoint's values say about each other. Keys are relative to ``models.serving``."""

from collections.abc import Iterator
from zoneinfo import available_timezones

from config.errors import Fault
from config.settings_serving import OffHours, Serving


def time_zone_faults(name: str) -> Iterator[Fault]:
    """AWS's schedulers take IANA names; the keys of zoneinfo are the same list."""
    if name not in available_timezones():
        yield Fault(
            key="time_zone",
            value=name,
            problem="is no time zone",
            remedy="use an IANA name such as Europe/London or UTC",
        )


def off_hours_faults(value: OffHours) -> Iterator[Fault]:
    yield from time_zone_faults(value.time_zone)
    if value.start == value.end:
        yield Fault(
            key="end",
            value=value.end,
            problem="is also the start",
            remedy="end the off-hours at another time, or leave them out",
        )


def night_faults(value: Serving) -> Iterator[Fault]:
    """Fewer than by day, and as many as a deployment at night needs."""
    night = value.off_hours
    if night is None:
        return
    if night.minimum_instances >= value.minimum_instances:
        yield Fault(
            key="off_hours.minimum_instances",
            value=night.minimum_instances,
            problem=f"is not less than minimum_instances ({value.minimum_instances})",
            remedy="lower it, or leave off_hours out",
        )
    if value.deployment.traffic_shift == "canary" and night.minimum_instances < 2:
        yield Fault(
            key="off_hours.minimum_instances",
            value=night.minimum_instances,
            problem="is too few for a canary, which takes at most half of the instances",
            remedy='use at least 2, or traffic_shift = "all_at_once"',
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
