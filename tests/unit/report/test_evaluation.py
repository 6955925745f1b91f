"""Reading evaluation.json."""

import json

import pytest

from tests.unit.report.builders import evaluation_values, regression_values
from warmfold.errors import WarmfoldError
from warmfold.report.evaluation import Evaluation


def test_an_evaluation_is_read_whole() -> None:
    evaluation = Evaluation.from_json(json.dumps(evaluation_values()))
    assert (evaluation.rows, evaluation.positives) == (200, 60)
    assert evaluation.importance[0].name == "feature_0"


def test_a_regression_is_read_whole() -> None:
    evaluation = Evaluation.from_json(json.dumps(regression_values()))
    assert evaluation.regression is not None
    assert (evaluation.rows, len(evaluation.regression.bins)) == (200, 10)
    assert evaluation.calibration == ()


@pytest.mark.parametrize("member", sorted(set(evaluation_values()) - {"registration", "format"}))
def test_a_missing_member_is_named(member: str) -> None:
    values = evaluation_values()
    del values[member]
    with pytest.raises(WarmfoldError, match=member):
        Evaluation.from_json(json.dumps(values))


def test_another_format_is_refused_with_a_remedy() -> None:
    with pytest.raises(WarmfoldError, match="format 3"):
        Evaluation.from_json(json.dumps({**evaluation_values(), "format": 3}))
