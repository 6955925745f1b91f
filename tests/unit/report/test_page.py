"""The report page: self-contained, escaped, and made of nothing but its input."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.report.builders import (
    ARN,
    HOSTILE,
    at,
    evaluation_values,
    random_trials,
    report_data,
    run,
    trial,
    tuning,
)
from tests.unit.report.html_page import Page
from warmfold.errors import WarmfoldError
from warmfold.report.collect import Package, ReportData
from warmfold.report.evaluation import Evaluation
from warmfold.report.page import render, write
from warmfold.runs.records import Parameter

MADE_AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)

_LOADING = {"src", "href", "action", "data", "poster", "srcset", "background", "formaction"}


@pytest.fixture(scope="module")
def text() -> str:
    return render(report_data(), MADE_AT)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    loading = [value for name, value in page.attributes if name in _LOADING]
    assert loading
    assert all(value is not None and value.startswith("#") for value in loading)
    assert not {"link", "iframe", "object", "embed", "base", "img"} & set(page.tags)


def test_the_page_forbids_itself_the_network(text: str) -> None:
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\(", text[text.index("<style>") : text.index("</style>")])


def test_plotly_is_inlined_once(text: str) -> None:
    assert text.count("plotly.js v") == 1


def test_every_figure_is_drawn_from_valid_json_under_its_own_id(page: Page) -> None:
    drawn = [value for name, value in page.attributes if name == "data-figure"]
    assert len(drawn) == len(set(drawn)) == 8
    for key in drawn:
        assert key is not None
        assert {"data", "layout"} == set(json.loads(page.figures[key]))
    assert len(page.ids) == len(set(page.ids))


def test_every_figure_has_a_title_that_a_screen_reader_finds(page: Page) -> None:
    labelled = [value for name, value in page.attributes if name == "aria-labelledby"]
    assert labelled
    assert set(labelled) <= set(page.ids)
    labels = [value for name, value in page.attributes if name == "aria-label"]
    assert any(value is not None and value.startswith("ROC: AUC 0.781") for value in labels)


def test_the_summary_tells_of_the_champion_and_of_the_calibration() -> None:
    values = evaluation_values()
    values["champion"] = {"status": "none"}
    values["calibration"] = {"method": "platt", "slope": 1.1, "intercept": 0.0}
    data = report_data(evaluation=Evaluation.from_json(json.dumps(values)))
    text = Page(render(data, MADE_AT)).text
    assert "No version was approved when the model was evaluated" in text
    assert "The scores are calibrated (Platt's method)." in text


def hostile_data() -> ReportData:
    """Names from data and configuration that try to become markup, in every place."""
    trials = tuple(
        replace(
            t,
            hyperparameters={HOSTILE: "0.5", "boosting": HOSTILE},
            job_name=f"job-{t.number}{HOSTILE}",
            failure_reason=HOSTILE,
        )
        for t in random_trials()
    )
    values = evaluation_values()
    values["champion"] = {"status": "not_comparable", "version": 2, "reason": HOSTILE}
    values["calibration"] = {"method": HOSTILE}
    values["importance"] = [{"feature": f"</script>{HOSTILE}", "gain": 2.0, "splits": 3}]
    values["card"] = {HOSTILE: {"levels": ["... < 0 DM", HOSTILE], "n": [{HOSTILE: HOSTILE}]}}
    base = report_data()
    parameters = tuple(
        replace(p, name=name)
        for p, name in zip(
            base.run.tunings[0].parameters, (HOSTILE, "a", "b", "boosting"), strict=True
        )
    )
    tuned = tuning(trials, candidate=HOSTILE, parameters=parameters)
    return report_data(
        model=HOSTILE,
        environment=HOSTILE,
        run=run(trials, tunings=(tuned, replace(tuned, job_name="other"))),
        evaluation=Evaluation.from_json(json.dumps(values)),
        package=replace(base.package, metadata={HOSTILE: HOSTILE}, approval="Approved"),
    )


def test_hostile_names_stay_text() -> None:
    text = render(hostile_data(), MADE_AT)
    page = Page(text)
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name == "onerror"]
    assert "<img" not in text
    assert page.tags.count("script") == len(page.figures) + 2
    assert "... < 0 DM" in page.text


def test_hostile_names_are_escaped_in_plotly_labels_too() -> None:
    page = Page(render(hostile_data(), MADE_AT))
    figures = [json.loads(text) for text in page.figures.values() if '"layout"' in text]
    labels = json.dumps(figures)
    assert "&lt;img src=x onerror=alert(1)&gt;" in labels
    assert "<img" not in labels


def test_all_numbers_come_from_the_input(page: Page) -> None:
    data = report_data()
    for value in data.evaluation.metrics.values():
        assert f"{value:.3f}" in page.text
    for tried in data.run.tunings[0].trials:
        assert f"{tried.score:.4f}" in page.text
        assert all(f"{score:.4f}" in page.text for score in tried.fold_scores)
    plotted = json.loads(page.figures["figure-roc"])["data"][1]
    assert plotted["x"] == list(data.evaluation.roc[0])
    assert plotted["y"] == list(data.evaluation.roc[1])


def test_other_input_gives_other_numbers() -> None:
    values = evaluation_values()
    values["metrics"]["ks"] = 0.123456
    text = render(
        report_data(evaluation=Evaluation.from_json(json.dumps(values))),
        MADE_AT,
    )
    page = Page(text)
    assert "0.123" in page.text
    assert "0.438" not in page.text


def test_provenance_and_card_are_on_the_page(page: Page) -> None:
    for expected in (
        "Git commit",
        "ab" * 32,
        f"{ARN}model-package/warmfold-local-german-credit/1",
        "No reject inference.",
        "manifest.json",
        "RegisterModel",
    ):
        assert expected in page.text


def test_a_rejected_model_is_said_to_be_rejected() -> None:
    package = Package(
        arn=ARN, group="group", version=4, approval="Rejected", created_at=at(1), metadata={}
    )
    text = Page(render(report_data(package=package, minimum_score=0.9), MADE_AT)).text
    assert "registered as Rejected: it cannot be deployed" in text


def test_a_run_without_a_batch_or_with_a_failed_trial_still_gives_a_page() -> None:
    failed = trial(
        13, (), score=None, score_std=None, status="Failed", failure_reason="AlgorithmError: why"
    )
    trials = (*random_trials(3), failed)
    text = Page(render(report_data(batch=None, run=run(trials)), MADE_AT)).text
    assert "AlgorithmError: why" in text
    assert "Daily batch" not in text


def test_the_same_input_gives_the_same_page(text: str) -> None:
    assert render(report_data(), MADE_AT) == text


def test_writing_makes_the_folder(tmp_path: Path) -> None:
    path = write(report_data(), tmp_path / "a folder" / "report.html", MADE_AT)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_what_the_project_leaves_empty_is_no_row_of_the_card() -> None:
    values = evaluation_values()
    values["card"] |= {"description": "", "intended_use": None, "limits": []}
    evaluation = Evaluation.from_json(json.dumps(values))
    shown = Page(render(report_data(evaluation=evaluation), MADE_AT)).text
    assert "Hyperparameters" in shown
    for heading in ("Description", "Intended use", "Limits"):
        assert heading not in shown


def test_scores_that_are_off_are_said_to_be_in_short() -> None:
    values = evaluation_values()
    for one in values["curves"]["calibration"]:
        one["observed_rate"] = 0.0
    evaluation = Evaluation.from_json(json.dumps(values))
    text = Page(render(report_data(evaluation=evaluation), MADE_AT)).text
    assert "Calibration is off: scores are too high" in text[: text.index("The search")]


def two_candidates() -> ReportData:
    """One candidate searched by a tuning job, one in a single job with a trial raced out."""
    linear = replace(
        tuning(random_trials(5, seed=3)),
        candidate="linear",
        job_name="search-job",
        kind="in_job",
        algorithm="linear",
        task="regression",
        feature_set="ratios",
        parameters=(Parameter(name="l2", kind="continuous", logarithmic=True),),
    )
    raced = replace(
        linear.trials[0], score=None, raced=True, reason="hopeless", fold_scores=(0.6, 0.5)
    )
    gbdt = report_data().run.tunings[0]
    searched = replace(
        linear,
        trials=tuple(
            replace(t, hyperparameters={"l2": f"{t.number}"}) for t in (raced, *linear.trials[1:])
        ),
    )
    return report_data(run=run((), tunings=(searched, replace(gbdt, algorithm="lightgbm"))))


def test_candidates_of_both_kinds_are_compared_in_one_table_and_one_chart() -> None:
    text = render(two_candidates(), MADE_AT)
    page = Page(text)
    assert "Which candidate is best?" in text
    assert "a tuning job" in text
    assert "one search job" in text
    over_time = json.loads(page.figures["figure-trials-over-time"])
    names = [trace["name"] for trace in over_time["data"]]
    assert names == ["best so far", "linear", "lightgbm", "raced out"]
    scores = {c.candidate: c.ranked[0].score or 0.0 for c in two_candidates().run.tunings}
    winner = max(scores, key=lambda name: scores[name])
    assert f"<td>1</td><td>{winner}</td>" in text
    assert f"The best of {winner} leads" in text
    assert all(f"<td>{score:.4f}</td>" in text for score in scores.values())


def test_a_raced_trial_is_shown_as_raced_and_not_as_failed() -> None:
    text = render(two_candidates(), MADE_AT)
    assert "Raced out: hopeless" in text
    assert "4 complete trials of 12" in text
    assert "1 raced out" in text


def test_a_search_that_ended_early_says_why() -> None:
    data = two_candidates()
    why = "converged after 4 of 12 trials: expected improvement below 0.0001, 5 times in a row"
    assert "converged after" not in render(data, MADE_AT)
    tunings = tuple(replace(tuning, ended_early=why) for tuning in data.run.tunings)
    ended = replace(data, run=replace(data.run, tunings=tunings))
    assert f"; {why}. " in render(ended, MADE_AT)


def test_a_report_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WarmfoldError, match=r"report\.html cannot be written: .*another file$"):
        write(report_data(), tmp_path / "file" / "report.html", MADE_AT)
