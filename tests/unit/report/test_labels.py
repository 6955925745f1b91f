"""Labels and numbers of the model card and of the provenance."""

from dataclasses import replace

import pytest

from tests.unit.report.builders import report_data
from tests.unit.report.test_page import MADE_AT
from warmfold.report.labels import label
from warmfold.report.page import render


@pytest.mark.parametrize(
    "key, text",
    [
        ("data_fingerprint", "Data fingerprint"),
        ("cv_score", "Cross-validated score"),
        ("cv_score_std", "Cross-validated score, standard deviation"),
        ("uri", "URI"),
        ("output_uri", "Output URI"),
        ("wheel_sha256", "Wheel SHA-256"),
        ("pipeline_execution_arn", "Pipeline execution ARN"),
        ("holdout_rows", "Hold-out rows"),
        ("pr_auc", "PR AUC"),
        ("project.profit", "profit"),
    ],
)
def test_keys_are_labelled_as_people_write_them(key: str, text: str) -> None:
    assert label(key) == text


@pytest.mark.parametrize("value, text", [(-0.25, "-0.25"), ("0.6588484055422128",) * 2, (31, "31")])
def test_a_number_of_the_model_card_is_in_one_piece(value: object, text: str) -> None:
    card = {"hyperparameters": {"feature_fraction": value}, "fold_scores": [value, "x"]}
    data = report_data()
    made = render(replace(data, evaluation=replace(data.evaluation, card=card)), MADE_AT)
    shown = f'<span class="number">{text}</span>'
    assert made.count(shown) == 2
    assert "dd .number { white-space: nowrap; }" in made
