"""Alarms by their metrics: thresholds, periods, missing data, expressions; and what is put in."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.alarms import ALARM, OK, UNKNOWN, Metric, judge
from warmfold_local.endpoint_metrics import EndpointMetrics
from warmfold_local.metric_math import MathError, evaluate

NOW = 1_000_030.0  # within the period that begins at START
START = 1_000_020
DIMENSIONS = [{"Name": "EndpointName", "Value": "live"}]


def look(points: Mapping[str, list[float | None]]) -> Any:
    """Values of the last periods, by metric: the last one is that of the period under way."""

    def at(metric: Metric, start: int) -> float | None:
        assert metric.dimensions == {("EndpointName", "live")}
        values = points.get(metric.name, [])
        back = (START - start) // metric.period
        return values[-1 - back] if back < len(values) else None

    return at


def alarm(**members: Any) -> dict[str, Any]:
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ModelLatency",
        "Dimensions": DIMENSIONS,
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 10.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **members,
    }


def state(values: list[float | None], **members: Any) -> str | None:
    return judge(alarm(**members), look({"ModelLatency": values}), NOW).state


@pytest.mark.parametrize(
    "values, wanted",
    [
        ([11, 12, 13], ALARM),
        ([11, 10, 13], OK),
        ([99, 1, 1, 1], OK),
        ([1, 11, 12, 13], ALARM),
    ],
)
def test_all_periods_must_breach_the_threshold(values: list[float | None], wanted: str) -> None:
    assert state(values) == wanted


def test_so_many_of_so_many_are_enough_if_it_says_so() -> None:
    assert state([11, 1, 12], DatapointsToAlarm=2) == ALARM
    assert state([11, 1, 1], DatapointsToAlarm=2) == OK


@pytest.mark.parametrize(
    "sign, breaching",
    [
        ("GreaterThanThreshold", [False, False, True]),
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_every_comparison_is_as_it_is_called(sign: str, breaching: list[bool]) -> None:
    members = {"ComparisonOperator": sign, "EvaluationPeriods": 1}
    assert [state([value], **members) == ALARM for value in (9, 10, 11)] == breaching


@pytest.mark.parametrize(
    "missing, none, one",
    [
        ("missing", UNKNOWN, OK),
        ("ignore", None, OK),
        ("notBreaching", OK, OK),
        ("breaching", ALARM, ALARM),
    ],
)
def test_missing_data_count_as_the_alarm_says(missing: str, none: str | None, one: str) -> None:
    assert state([], TreatMissingData=missing) == none
    assert state([None, None, 11], TreatMissingData=missing) == one


def rate(expression: str, **members: Any) -> dict[str, Any]:
    """The alarm of the platform's endpoints: an expression over two metrics."""

    def stat(name: str) -> dict[str, Any]:
        metric = {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": DIMENSIONS}
        return {"Id": name.lower(), "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}

    queries = [stat("Errors"), stat("Invocations")]
    shown = {"Id": "rate", "Expression": expression}
    hidden = [{**query, "ReturnData": False} for query in queries]
    return {**alarm(**members), "Metrics": [shown, *hidden]}


@pytest.mark.parametrize(
    "errors, invocations, wanted",
    [([2.0], [10.0], ALARM), ([1.0], [10.0], OK), ([0.0], [0.0], OK), ([], [], OK)],
)
def test_an_error_rate_is_evaluated(
    errors: list[float | None], invocations: list[float | None], wanted: str
) -> None:
    expression = "IF(invocations > 0, 100 * errors / invocations, 0)"
    asked = rate(expression, EvaluationPeriods=1, TreatMissingData="notBreaching")
    found = judge(asked, look({"Errors": errors, "Invocations": invocations}), NOW)
    assert found.state == wanted


def test_expressions_may_build_on_each_other_in_any_order() -> None:
    asked = rate("share * 100", EvaluationPeriods=1)
    share = {"Id": "share", "Expression": "errors / invocations", "ReturnData": False}
    asked["Metrics"].append(share)
    found = judge(asked, look({"Errors": [2.0], "Invocations": [10.0]}), NOW)
    assert found.state == ALARM
    assert found.reason == "1 of the last 1 datapoints [20] breached the threshold."


def test_what_is_not_evaluated_is_said_in_the_reason() -> None:
    found = judge(rate("ANOMALY_DETECTION_BAND(errors, 2)"), look({"Errors": [1.0]}), NOW)
    assert found.state == UNKNOWN
    assert "ANOMALY_DETECTION_BAND" in found.reason
    assert judge(alarm(ComparisonOperator="Band"), look({}), NOW).state == UNKNOWN


@pytest.mark.parametrize(
    "expression, value",
    [
        ("2 + 3 * a", 17.0),
        ("(2 + 3) * a / 2 - 1", 11.5),
        ("-a ^ 2", -25.0),
        ("IF(a > 4 AND b < 4, 1, 2)", 1.0),
        ("IF(a > 9 || b >= 3, 1, 2)", 1.0),
        ("IF(a == 5, b)", 3.0),
        ("IF(a != 5, b)", None),
        ("FILL(none, 7) + a", 12.0),
        ("none + a", None),
        ("MAX([a, b, 4]) + MIN([a, b]) + SUM([a, b]) + AVG([a, b])", 20.0),
        ("ABS(b - a) + CEIL(0.2) + FLOOR(1.8)", 4.0),
        ("a / (b - 3)", None),
        ("10 ^ 999", None),
    ],
)
def test_an_expressions_value(expression: str, value: float | None) -> None:
    assert evaluate(expression, {"a": 5.0, "b": 3.0}) == value


@pytest.mark.parametrize(
    "expression",
    ["a +", "a.b", "a[0]", "(lambda: 1)()", "open('f')", "'a'", "1 < a < 3", ""],
)
def test_what_is_no_metric_math_is_refused(expression: str) -> None:
    with pytest.raises(MathError):
        evaluate(expression, {"a": 5.0})


@given(st.text(alphabet="ab01+-*/^()<>=.,[]&| IFSUMAXND", max_size=40))
def test_any_text_has_a_value_none_or_is_refused(text: str) -> None:
    try:
        value = evaluate(text, {"a": 1.0, "b": 2.0})
    except MathError:
        return
    assert value is None or math.isfinite(value)


def test_every_invocation_counts_once_in_every_metric() -> None:
    metrics = EndpointMetrics()
    for status in (200, 200, 400, 500, 0):
        metrics.invoked("live", "main", model_seconds=0.0123456, status=status)
    counts = {series.metric: values for series, values in metrics.taken().items()}
    assert counts["Invocations"] == {1.0: 5}
    assert counts["InvocationModelErrors"] == {0.0: 2, 1.0: 3}
    assert counts["Invocation4XXErrors"] == {0.0: 4, 1.0: 1}
    assert counts["Invocation5XXErrors"] == {0.0: 4, 1.0: 1}
    assert counts["ModelLatency"] == {12000.0: 5}
    assert metrics.taken() == {}
