"""Metrics of numbers against their definitions, written out row by row."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_trainer.regression_scores import mae, quantile_loss, r2, rmse
from warmfold_trainer.scores import ScoreError

NUMBER = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
PAIRS = st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=30)
Pairs = list[tuple[float, float]]


def arrays(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    target, score = zip(*pairs, strict=True)
    return np.array(target), np.array(score)


@given(PAIRS)
def test_rmse_and_mae_are_of_the_errors_of_the_rows(pairs: Pairs) -> None:
    squares = [(t - s) ** 2 for t, s in pairs]
    assert rmse(*arrays(pairs)) == pytest.approx(math.sqrt(math.fsum(squares) / len(pairs)))
    absolute = [abs(t - s) for t, s in pairs]
    assert mae(*arrays(pairs)) == pytest.approx(math.fsum(absolute) / len(pairs))


@given(PAIRS.filter(lambda pairs: max(t for t, _ in pairs) - min(t for t, _ in pairs) > 0.01))
def test_r2_is_what_the_predictions_leave_of_the_variance(pairs: Pairs) -> None:
    mean = math.fsum(t for t, _ in pairs) / len(pairs)
    left = math.fsum((t - s) ** 2 for t, s in pairs)
    total = math.fsum((t - mean) ** 2 for t, _ in pairs)
    assert r2(*arrays(pairs)) == pytest.approx(1 - left / total, rel=1e-6)


def test_r2_is_1_for_the_target_itself_0_for_its_mean_and_negative_below() -> None:
    target = np.array([1.0, 2.0, 6.0])
    assert r2(target, target) == 1
    assert r2(target, np.full(3, 3.0)) == 0
    assert r2(target, -target) < 0


def test_r2_of_a_target_that_does_not_vary_does_not_exist() -> None:
    with pytest.raises(ScoreError, match="different targets"):
        r2(np.array([2.0, 2.0]), np.array([1.0, 2.0]))


@given(PAIRS, st.floats(0.01, 0.99))
def test_the_quantile_loss_weighs_errors_by_their_side(pairs: Pairs, quantile: float) -> None:
    losses = [(t - s) * quantile if t >= s else (s - t) * (1 - quantile) for t, s in pairs]
    found = quantile_loss(*arrays(pairs), quantile=quantile)
    assert found == pytest.approx(math.fsum(losses) / len(pairs))


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_no_constant_has_less_quantile_loss_than_the_quantile(quantile: float) -> None:
    target = np.random.default_rng(1).normal(size=201)

    def loss(constant: float) -> float:
        return quantile_loss(target, np.full(201, constant), quantile=quantile)

    best = min(target, key=loss)
    assert best == pytest.approx(np.quantile(target, quantile), abs=0.05)


@pytest.mark.parametrize("metric", [rmse, mae, r2])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_prediction_that_is_not_finite_has_no_metric(metric: object, bad: float) -> None:
    assert callable(metric)
    with pytest.raises(ScoreError, match="not finite"):
        metric(np.array([0.0, 1.0]), np.array([0.5, bad]))
