"""The Gaussian process of a Bayesian search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warmfold_trainer.search.gaussian import Array, fitted


def hill(points: Array) -> Array:
    """Highest where the first coordinate is 0.3; the second hardly matters."""
    return np.asarray(0.8 - (points[:, 0] - 0.3) ** 2 + 0.001 * points[:, 1])


@pytest.fixture(scope="module")
def points() -> Array:
    return np.random.default_rng(1).random((30, 2))


def test_a_smooth_function_is_predicted_between_its_points(points: Array) -> None:
    process = fitted(points, hill(points), np.random.default_rng(2))
    unseen = np.random.default_rng(3).random((200, 2))
    mean, spread = process.predict(unseen)
    assert np.abs(mean - hill(unseen)).mean() < 0.1 * hill(unseen).std()
    assert (spread > 0).all()


def test_it_is_least_certain_far_from_its_points() -> None:
    near = np.random.default_rng(1).random((20, 2)) * 0.3
    process = fitted(near, hill(near), np.random.default_rng(2))
    _, spread = process.predict(np.array([[0.15, 0.15], [1.0, 1.0]]))
    assert spread[0] < spread[1]


def test_a_dimension_that_does_not_matter_is_longer(points: Array) -> None:
    process = fitted(points, hill(points), np.random.default_rng(2))
    first, second, _ = process.settings
    assert second > first


def test_noise_is_not_followed(points: Array) -> None:
    random = np.random.default_rng(4)
    process = fitted(points, random.normal(size=30), np.random.default_rng(2))
    mean, _ = process.predict(points)
    assert mean.std() < 0.9


def test_a_pending_point_is_as_certain_as_an_evaluated_one_and_moves_no_other(
    points: Array,
) -> None:
    process = fitted(points, hill(points), np.random.default_rng(2))
    pending = np.array([[0.95, 0.95]])
    after = process.with_pending(pending)
    assert after.predict(pending)[1][0] < process.predict(pending)[1][0]
    assert after.predict(pending)[0] == pytest.approx(process.predict(pending)[0], abs=0.005)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(2, 12),
    repeated=st.booleans(),
    value=st.sampled_from([0.0, 1e-12, 1.0, 1e9]),
    seed=st.integers(0, 100),
)
def test_it_is_finite_for_equal_points_and_equal_values(
    count: int, repeated: bool, value: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    points = np.repeat(random.random((1, 3)), count, 0) if repeated else random.random((count, 3))
    values = value * (random.random(count) if seed % 2 else np.ones(count))
    mean, spread = fitted(points, values, random).predict(random.random((5, 3)))
    assert np.isfinite(mean).all()
    assert np.isfinite(spread).all()
