"""How often an API may be called: one token bucket for each, an account's in a region."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Calls a second, "not adjustable" (AWS general reference, SageMaker endpoints and quotas).
# Operations that are not in that table have no rate here.
DOCUMENTED: Mapping[str, float] = {
    "CreateTrainingJob": 1,
    "DescribeTrainingJob": 5,
    "ListTrainingJobs": 2,
    "StopTrainingJob": 1,
    "UpdateTrainingJob": 1,
    "DeleteTrainingJob": 1,
    "CreateProcessingJob": 1,
    "CreateTransformJob": 1,
    "StopTransformJob": 1,
    "DeleteTransformJob": 1,
    "DescribeTransformJob": 5,
    "ListTransformJobs": 2,
    "CreateModel": 1,
    "DescribeModel": 5,
    "ListModels": 2,
    "CreateEndpoint": 1,
    "CreateEndpointConfig": 1,
    "UpdateEndpoint": 1,
    "UpdateEndpointWeightsAndCapacities": 1,
    "DescribeEndpoint": 5,
    "ListEndpoints": 2,
}


@dataclass
class TokenBucket:
    """Fills by ``rate`` a second, up to one second's worth, and at least one call.

    How large AWS's buckets are is not documented: a second's worth is this model's choice.
    """

    rate: float
    tokens: float = field(init=False)
    _filled_at: float | None = None

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"a rate must be above 0: {self.rate}")
        self.tokens = self.capacity

    @property
    def capacity(self) -> float:
        return max(1.0, self.rate)

    def take(self, now: float) -> bool:
        """Whether a call is allowed at ``now`` (s); if so it has taken its token."""
        if self.delay(now) > 0:
            return False
        self.tokens -= 1
        return True

    def delay(self, now: float) -> float:
        """Seconds until a call would be allowed."""
        if self._filled_at is not None and now > self._filled_at:
            added = (now - self._filled_at) * self.rate
            self.tokens = min(self.capacity, self.tokens + added)
        self._filled_at = now if self._filled_at is None else max(now, self._filled_at)
        # A token less a rounding error is a token, or a waiter would sleep for 0 s forever.
        return 0.0 if self.tokens >= 1 - 1e-6 else (1 - self.tokens) / self.rate


class RateLimits:
    """The buckets of an account in a region; an API without a rate is not limited."""

    def __init__(self, rates: Mapping[str, float]) -> None:
        self._buckets = {api: TokenBucket(rate) for api, rate in rates.items()}

    def take(self, api: str, now: float) -> bool:
        bucket = self._buckets.get(api)
        return bucket is None or bucket.take(now)

    def delay(self, api: str, now: float) -> float:
        bucket = self._buckets.get(api)
        return 0.0 if bucket is None else bucket.delay(now)
