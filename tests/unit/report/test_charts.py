"""What the charts hold."""

import json
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.report.builders import (
    HOSTILE,
    at,
    evaluation_values,
    random_trials,
    report_data,
    trial,
    tuning,
)
from warmfold.report.charts import (
    Chart,
    escape,
    figure,
    in_full_rows,
    log_ticks,
    short_number,
)
from warmfold.report.evaluation import Evaluation
from warmfold.report.holdout_charts import holdout_charts, precision_recall
from warmfold.report.page import render
from warmfold.report.search_charts import trials_over_time
from warmfold.report.tuning_charts import fold_scores, parameter_effect, tuning_charts
from warmfold.runs.records import Parameter, Trial, Tuning


def figure_of(chart: Chart | None) -> dict[str, Any]:
    assert chart is not None
    values: dict[str, Any] = json.loads(chart.json)
    return values


@pytest.mark.parametrize("maximize, best", [(True, [0.7, 0.8, 0.8]), (False, [0.7, 0.7, 0.6])])
def test_the_best_so_far_never_gets_worse(maximize: bool, best: list[float]) -> None:
    trials = tuple(trial(n, (s, s)) for n, s in ((1, 0.7), (2, 0.8), (3, 0.6)))
    chart = trials_over_time([tuning(trials, folds=2, maximize=maximize)], "AUC")
    assert figure_of(chart)["data"][0]["y"] == best


def test_a_trial_that_did_not_finish_its_folds_is_not_ranked() -> None:
    raced = trial(1, (0.9, 0.9), folds_completed=2)
    whole = trial(2, (0.7, 0.7, 0.7, 0.7, 0.7))
    chart = trials_over_time([tuning((raced, whole))], "AUC")
    assert figure_of(chart)["data"][1]["y"] == [whole.score]


def test_each_fold_is_one_series_over_the_trials_from_best_to_worst() -> None:
    trials = random_trials(6)
    chart = fold_scores(tuning(trials), "AUC")
    ranked = tuning(trials).ranked
    series = figure_of(chart)["data"]
    assert [s["name"] for s in series] == [*(f"fold {n}" for n in range(1, 6)), "mean"]
    assert series[2]["y"] == [t.fold_scores[2] for t in ranked]
    assert series[5]["y"] == [t.score for t in ranked]


def test_a_logarithmic_range_gets_a_logarithmic_axis() -> None:
    parameters = (
        Parameter(name="rate", kind="continuous", logarithmic=True, minimum=0.01, maximum=0.1),
        Parameter(name="leaves", kind="integer", minimum=4, maximum=64),
    )
    trials = tuple(
        replace(t, hyperparameters={"rate": "0.05", "leaves": "7"}) for t in random_trials(3)
    )
    layout = json.loads(parameter_effect(tuning(trials, parameters=parameters), "AUC").json)[
        "layout"
    ]
    assert layout["xaxis"]["type"] == "log"
    assert layout["xaxis"]["tickvals"] == [0.01, 0.02, 0.05, 0.1]
    assert layout["xaxis2"]["type"] == "linear"


def test_a_logarithmic_axis_without_known_bounds_has_the_librarys_ticks() -> None:
    chart = parameter_effect(tuning(random_trials(3)), "AUC")
    axis = json.loads(chart.json)["layout"]["xaxis"]
    assert (axis["type"], "tickvals" in axis) == ("log", False)


def test_points_of_the_hyperparameters_are_drawn_in_full_colour_and_scroll_when_narrow() -> None:
    parameters = tuple(Parameter(name=name, kind="integer") for name in ("a", "b", "c", "d"))
    trials = tuple(
        replace(t, hyperparameters={p.name: "7" for p in parameters}) for t in random_trials(3)
    )
    chart = parameter_effect(tuning(trials, parameters=parameters), "AUC")
    for series in figure_of(chart)["data"]:
        assert series["marker"]["opacity"] == 1
        assert series["marker"]["line"] == {"width": 0}
    assert (chart.wide, chart.minimum_width) == (True, 660)
    one = parameter_effect(tuning(trials, parameters=parameters[:1]), "AUC")
    assert (one.wide, one.minimum_width) == (False, 220)


@pytest.mark.parametrize(
    "given_wide, shown_wide",
    [
        ("", ""),
        ("n", "w"),
        ("nn", "nn"),
        ("nnn", "nnw"),
        ("nw", "ww"),
        ("nnw", "nnw"),
        ("wnw", "www"),
        ("nwn", "www"),
        ("nnnnw", "nnnnw"),
    ],
)
def test_a_chart_that_would_stand_in_half_a_row_takes_it_whole(
    given_wide: str, shown_wide: str
) -> None:
    charts = [
        Chart(key="k", title="", note="", summary="", figure=figure(x="", y=""), wide=letter == "w")
        for letter in given_wide
    ]
    shown = in_full_rows(charts)
    assert "".join("w" if chart.wide else "n" for chart in shown) == shown_wide


def test_without_a_complete_trial_there_is_nothing_to_draw() -> None:
    assert tuning_charts(tuning(()), "AUC") == []
    assert trials_over_time([tuning(())], "AUC") is None
    assert trials_over_time([], "AUC") is None


def two_candidates() -> list[Tuning]:
    """Two complete trials and one that was raced out, in each of two candidates."""
    first = (trial(1, (0.7, 0.8)), trial(3, (0.8, 0.8)), raced(5, (0.6,)))
    second = (trial(2, (0.75, 0.8)), trial(4, (0.7, 0.7)), raced(6, ()))
    return [tuning(first, folds=2), tuning(second, folds=2, candidate=HOSTILE)]


def raced(number: int, fold_scores: tuple[float, ...]) -> Trial:
    reason = f"raced out after {len(fold_scores)} of 2 folds"
    return trial(number, fold_scores, score=None, raced=True, reason=reason)


def test_candidates_share_one_chart_and_one_best_so_far() -> None:
    best, *candidates, _ = figure_of(trials_over_time(two_candidates(), "AUC"))["data"]
    assert best["y"] == pytest.approx([0.75, 0.775, 0.8, 0.8])
    assert [c["name"] for c in candidates] == ["lightgbm", escape(HOSTILE)]
    assert [c["y"] for c in candidates] == [
        pytest.approx([0.75, 0.8]),
        pytest.approx([0.775, 0.7]),
    ]
    assert len({c["marker"]["color"] for c in candidates}) == 2


def test_a_raced_trial_is_a_cross_at_the_folds_that_it_did() -> None:
    chart = trials_over_time(two_candidates(), "AUC")
    crosses = figure_of(chart)["data"][-1]
    assert (crosses["name"], crosses["y"]) == ("raced out", [0.6])
    assert "raced out after 1 of 2 folds" in crosses["text"][0]
    assert chart is not None
    assert "only the points compare" in chart.note


def test_ks_is_marked_where_the_curves_are_furthest_apart() -> None:
    values = evaluation_values()
    values["curves"]["ks"] = {
        "score": [0.1, 0.4, 0.7],
        "positive": [0.1, 0.3, 1.0],
        "negative": [0.4, 0.9, 1.0],
    }
    evaluation = Evaluation.from_json(json.dumps(values))
    chart = next(c for c in holdout_charts(evaluation) if c.key == "ks")
    marked = figure_of(chart)["data"][2]
    assert marked["x"] == [0.4, 0.4]
    assert marked["y"] == [0.3, 0.9]


def precision_recall_trace(recall: list[float], precision: list[float]) -> dict[str, Any]:
    values = evaluation_values()
    values["curves"]["precision_recall"] = {"recall": recall, "precision": precision}
    evaluation = Evaluation.from_json(json.dumps(values))
    trace: dict[str, Any] = figure_of(precision_recall(evaluation))["data"][1]
    return trace


@settings(deadline=None, max_examples=30)
@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_the_area_under_the_drawn_steps_is_the_average_precision(outcomes: list[bool]) -> None:
    """Rows from the highest score to the lowest; the chart's line goes up first, then right."""
    found = list(accumulate(outcomes))
    recall = [n / found[-1] for n in found]
    precision = [n / rows for rows, n in enumerate(found, 1)]
    before = [0.0, *recall[:-1]]
    average = sum((r - b) * p for r, b, p in zip(recall, before, precision, strict=True))
    trace = precision_recall_trace(recall, precision)
    assert trace["line"]["shape"] == "vh"
    corners = list(zip(trace["x"], trace["y"], strict=True))
    area = sum((x - left) * y for (left, _), (x, y) in pairwise(corners))
    assert area == pytest.approx(average)


def test_precision_starts_at_the_first_row_that_is_found() -> None:
    trace = precision_recall_trace([0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.4, 0.5])
    assert (trace["x"], trace["y"]) == ([0.0, 0.5, 1.0], [0.4, 0.4, 0.5])


def test_labels_that_are_numbers_are_quoted_beside_the_target() -> None:
    values = evaluation_values()
    values["card"]["data"] = {"target": "is_bad", "positive_label": "1", "negative_label": "<0"}
    evaluation = Evaluation.from_json(json.dumps(values))
    charts = {chart.key: chart for chart in holdout_charts(evaluation)}
    names = [trace["name"] for trace in figure_of(charts["ks"])["data"]]
    assert names[:2] == ['is_bad = "&lt;0"', 'is_bad = "1"']
    assert 'rows with is_bad = "1"' in charts["precision-recall"].note


def test_importance_is_sorted_and_counts_unused_features() -> None:
    evaluation = Evaluation.from_json(json.dumps(evaluation_values()))
    chart = next(c for c in holdout_charts(evaluation) if c.key == "importance")
    shown = figure_of(chart)["data"][0]
    assert shown["x"] == sorted(shown["x"])
    assert "4 are not used by the model" in chart.note


def test_a_long_feature_name_is_shortened_beside_the_bars_and_whole_under_the_pointer() -> None:
    long = "number_of_people_being_liable_to_provide_maintenance_for"
    values: dict[str, Any] = evaluation_values()
    values["importance"] = [
        {"feature": long, "gain": 2.0, "splits": 3},
        {"feature": "housing", "gain": 1.0, "splits": 3},
    ]
    evaluation = Evaluation.from_json(json.dumps(values))
    chart = next(c for c in holdout_charts(evaluation) if c.key == "importance")
    figure = figure_of(chart)
    assert figure["layout"]["yaxis"]["ticktext"] == ["housing", "number_of_peopl…aintenance_for"]
    assert figure["data"][0]["hovertext"] == ["housing", long]
    assert chart.minimum_width > 0


def test_a_figure_cannot_end_its_script_element() -> None:
    drawn = figure(x="</script><script>alert(1)</script>", y="")
    chart = Chart(key="k", title="t", note="", summary="", figure=drawn)
    assert "</script" not in chart.json
    assert "</script>" in json.loads(chart.json)["layout"]["xaxis"]["title"]["text"]


@given(st.floats(min_value=1e-8, max_value=1e8), st.floats(min_value=1.0, max_value=1e8))
def test_log_ticks_lie_within_the_range(minimum: float, factor: float) -> None:
    maximum = minimum * factor
    ticks = log_ticks(minimum, maximum)
    assert ticks
    assert all(minimum <= tick <= maximum for tick in ticks)


@pytest.mark.parametrize(
    "value, shown", [("0.0312847", "0.03128"), ("57", "57"), ("gbdt", "gbdt"), ("", "")]
)
def test_numbers_are_shortened_and_texts_left_alone(value: str, shown: str) -> None:
    assert short_number(value) == shown


@pytest.mark.parametrize("count, said", [(19, False), (20, True)])
def test_few_trials_are_no_evidence_that_a_hyperparameter_does_not_matter(
    count: int, said: bool
) -> None:
    note = parameter_effect(tuning(random_trials(count)), "AUC").note
    assert ("did not matter" in note) is said


def test_a_chart_and_a_table_wider_than_the_page_scroll() -> None:
    text = render(report_data(), at(0))
    assert 'data-figure="figure-parameters-tuning-job" style="min-width: 660px"' in text
    assert text.count('<div class="sideways">') == text.count('class="plot"')
    assert text.count("<table") == text.count('<div class="scroll"><table')
