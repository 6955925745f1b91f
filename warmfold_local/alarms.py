"""In which state is an alarm, by the points of its metrics?

User guide, "Using Amazon CloudWatch alarms": of the last ``EvaluationPeriods`` periods at least
``DatapointsToAlarm`` breach the threshold; ``TreatMissingData`` says what a period without data
counts as. The period that is under way is looked at as well, so that an alarm need not wait for
its end; CloudWatch's longer look back for missing points is left out.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warmfold_local.metric_math import MathError, evaluate

ALARM, OK, UNKNOWN = "ALARM", "OK", "INSUFFICIENT_DATA"

_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One series of values: a metric with its dimensions, by statistic and period (s)."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    statistic: str
    period: int


# A metric's value in the period that begins at a time (s since 1970); ``None`` without data.
Look = Callable[[Metric, int], float | None]


@dataclass(frozen=True)
class Judgement:
    """``state`` is ``None`` if the alarm stays in the one that it has."""

    state: str | None
    reason: str


def judge(alarm: Mapping[str, Any], look: Look, now: float) -> Judgement:
    """``alarm`` as PutMetricAlarm takes it."""
    breaches = _BREACHES.get(alarm.get("ComparisonOperator", ""))
    if breaches is None or alarm.get("Threshold") is None:
        operators = ", ".join(_BREACHES)
        return Judgement(UNKNOWN, f"Only thresholds are evaluated here, by {operators}.")
    try:
        values = _values(alarm, look, now)
    except MathError as error:
        return Judgement(UNKNOWN, f"The expression is not evaluated here: {error}.")
    wanted = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods") or 1)
    threshold = float(alarm["Threshold"])
    found = [None if value is None else breaches(value, threshold) for value in values]
    return _judged(found, values, wanted, alarm.get("TreatMissingData", "missing"))


def _judged(
    found: Sequence[bool | None], values: Sequence[float | None], wanted: int, missing: str
) -> Judgement:
    there = [value for value in values if value is not None]
    if not there and missing in ("missing", "ignore"):
        reason = "There are no data points in the evaluation range."
        return Judgement(UNKNOWN if missing == "missing" else None, reason)
    counted = [missing == "breaching" if each is None else each for each in found]
    shown = ", ".join(f"{value:g}" for value in there) or "none"
    breaching = sum(counted)
    reason = f"{breaching} of the last {len(values)} datapoints [{shown}] breached the threshold."
    return Judgement(ALARM if breaching >= wanted else OK, reason)


def _values(alarm: Mapping[str, Any], look: Look, now: float) -> list[float | None]:
    """Of the last periods, the one under way being the last."""
    queries = alarm.get("Metrics") or [_query(alarm)]
    period = _period(alarm, queries)
    count = int(alarm.get("EvaluationPeriods") or 1)
    last = int(now // period) * period
    return [_at(queries, look, last - back * period) for back in range(count - 1, -1, -1)]


def _at(queries: Sequence[Mapping[str, Any]], look: Look, start: int) -> float | None:
    """The value of the query that is returned; expressions may use those before and after them."""
    stats = [query for query in queries if query.get("MetricStat") is not None]
    looked = {query["Id"]: look(metric_of(query["MetricStat"]), start) for query in stats}
    values = {name: value for name, value in looked.items() if value is not None}
    expressions = [query for query in queries if query.get("Expression") is not None]
    for query in expressions * len(expressions):  # they may need each other, in any order
        value = evaluate(query["Expression"], values)
        if value is not None:
            values[query["Id"]] = value
    shown = [q["Id"] for q in queries if str(q.get("ReturnData", True)).lower() == "true"]
    if len(shown) != 1:
        raise MathError("exactly one query of an alarm must have ReturnData")
    return values.get(shown[0])


def metric_of(stat: Mapping[str, Any]) -> Metric:
    """Of a ``MetricStat``."""
    metric = stat["Metric"]
    dimensions = metric.get("Dimensions") or []
    return Metric(
        namespace=metric["Namespace"],
        name=metric["MetricName"],
        dimensions=frozenset((item["Name"], item["Value"]) for item in dimensions),
        statistic=stat["Stat"],
        period=int(stat["Period"]),
    )


def _query(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """An alarm on one metric, as a query."""
    members = ("Namespace", "MetricName", "Dimensions")
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    stat = {"Metric": {name: alarm.get(name) for name in members}, "Stat": statistic}
    return {"Id": "m", "MetricStat": {**stat, "Period": alarm.get("Period") or 60}}


def _period(alarm: Mapping[str, Any], queries: Sequence[Mapping[str, Any]]) -> int:
    """An alarm over queries has the period of its metrics, which CloudWatch wants to be one."""
    periods = {int(q["MetricStat"]["Period"]) for q in queries if q.get("MetricStat") is not None}
    return max(periods, default=int(alarm.get("Period") or 60))
