"""The linear model against solutions that are found another way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.containers.trainer.algorithms.fitting import DATA, NUMBERS, TRAIN, final, table
from warmfold_features.linear_model import FeatureBins, LinearModel, logistic
from warmfold_trainer.algorithms import packed_bins
from warmfold_trainer.algorithms.linear import LinearBins
from warmfold_trainer.algorithms.linear_solver import Penalties, Solution, solve
from warmfold_trainer.algorithms.packed_bins import PackedBins
from warmfold_trainer.algorithms.quasi_newton import minimize

BINS = LinearBins(table(), 8)
MASK = np.zeros(DATA.rows)
MASK[TRAIN] = 1.0
LABELS = DATA.target.astype(np.float64)


def one_hot(bins: PackedBins) -> np.ndarray:
    """The matrix itself, a column for each bin."""
    return np.stack([bins.times(column) for column in np.eye(bins.columns)], axis=1)


def logistic_fit(l1: float, l2: float) -> Solution:
    penalties = Penalties(l1=l1, l2=l2)
    return solve(BINS.packed, LABELS, MASK, "logistic", penalties, max_iterations=2000)


def test_every_row_has_one_bin_of_each_feature() -> None:
    matrix = one_hot(BINS.packed)
    assert set(np.unique(matrix)) == {0.0, 1.0}
    assert (matrix.sum(axis=1) == len(BINS.bins)).all()
    missing = np.isnan(DATA.features[:, 0])
    np.testing.assert_array_equal(matrix[:, 0] == 1, missing)


@settings(max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 20_000))
def test_sums_over_bins_are_the_same_however_features_are_packed(
    levels: list[int], limit: int
) -> None:
    random = np.random.default_rng(len(levels))
    features = np.stack([random.integers(0, n, 50) for n in levels], axis=1).astype(np.float32)
    features[random.random(features.shape) < 0.1] = np.nan
    bins = [FeatureBins(name=str(n), levels=count) for n, count in enumerate(levels)]
    before, packed_bins._MAX_CODES = packed_bins._MAX_CODES, limit
    try:
        packed = PackedBins(features, bins)
    finally:
        packed_bins._MAX_CODES = before
    weights = [random.normal(size=feature.count) for feature in bins]
    codes = [feature.codes(features[:, n]) for n, feature in enumerate(bins)]
    expected = sum(w[c] for w, c in zip(weights, codes, strict=True))
    np.testing.assert_allclose(packed.times(np.concatenate(weights)), expected, atol=1e-12)
    values = random.normal(size=50)
    sums = [
        [values[c == k].sum() for k in range(f.count)] for f, c in zip(bins, codes, strict=True)
    ]
    np.testing.assert_allclose(packed.transposed_times(values), np.concatenate(sums), atol=1e-12)


@pytest.mark.parametrize("l2", [0.01, 1.0, 100.0])
def test_a_ridge_regression_is_that_of_the_normal_equations(l2: float) -> None:
    found = solve(
        BINS.packed, NUMBERS, MASK, "identity", Penalties(l1=0.0, l2=l2), max_iterations=2000
    )
    rows = np.column_stack([np.ones(DATA.rows), one_hot(BINS.packed)])[TRAIN]
    target = NUMBERS[TRAIN]
    scale = target.std()
    penalty = np.diag([0.0, *[l2] * BINS.packed.columns])
    exact = np.linalg.lstsq(
        rows.T @ rows + penalty, rows.T @ (target - target.mean()) / scale, rcond=None
    )[0]
    np.testing.assert_allclose(
        (found.intercept + BINS.packed.times(found.weights))[TRAIN],
        target.mean() + scale * (rows @ exact),
        atol=1e-2 * scale,
    )
    np.testing.assert_allclose(found.weights / scale, exact[1:], atol=5e-3)


@pytest.mark.parametrize("l1,l2", [(0.0, 1.0), (0.0, 30.0), (2.0, 1.0), (10.0, 0.1)])
def test_a_logistic_regression_meets_the_conditions_of_its_minimum(l1: float, l2: float) -> None:
    found = logistic_fit(l1, l2)
    errors = (logistic(found.intercept + BINS.packed.times(found.weights)) - LABELS) * MASK
    slope = one_hot(BINS.packed).T @ errors + l2 * found.weights
    assert abs(errors.sum()) < 0.05
    at_zero = found.weights == 0
    assert (np.abs(slope[at_zero]) <= l1 + 0.05).all()
    np.testing.assert_allclose(slope[~at_zero], -l1 * np.sign(found.weights[~at_zero]), atol=0.05)


def test_an_l1_penalty_leaves_weights_out_and_a_large_one_all_of_them() -> None:
    zeros = [int((logistic_fit(l1, 0.1).weights == 0).sum()) for l1 in (0.0, 2.0, 10.0, 1e5)]
    assert zeros == sorted(zeros)
    assert zeros[1] > zeros[0]
    assert zeros[-1] == BINS.packed.columns
    base = LABELS[TRAIN].mean()
    assert logistic(np.array([logistic_fit(1e5, 0.1).intercept]))[0] == pytest.approx(
        base, abs=1e-3
    )


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.floats(0, 3))
def test_the_minimum_of_separate_parabolas_is_known(centers: list[float], penalty: float) -> None:
    center = np.array(centers)
    curvature = np.arange(1.0, len(center) + 1)

    def smooth(at: np.ndarray) -> tuple[float, np.ndarray]:
        return float((curvature / 2 * (at - center) ** 2).sum()), curvature * (at - center)

    start = np.zeros(len(center))
    found = minimize(smooth, start, np.full(len(center), penalty), max_iterations=500)
    expected = np.sign(center) * np.maximum(np.abs(center) - penalty / curvature, 0)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_no_more_iterations_than_allowed_and_never_a_worse_point() -> None:
    values = []
    for iterations in (1, 2, 5, 50):
        found = solve(
            BINS.packed,
            LABELS,
            MASK,
            "logistic",
            Penalties(l1=0.0, l2=1.0),
            max_iterations=iterations,
        )
        raw = found.intercept + BINS.packed.times(found.weights)
        loss = ((np.logaddexp(0, raw) - LABELS * raw) * MASK).sum()
        values.append(loss + (found.weights**2).sum() / 2)
    assert values == sorted(values, reverse=True)


def test_bins_of_few_values_hold_one_value_each_and_those_of_many_about_as_many_rows() -> None:
    features = DATA.features.copy()
    features[:, 2] = np.arange(DATA.rows) % 3
    rows = table()
    bins = LinearBins(type(rows)(**{**vars(rows), "features": features}), 8)
    assert bins.bins[2].edges == (0.0, 1.0)
    assert len(bins.bins[0].edges) == 7
    assert bins.rows[0][1:].max() - bins.rows[0][1:].min() <= 2


def test_a_saved_model_reads_numbers_and_categories_beyond_what_it_has_seen() -> None:
    model = final("linear", table(), rounds=1)
    features = np.array([[1e30, 7.0, -1e30], [np.nan, np.nan, np.nan]], dtype=np.float32)
    predicted = model.predict(features)
    assert ((predicted > 0) & (predicted < 1)).all()
    one_by_one = [model.predict(features[at : at + 1])[0] for at in range(2)]
    assert predicted.tolist() == one_by_one


def test_text_of_a_model_is_read_back_as_it_was() -> None:
    model = LinearModel(
        features=[FeatureBins(name="x", edges=(0.5, 2.0)), FeatureBins(name="c", levels=1)],
        weights=[np.array([0.1, 0.2, -0.3, 1e-9]), np.array([0.0, 1 / 3])],
        rows=[np.array([1, 2, 3, 4]), np.array([5, 5])],
        intercept=-0.25,
        link="identity",
    )
    again = LinearModel.from_json(model.to_json())
    assert again.to_json() == model.to_json()
    matrix = np.array([[0.5, 0], [0.6, np.nan], [9, 3], [np.nan, 0]], dtype=np.float32)
    assert again.predict(matrix).tolist() == [
        -0.25 + 0.2 + 1 / 3,
        -0.25 - 0.3 + 0.0,
        -0.25 + 1e-9 + 0.0,
        -0.25 + 0.1 + 1 / 3,
    ]
