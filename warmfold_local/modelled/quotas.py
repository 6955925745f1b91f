"""Account quotas: of instances by type and use, and those that count an account as a whole.

Names are AWS's own ("ml.m5.xlarge for training warm pool usage"). Warm pools have a quota of 0
unless it was raised (developer guide, train-warm-pools-resource-limits). The default of the
other quotas by type depends on the type and the account: without a value here there is no limit.
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


class Total(StrEnum):
    """What an account may have as a whole, whatever the instance type."""

    TRAINING = "Number of instances across all training jobs"
    TRAINING_JOB = "Maximum number of instances per training job"
    PROCESSING = "Number of instances across all processing jobs"
    TRANSFORM = "Number of instances across all transform jobs"
    ENDPOINT = "Number of instances across active endpoints"
    PIPELINES = "Maximum number of pipelines allowed per account"
    EXECUTIONS = "Maximum number of concurrent pipeline executions allowed per account"
    PACKAGES = "Maximum number of SageMaker Model Package allowed per account"


# A new account's (AWS general reference, SageMaker endpoints and quotas).
DOCUMENTED_TOTALS: Mapping[str, int] = {
    Total.TRAINING: 4,
    Total.TRAINING_JOB: 20,
    Total.PROCESSING: 4,
    Total.TRANSFORM: 4,
    Total.ENDPOINT: 4,
    Total.PIPELINES: 500,
    Total.EXECUTIONS: 20,
    Total.PACKAGES: 10_000,
}

# What the service's message counts; instances for the others.
_NOUNS = {
    Total.PIPELINES: "Pipelines",
    Total.EXECUTIONS: "Executions",
    Total.PACKAGES: "Model Packages",
}


def quota_name(instance_type: str, use: Use) -> str:
    return f"{instance_type} for {use.value}"


@dataclass(frozen=True)
class Quotas:
    """``limits``: instances, by quota name; ``totals``: by a name of ``Total``."""

    limits: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)

    def limit(self, instance_type: str, use: Use) -> int | None:
        """``None`` if unlimited."""
        default = 0 if use is Use.WARM_POOL else None
        return self.limits.get(quota_name(instance_type, use), default)

    def has_room(self, instance_type: str, use: Use, used: int, wanted: int) -> bool:
        limit = self.limit(instance_type, use)
        return limit is None or used + wanted <= limit

    def require(self, instance_type: str, use: Use, used: int, wanted: int) -> None:
        """Raises ``QuotaExceeded`` if ``wanted`` more instances are too many."""
        name, limit = quota_name(instance_type, use), self.limit(instance_type, use)
        _require(name, limit, used, wanted, "Instances")

    def require_total(self, total: Total, used: int, wanted: int) -> None:
        """Raises ``QuotaExceeded`` if ``wanted`` more are too many for the account."""
        limit = self.totals.get(total)
        _require(total.value, limit, used, wanted, _NOUNS.get(total, "Instances"))


def _require(name: str, limit: int | None, used: int, wanted: int, noun: str) -> None:
    if limit is not None and used + wanted > limit:
        raise QuotaExceeded(
            f"The account-level service limit '{name}' is {limit} {noun}, with current "
            f"utilization of {used} {noun} and a request delta of {wanted} {noun}. Please contact "
            "AWS support to request an increase for this limit."
        )
