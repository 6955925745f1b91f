"""ministack's CloudWatch, led by the rules of `alarms`, and given the metrics of endpoints.

Beside `ministack_seam`, and under the same rule: its private interface, of a pinned version.
ministack itself looks at all points of a metric's name, whatever their dimensions and periods.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from warmfold_local.alarms import Metric, judge
from warmfold_local.cloud import Cloud
from warmfold_local.endpoint_metrics import INTERVAL_SECONDS, NAMESPACE, EndpointMetrics

logger = logging.getLogger("warmfold_local")

# A state that was set by hand stays until the next evaluation: on AWS, up to a minute.
HELD_SECONDS = 60

_EVALUATE_SECONDS = 5.0


class Evaluator:
    """In place of ministack's evaluation of one alarm; runs on its event loop."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._given: dict[str, str] = {}  # the state that we last gave each alarm

    def __call__(self, alarm: dict[str, Any]) -> None:
        from ministack.services import cloudwatch

        now, before = self._now(), alarm["StateValue"]
        if self._set_by_hand(alarm, now):
            return
        judged = judge(alarm, _value, now)
        self._given[alarm["AlarmArn"]] = judged.state or before
        if judged.state in (None, before):
            return
        alarm |= {
            "StateValue": judged.state,
            "StateReason": judged.reason,
            "StateUpdatedTimestamp": int(now),
        }
        cloudwatch._record_history(alarm["AlarmName"], before, judged.state, judged.reason)
        cloudwatch._dispatch_alarm_actions(alarm, before, judged.state, judged.reason)
        cloudwatch._evaluate_parent_alarms(alarm)

    def _set_by_hand(self, alarm: Mapping[str, Any], now: float) -> bool:
        """By SetAlarmState, and not yet for a minute."""
        given = self._given.get(alarm["AlarmArn"], "INSUFFICIENT_DATA")
        recent: bool = now - alarm.get("StateUpdatedTimestamp", 0) < HELD_SECONDS
        return recent and str(alarm["StateValue"]) != given


def lead_alarms() -> None:
    """Also lets alarms over expressions (``Metrics``) be made, by the API and by CloudFormation,
    whose handler refuses them."""
    from ministack.services import cloudwatch
    from ministack.services.cloudformation import provisioners

    cloudwatch._evaluate_alarm = Evaluator()
    cloudwatch._put_metric_alarm = _with_metrics(cloudwatch._put_metric_alarm)
    provisioners._cw_metric_alarm_record = _record_with_metrics(
        provisioners._cw_metric_alarm_record
    )


def keep_measuring(cloud: Cloud, loop: asyncio.AbstractEventLoop) -> None:
    """Hand on the endpoints' metrics and evaluate the alarms, until the cloud stops."""
    metrics = cloud.part(EndpointMetrics)
    evaluated_at = time.monotonic()
    while not cloud.stopping.wait(INTERVAL_SECONDS):
        counts, now = metrics.taken(), time.monotonic()
        if counts or now - evaluated_at >= _EVALUATE_SECONDS:
            evaluated_at = now
            loop.call_soon_threadsafe(_publish, cloud, counts, context=contextvars.Context())


def _publish(cloud: Cloud, counts: Mapping[Any, Mapping[float, int]]) -> None:
    from ministack.core import responses
    from ministack.services import cloudwatch

    responses.set_request_account_id(cloud.settings.account)
    responses.set_request_region(cloud.settings.region)
    try:
        now = time.time()
        for series, values in counts.items():
            dimensions = {"EndpointName": series.endpoint, "VariantName": series.variant}
            key = (NAMESPACE, series.metric, cloudwatch._dims_key(dimensions))
            point = {"Timestamp": now, "Unit": series.unit, "Dimensions": dimensions}
            cloudwatch._metric_bucket(key).extend(
                {**point, "Value": value, "Count": float(count)} for value, count in values.items()
            )
        for alarm in list(cloudwatch._alarms.values()):
            cloudwatch._evaluate_alarm(alarm)
    except Exception:
        logger.exception("metrics could not be stored, or alarms not evaluated")


def _value(metric: Metric, start: int) -> float | None:
    """Of the points that were put under exactly these dimensions."""
    from ministack.services import cloudwatch

    key = (metric.namespace, metric.name, cloudwatch._dims_key(dict(metric.dimensions)))
    end = start + metric.period
    points = [p for p in cloudwatch._metrics.get(key) or [] if start <= p["Timestamp"] < end]
    if not points:
        return None
    statistics = cloudwatch._calc_stats(points)
    value = cloudwatch._stat_value(statistics, metric.statistic, points)
    return None if value is None else float(value)


def _with_metrics(put: Callable[..., Any]) -> Callable[..., Any]:
    def put_alarm(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        """The Query protocol's form is not read: no client in use sends it."""
        from ministack.services import cloudwatch

        answer = put(params, data, is_cbor, is_json)
        if (is_cbor or is_json) and data.get("Metrics") and answer[0] == 200:
            alarm = cloudwatch._alarms[data["AlarmName"]]
            cloudwatch._alarms[data["AlarmName"]] = _of_expression(alarm, data["Metrics"])
        return answer

    return put_alarm


def _record_with_metrics(record: Callable[..., Any]) -> Callable[..., Any]:
    def complete(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        metrics = properties.get("Metrics")
        if not metrics:
            alarm: dict[str, Any] = record(name, properties)
            return alarm
        stand_in = {"MetricName": "expression", "Namespace": "expression", "Metrics": None}
        return _of_expression(record(name, {**properties, **stand_in}), metrics)

    return complete


def _of_expression(alarm: dict[str, Any], metrics: Any) -> dict[str, Any]:
    single = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions")
    return {**{k: v for k, v in alarm.items() if k not in single}, "Metrics": metrics}
