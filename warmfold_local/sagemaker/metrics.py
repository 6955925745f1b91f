"""Metrics of a training job: the user's regexes over its output, as SageMaker applies them."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import regex

from warmfold_local.errors import ValidationError

logger = logging.getLogger("warmfold_local")

# A user's regex may take exponential time; a line is given up after this long.
_MATCH_SECONDS = 1.0


class MetricReader:
    """Reads metric values from output lines; the first group of each regex is the value.

    Raises ``ValidationError`` for a regex that does not compile or has no group.
    """

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        self._patterns = [(d["Name"], _compiled(d["Name"], d["Regex"])) for d in definitions]

    def read(self, line: str) -> Iterator[tuple[str, float]]:
        """Name and value of every metric on the line, the last match of each.

        What is not a finite number is no value: NaN and infinity cannot be told apart from a
        missing score by anything that reads the API's JSON.
        """
        for name, pattern in self._patterns:
            text = _last_match(pattern, line)
            value = _number(text) if text is not None else None
            if value is not None:
                yield name, value


def with_metric(
    metrics: list[dict[str, Any]], name: str, value: float, when: datetime
) -> list[dict[str, Any]]:
    """``FinalMetricDataList`` after one more value: the last value of each name stays."""
    kept = [metric for metric in metrics if metric["MetricName"] != name]
    return [*kept, {"MetricName": name, "Value": value, "Timestamp": when}]


def metric_value(metrics: Iterable[Mapping[str, Any]], name: str) -> float | None:
    return next((float(m["Value"]) for m in metrics if m["MetricName"] == name), None)


def _compiled(name: str, text: str) -> "regex.Pattern[str]":
    try:
        pattern = regex.compile(text)
    except regex.error as error:
        raise ValidationError(f"Invalid regex of metric {name!r}: {error}") from error
    if pattern.groups < 1:
        raise ValidationError(f"Invalid regex of metric {name!r}: it has no capture group")
    return pattern


def _last_match(pattern: "regex.Pattern[str]", line: str) -> str | None:
    found = None
    try:
        for match in pattern.finditer(line, timeout=_MATCH_SECONDS):
            found = match
    except TimeoutError:
        logger.warning("a metric regex took longer than %g s and was given up", _MATCH_SECONDS)
    return found.group(1) if found is not None else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
