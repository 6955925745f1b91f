"""The published cases come out, and say on what they rest."""

import json
from dataclasses import replace

import pytest

from warmfold_local.modelled.parameters import ParameterError, by_name
from warmfold_local.modelled.prices import PRICES, price
from warmfold_local.modelled.replay import (
    BEST_EGG,
    CASES,
    PEREIRA,
    Case,
    as_text,
    as_values,
    duration,
    parse_settings,
    replay,
)


def hours(case: Case, **settings: str) -> dict[str, float]:
    runs = replay(case, settings).runs
    return {run.label: run.outcome.wall_seconds / 3600 for run in runs}


def test_the_articles_120_rounds_take_10_hours_cold_and_about_4_warm() -> None:
    modelled = hours(PEREIRA)
    assert modelled["cold"] == 10.0
    assert modelled["warm"] == pytest.approx(4.0, abs=0.1)


def test_best_eggs_tuning_takes_about_6_hours_cold_and_2_warm() -> None:
    modelled = hours(BEST_EGG)
    assert modelled["cold"] == pytest.approx(6.0, abs=0.5)
    assert modelled["warm"] == pytest.approx(2.0, abs=0.25)


def test_an_assumption_can_be_replaced_and_says_so() -> None:
    assert hours(PEREIRA, warm_start_seconds="20")["warm"] == pytest.approx(4.05 + 119 * 20 / 3600)
    result = replay(PEREIRA, {"price.ml.m5.xlarge": "100", "keep_alive_seconds": "0"})
    assert {run.label: run.outcome.warm_starts for run in result.runs} == {"cold": 0, "warm": 0}
    assert result.runs[0].cost_dollars == pytest.approx(120 * 140 / 3600 * 100)
    assert "price.ml.m5.xlarge = 100 $/h  [set by the user; now]" in as_text(result)


def test_idle_pools_cost_money() -> None:
    cold, warm = replay(PEREIRA, {"keep_alive_seconds": "3600"}).runs
    assert cold.idle_cost_dollars == 0
    assert warm.idle_cost_dollars == pytest.approx(0.23)  # the hour after the last round


def test_nobody_can_be_sure_of_reuse_by_tuning_jobs_so_both_are_shown() -> None:
    labels = [run.label for run in replay(BEST_EGG, {"folds": "2", "trials": "5"}).runs]
    assert labels == ["cold", "warm", "warm, amt_reuse=0"]


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_every_assumption_is_printed_with_value_source_and_date(case: Case) -> None:
    result = replay(case, {})
    text = as_text(result)
    assert case.published in text
    for parameter in result.parameters:
        assert f"    {parameter.name} = " in text
        assert f"[{parameter.source}; {parameter.dated}]" in text
    assert {"cold_start_seconds", "trials", "price.ml.m5.xlarge"} <= {
        parameter.name for parameter in result.parameters
    }
    assert "price.ml.p3.2xlarge" not in text
    values = json.loads(json.dumps(as_values(result)))
    assert len(values["assumptions"]) == len(result.parameters)
    assert values["modelled"]["cold"]["jobs"] == result.runs[0].outcome.jobs


def test_a_type_without_a_price_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(
        ParameterError, match=r"no price for ml\.x1\.large; there is one for ml\.c5"
    ):
        replay(PEREIRA, {"instance_type": "ml.x1.large"})


def test_a_name_is_no_number() -> None:
    wrong = [replace(PRICES[0], value="cheap")]
    with pytest.raises(ParameterError, match="'cheap', which is not a number"):
        _ = price(by_name(wrong), "ml.t3.medium").number


@pytest.mark.parametrize("text", ["trials", "=3", "trials=", ""])
def test_a_setting_has_a_name_and_a_value(text: str) -> None:
    assert parse_settings(["trials=3", "folds=2"]) == {"trials": "3", "folds": "2"}
    with pytest.raises(ParameterError, match="not of the form name=value"):
        parse_settings([text])


def test_durations_are_rounded_to_minutes() -> None:
    assert (duration(14_580), duration(3599.9), duration(20)) == (
        "4 h 03 min",
        "1 h 00 min",
        "0 h 00 min",
    )
