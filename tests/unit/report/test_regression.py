"""What a report shows of a regression."""

import json
from datetime import UTC, datetime

import pytest

from tests.unit.report.builders import regression_values, report_data
from warmfold.errors import WarmfoldError
from warmfold.report.evaluation import Evaluation
from warmfold.report.holdout_charts import holdout_charts
from warmfold.report.page import render
from warmfold.report.regression_charts import residuals

EVALUATION = Evaluation.from_json(json.dumps(regression_values()))


def test_a_regression_has_charts_of_its_own() -> None:
    keys = [chart.key for chart in holdout_charts(EVALUATION)]
    assert keys == ["predicted-actual", "residuals", "importance"]


def test_the_residuals_are_told_in_words() -> None:
    assert EVALUATION.regression is not None
    chart = residuals(EVALUATION.regression)
    assert chart.title == "Residuals: eight of ten between -32 and 32"
    assert "median residual is 0;" in chart.summary


def test_the_page_of_a_regression_speaks_of_no_classes() -> None:
    data = report_data(evaluation=EVALUATION, minimum_score=None)
    page = render(data, datetime(2026, 3, 2, tzinfo=UTC))
    words = page.split("<script")[0]
    assert "RMSE" in words
    assert "18.250" in words
    assert "Measured on 200 hold-out rows that no training job has read." in page
    for word in ("Kolmogorov", "Brier", "positive rate", "calibration is off"):
        assert word not in words


@pytest.mark.parametrize("member", ["residuals", "predicted_actual"])
def test_a_missing_curve_is_named(member: str) -> None:
    values = regression_values()
    del values["curves"][member]
    with pytest.raises(WarmfoldError, match=f"evaluation.json is incomplete: '{member}'"):
        Evaluation.from_json(json.dumps(values))
