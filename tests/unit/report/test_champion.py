"""What the report says of the approved version and of the calibration."""

import json
from typing import Any

import pytest

from tests.unit.report.builders import evaluation_values
from warmfold.errors import WarmfoldError
from warmfold.report.champion import champion_sentence, choice_sentence
from warmfold.report.evaluation import Evaluation

COMPARED = {
    "status": "compared",
    "version": 3,
    "model_package_arn": "arn",
    "score": 0.77,
    "difference": 0.01125,
    "interval": [0.002, 0.02],
    "clean": True,
}
LOSSES = {"none": 0.5123, "platt": 0.502, "isotonic": 0.51}


def evaluation(**changes: Any) -> Evaluation:
    return Evaluation.from_json(json.dumps({**evaluation_values(), **changes}))


def sentence(champion: dict[str, Any], *, maximize: bool = True) -> str:
    return champion_sentence(evaluation(champion=champion).champion, "AUC", maximize=maximize)


def calibration(values: dict[str, Any] | None, **out_of_fold: Any) -> str:
    cv = {**evaluation_values()["cross_validation"], "out_of_fold": out_of_fold}
    return choice_sentence(evaluation(calibration=values, cross_validation=cv).calibration_choice)


def test_of_an_older_run_nothing_is_said() -> None:
    older = evaluation()
    assert champion_sentence(older.champion, "AUC", maximize=True) == ""
    assert choice_sentence(older.calibration_choice) == ""


def test_a_clear_gain_is_told_with_its_interval() -> None:
    assert sentence(COMPARED) == (
        "On the same hold-out rows AUC of version 3 (the latest approved one at the time) is "
        "0.7700: the new model is better by 0.0112 (difference +0.0112, 95 % interval +0.0020 to "
        "+0.0200)."
    )


@pytest.mark.parametrize(
    "difference, maximize, words",
    [
        (-0.01, True, "is worse by 0.0100 (difference -0.0100"),
        (-0.01, False, "is better by 0.0100 (difference -0.0100"),
        (0.01, False, "is worse by 0.0100 (difference +0.0100"),
        (0.0, True, "is as good (difference +0.0000"),
    ],
)
def test_better_depends_on_the_metric(difference: float, maximize: bool, words: str) -> None:
    assert words in sentence({**COMPARED, "difference": difference}, maximize=maximize)


def test_an_interval_around_0_decides_nothing() -> None:
    words = "The interval includes 0: these rows do not tell the two apart."
    assert words in sentence({**COMPARED, "interval": [-0.01, 0.03]})
    assert words not in sentence(COMPARED)


def test_too_few_rows_have_no_interval() -> None:
    said = sentence({**COMPARED, "interval": None})
    assert "95 %" not in said
    assert said.endswith("The rows are too few for an interval.")


def test_a_champion_that_may_know_the_rows_is_called_flattered() -> None:
    assert sentence({**COMPARED, "clean": False}).endswith("which flatters it.")


@pytest.mark.parametrize(
    "champion, words",
    [
        ({"status": "none"}, "No version was approved"),
        ({"status": "lost", "version": 2}, "version 2 (the latest approved one at the time): its"),
        ({"status": "lost"}, "the latest approved version: its artifact has been deleted."),
        ({"status": "not_comparable", "version": 2, "reason": "it is old"}, "time): it is old."),
    ],
)
def test_without_a_comparison_the_reason_is_told(champion: dict[str, Any], words: str) -> None:
    assert words in sentence(champion)


def test_a_status_that_is_not_known_is_refused_with_a_remedy() -> None:
    with pytest.raises(WarmfoldError, match=r"status 'draw'.*use the warmfold version"):
        evaluation(champion={"status": "draw"})


def test_a_comparison_without_a_member_is_incomplete() -> None:
    with pytest.raises(WarmfoldError, match="incomplete: 'clean'"):
        evaluation(champion={k: v for k, v in COMPARED.items() if k != "clean"})


def test_a_calibration_is_told_with_what_chose_it() -> None:
    said = calibration({"method": "platt"}, rows=800, log_loss_by_calibration=LOSSES)
    assert said.startswith("The scores are calibrated (Platt's method). Mean log loss")
    assert "on 800 out-of-fold rows, by calibration: none 0.5123, Platt's 0.5020, iso" in said


def test_no_calibration_is_told_too() -> None:
    said = calibration({"method": "none"}, rows=800, log_loss_by_calibration=LOSSES)
    assert said.startswith("The scores are as the model gives them: no calibration was chosen.")


def test_a_regression_has_no_calibration() -> None:
    assert calibration(None, rows=800, log_loss_by_calibration=None) == ""
