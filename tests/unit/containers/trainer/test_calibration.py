"""Calibration: chosen by what the out-of-fold scores show, and never turning an order."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warmfold_contract.errors import UserError
from warmfold_features.calibration import Calibration, calibration_of, log_odds, probability
from warmfold_trainer.calibration import Choice, OutOfFold, choose_calibration


def rows_of(score: np.ndarray, probability: np.ndarray, *, seed: int = 0) -> OutOfFold:
    """Rows whose true probabilities are known."""
    generator = np.random.default_rng([seed, 1])  # not the stream that made the scores
    return OutOfFold(
        score=score[:, np.newaxis],
        target=(generator.random(len(score)) < probability).astype(np.uint8),
        fold=(np.arange(len(score)) % 5 + 1).astype(np.int16),
    )


def chosen(score: np.ndarray, probability: np.ndarray, *, seed: int = 0) -> Choice:
    return choose_calibration(rows_of(score, probability, seed=seed))


def uniform(rows: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.01, 0.99, rows)


@pytest.mark.parametrize("seed", range(5))
def test_scores_that_are_probabilities_stay_as_they_are(seed: int) -> None:
    score = uniform(20_000, seed)
    calibration = chosen(score, score, seed=seed).calibration
    assert np.abs(calibration.apply(score) - score).mean() < 0.01


def test_log_odds_that_are_stretched_are_pulled_back() -> None:
    truth = uniform(20_000)
    score = 1 / (1 + np.exp(-(2 * log_odds(truth) + 1)))
    choice = chosen(score, truth)
    assert choice.calibration.method == "platt"
    assert choice.calibration.slope == pytest.approx(0.5, abs=0.03)
    assert choice.calibration.intercept == pytest.approx(-0.5, abs=0.05)
    assert choice.log_losses["platt"] < choice.log_losses["none"]


def test_repeats_are_calibrated_as_the_one_model_that_is_trained() -> None:
    generator = np.random.default_rng(4)
    truth = generator.normal(size=20_000)
    # Each repeat's model is overconfident in its own way; their mean is much less so.
    odds = truth[:, np.newaxis] + generator.normal(size=(len(truth), 5))
    repeats = OutOfFold(
        score=probability(odds),
        target=(generator.random(len(truth)) < probability(truth)).astype(np.uint8),
        fold=(np.arange(len(truth)) % 5 + 1).astype(np.int16),
    )
    alone = replace(repeats, score=repeats.score[:, :1])
    mean = replace(repeats, score=repeats.score.mean(axis=1, keepdims=True))
    slopes = [choose_calibration(rows).calibration.slope for rows in (repeats, alone, mean)]
    assert slopes[0] == pytest.approx(slopes[1], abs=0.03)
    assert slopes[2] > slopes[0] + 0.2


def test_rows_scored_twice_alike_are_calibrated_as_if_scored_once() -> None:
    truth = uniform(2_000)
    once = rows_of(np.sqrt(truth), truth)
    twice = replace(once, score=np.repeat(once.score, 2, axis=1))
    one, two = choose_calibration(once), choose_calibration(twice)
    assert one.calibration.method != "none"
    assert two.calibration.method == one.calibration.method
    grid = np.linspace(0, 1, 101)
    np.testing.assert_allclose(two.calibration.apply(grid), one.calibration.apply(grid))
    assert two.log_losses == pytest.approx(one.log_losses)


def test_a_bend_that_no_line_follows_takes_the_free_map() -> None:
    score = uniform(40_000)
    truth = np.where(score < 0.5, 0.1, np.where(score < 0.8, 0.3, 0.9))
    choice = chosen(score, truth)
    assert choice.calibration.method == "isotonic"
    assert np.abs(choice.calibration.apply(score) - truth).mean() < 0.03


def test_too_few_rows_speak_for_nothing() -> None:
    score = uniform(40)
    assert chosen(score, score).calibration.method == "none"


def test_separated_classes_have_an_end() -> None:
    target = np.array([0, 1] * 50, dtype=np.uint8)
    rows = OutOfFold(
        score=np.where(target == 1, 0.9, 0.1)[:, np.newaxis],
        target=target,
        fold=(np.arange(100) % 5 + 1).astype(np.int16),
    )
    calibrated = choose_calibration(rows).calibration.apply(rows.score[:, 0])
    assert np.isfinite(calibrated).all()
    assert (calibrated[target == 1] > calibrated[target == 0].max()).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=10, max_size=200),
    st.integers(0, 2**31),
)
def test_the_order_of_scores_stays_and_the_result_is_a_probability(
    values: list[float], seed: int
) -> None:
    score = np.array(values)
    target = np.random.default_rng(seed).integers(0, 2, len(score)).astype(np.uint8)
    fold = (np.arange(len(score)) % 2 + 1).astype(np.int16)
    rows = OutOfFold(score=score[:, np.newaxis], target=target, fold=fold)
    calibration = choose_calibration(rows).calibration
    grid = np.linspace(0, 1, 301)
    applied = calibration.apply(grid)
    assert (np.diff(applied) >= 0).all()
    assert ((applied >= 0) & (applied <= 1)).all()
    read_back = calibration_of(json.loads(json.dumps(calibration.to_dict())))
    assert read_back == calibration


@pytest.mark.parametrize(
    "values",
    [
        {"method": "beta"},
        {"method": "platt", "slope": -1.0, "intercept": 0.0},
        {"method": "platt", "slope": float("nan"), "intercept": 0.0},
        {"method": "platt", "slope": "1", "intercept": 0.0},
        {"method": "isotonic", "scores": [0.1, 0.2], "rates": [0.2, 0.1]},
        {"method": "isotonic", "scores": [0.1], "rates": [0.2, 0.3]},
        {"method": "isotonic", "scores": [], "rates": []},
        {"method": "isotonic", "scores": [0.1, 0.2], "rates": [0.2, 1.1]},
        {"method": "isotonic", "scores": ["x"], "rates": [0.2]},
        {"method": "none", "slope": 2.0},
        {"unknown": 1},
    ],
)
def test_a_calibration_that_is_not_sound_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(UserError, match="calibration"):
        calibration_of(values)


def test_a_model_without_calibration_gives_its_scores() -> None:
    assert calibration_of(None) == Calibration()
