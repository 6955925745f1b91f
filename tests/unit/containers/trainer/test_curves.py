"""The report's curves."""

import numpy as np
import pytest
from numpy.typing import NDArray

from warmfold_trainer.curves import (
    MAX_POINTS,
    calibration,
    curves,
    predicted_actual,
    regression_curves,
)
from warmfold_trainer.scores import auc, ks


def sample(rows: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    random = np.random.default_rng(5)
    target = (random.random(rows) < 0.3).astype(np.uint8)
    return target, np.clip(target * 0.2 + random.random(rows) * 0.8, 0, 1)


def test_no_curve_has_more_than_200_points_and_none_is_cut_off() -> None:
    made = curves(*sample(5000))
    for name in ("roc", "precision_recall", "ks"):
        lengths = {len(values) for values in made[name].values()}
        assert lengths == {MAX_POINTS}
    assert (made["roc"]["fpr"][0], made["roc"]["tpr"][0]) == (0, 0)
    assert (made["roc"]["fpr"][-1], made["roc"]["tpr"][-1]) == (1, 1)
    assert made["precision_recall"]["recall"][-1] == 1
    assert (made["ks"]["positive"][-1], made["ks"]["negative"][-1]) == (1, 1)


def test_the_roc_curve_keeps_its_area_when_it_is_thinned() -> None:
    target, score = sample(5000)
    roc = curves(target, score)["roc"]
    area = np.trapezoid(roc["tpr"], roc["fpr"])
    assert area == pytest.approx(auc(target, score), abs=1e-3)


def test_the_largest_gap_of_the_ks_curve_is_ks() -> None:
    target, score = sample(150)
    curve = curves(target, score)["ks"]
    gaps = np.abs(np.subtract(curve["positive"], curve["negative"]))
    assert gaps.max() == pytest.approx(ks(target, score), abs=1e-6)
    assert curve["score"] == sorted(curve["score"])


def test_calibration_bins_hold_every_row_once_in_order_of_score() -> None:
    target, score = sample(1000)
    bins = calibration(target, score)
    assert [entry["rows"] for entry in bins] == [100] * 10
    assert [entry["mean_score"] for entry in bins] == sorted(e["mean_score"] for e in bins)
    positives = sum(entry["observed_rate"] * entry["rows"] for entry in bins)
    assert positives == pytest.approx(target.sum())


def test_equal_scores_share_one_calibration_bin() -> None:
    bins = calibration(np.array([0, 1, 1], dtype=np.uint8), np.full(3, 0.4))
    assert bins == [
        {"mean_score": pytest.approx(0.4), "observed_rate": pytest.approx(2 / 3), "rows": 3}
    ]


def test_residuals_are_actual_less_predicted_at_each_share_of_the_rows() -> None:
    score = np.arange(101.0)
    found = regression_curves(score + np.arange(101.0)[::-1], score)["residuals"]
    assert found["quantile"][0] == 0
    assert found["quantile"][-1] == 1
    assert found["residual"] == pytest.approx(np.arange(101.0))


def test_predictions_stand_beside_the_mean_and_spread_of_what_was_actual() -> None:
    score = np.repeat(np.arange(20.0), 10)
    target = score * 2 + np.tile([-1.0, 1.0], 100)
    bins = predicted_actual(target, score)
    assert len(bins) == 10
    assert sum(entry["rows"] for entry in bins) == 200
    assert bins[0]["mean_score"] == 0.5
    assert bins[0]["mean_target"] == 1.0
    assert bins[0]["target_std"] == pytest.approx(np.std(target[:20]))
