"""What SageMaker publishes of every invocation, gathered here and handed on in batches.

Names and units: developer guide, "Metrics for monitoring Amazon SageMaker AI with CloudWatch"
(namespace ``AWS/SageMaker``, dimensions EndpointName and VariantName).
"""

import threading
from collections import Counter
from dataclasses import dataclass, field

NAMESPACE = "AWS/SageMaker"
INTERVAL_SECONDS = 1.0

# Latencies that are alike to so many digits are counted together.
_DIGITS = 2


@dataclass(frozen=True)
class Series:
    """One metric of one variant."""

    metric: str
    unit: str
    endpoint: str
    variant: str


@dataclass
class EndpointMetrics:
    """One cloud's counts since they were last ``taken``: how often each value came."""

    _counts: "dict[Series, Counter[float]]" = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def invoked(self, endpoint: str, variant: str, *, model_seconds: float, status: int) -> None:
        """``status``: what the model's container answered, 0 if it did not answer in time."""
        failed = not 200 <= status < 300
        microseconds = float(f"{model_seconds * 1e6:.{_DIGITS}g}")
        values = {
            ("Invocations", "None"): 1.0,
            ("Invocation4XXErrors", "None"): float(400 <= status < 500),
            ("Invocation5XXErrors", "None"): float(status >= 500),
            ("InvocationModelErrors", "None"): float(failed),
            ("ModelLatency", "Microseconds"): microseconds,
        }
        with self._lock:
            for (metric, unit), value in values.items():
                series = Series(metric, unit, endpoint, variant)
                self._counts.setdefault(series, Counter())[value] += 1

    def taken(self) -> "dict[Series, Counter[float]]":
        with self._lock:
            counts, self._counts = self._counts, {}
            return counts
