"""Account quotas of instances, by instance type and use.

Names are AWS's own ("ml.m5.xlarge for training warm pool usage"). Warm pools have a quota of 0
unless it was raised (developer guide, train-warm-pools-resource-limits). The default of the
other quotas depends on the type and the account: without a value here there is no limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class QuotaExceeded(Exception):
    """The message is the service's own (``ResourceLimitExceeded``, as users report it)."""


class Use(StrEnum):
    TRAINING = "training job usage"
    PROCESSING = "processing job usage"
    TRANSFORM = "transform job usage"
    ENDPOINT = "endpoint usage"
    WARM_POOL = "training warm pool usage"


def quota_name(instance_type: str, use: Use) -> str:
    return f"{instance_type} for {use.value}"


@dataclass(frozen=True)
class Quotas:
    """``limits``: instances, by quota name."""

    limits: Mapping[str, int] = field(default_factory=dict)

    def limit(self, instance_type: str, use: Use) -> int | None:
        """``None`` if unlimited."""
        default = 0 if use is Use.WARM_POOL else None
        return self.limits.get(quota_name(instance_type, use), default)

    def has_room(self, instance_type: str, use: Use, used: int, wanted: int) -> bool:
        limit = self.limit(instance_type, use)
        return limit is None or used + wanted <= limit

    def require(self, instance_type: str, use: Use, used: int, wanted: int) -> None:
        """Raises ``QuotaExceeded`` if ``wanted`` more instances are too many."""
        if not self.has_room(instance_type, use, used, wanted):
            raise QuotaExceeded(
                f"The account-level service limit '{quota_name(instance_type, use)}' is "
                f"{self.limit(instance_type, use)} Instances, with current utilization of {used} "
                f"Instances and a request delta of {wanted} Instances. Please contact AWS support "
                "to request an increase for this limit."
            )
