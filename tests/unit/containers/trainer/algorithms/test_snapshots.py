"""Predictions that are kept while a fold is trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.containers.trainer.cross_validation_aids import AUC, prepared, settings_of
from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.tasks import CLASSIFICATION, REGRESSION
from warmfold_trainer.algorithms.protocol import FoldModel, RemembersTraining, Scores, Table
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.algorithms.snapshots import Snapshots, added_to, lost_digits
from warmfold_trainer.cross_validation import combined, fit_fold, table_of


def kept(snapshots: Snapshots) -> set[int]:
    found = [snapshots.closest(rounds) for rounds in range(1, 300)]
    return {one.rounds for one in found if one is not None}


def offered(rounds: int) -> Snapshots:
    snapshots = Snapshots(patience=20)
    for number in range(1, rounds + 1):
        snapshots.offer(number, np.full(3, float(number)))
    return snapshots


def test_the_latest_ones_of_every_few_rounds_are_kept() -> None:
    assert kept(offered(95)) == {60, 70, 80, 90}


def test_all_but_the_closest_are_let_go() -> None:
    snapshots = offered(95)
    snapshots.keep_closest(68)
    assert kept(snapshots) == {70}


def test_one_that_saves_no_work_is_let_go_too() -> None:
    snapshots = offered(95)
    snapshots.keep_closest(3)
    assert kept(snapshots) == set()


# Beyond 708 a probability near 0 has no full double any more.
RAW = st.floats(-800, 800)


def probability(odds: Scores) -> Scores:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-odds)))


@given(st.lists(RAW, min_size=1), RAW)
def test_probabilities_are_added_to_exactly_or_are_known_to_have_lost_digits(
    odds: list[float], raw: float
) -> None:
    before = np.array(odds)
    exact = np.delete(before, lost_digits(probability(before), CLASSIFICATION))
    added = added_to(probability(exact), np.full(len(exact), raw), CLASSIFICATION)
    np.testing.assert_allclose(added, probability(exact + raw), rtol=0, atol=1e-12)


def test_only_the_outermost_probabilities_have_lost_digits() -> None:
    predicted = np.array([0.0, 1e-200, 0.5, 0.9998, 0.99995, 1.0])
    assert lost_digits(predicted, CLASSIFICATION).tolist() == [0, 4, 5]
    assert lost_digits(predicted, REGRESSION).tolist() == []


@pytest.mark.parametrize("seed", range(6))
def test_saturated_probabilities_are_those_of_a_walk_through_all_trees_to_the_last_bit(
    seed: int,
) -> None:
    given = {
        "scale_pos_weight": "1000000",
        "learning_rate": "0.5",
        "min_sum_hessian_in_leaf": "1e-9",
        "min_data_in_leaf": "1",
    }
    data, settings = feature_set(seed=seed), settings_of(early_stopping_rounds="60", **given)
    model = fit_fold(prepared(data, settings), settings, AUC, 1, threads=1)
    assert isinstance(model, RemembersTraining)
    features = data.features[data.fold_rows(1)[1]]
    for rounds in (25, 30, 44, 60):
        start = model.remembered(rounds)
        assert start is not None
        known, walked = model.predict_on(features, start, rounds), model.predict(features, rounds)
        lost = lost_digits(start.predicted, CLASSIFICATION)
        assert len(lost) > 0
        np.testing.assert_array_equal(known[lost], walked[lost])
        np.testing.assert_allclose(known, walked, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_rank_metrics_differ_by_no_more_than_ties(seed: int, tmp_path: Path) -> None:
    data, settings = feature_set(rows=600, seed=seed), settings_of(early_stopping_rounds="30")
    trial = prepared(data, settings)
    models = [fit_fold(trial, settings, AUC, fold, threads=1) for fold in (1, 2, 3)]
    table = table_of(data, CLASSIFICATION)
    shipped = [reloaded(model, table, tmp_path) for model in models]
    one, other = (combined(data, folds, AUC, workers=1) for folds in (models, shipped))
    np.testing.assert_allclose(one.out_of_fold, other.out_of_fold, rtol=0, atol=1e-12)
    for fold, scores in enumerate(zip(one.fold_scores, other.fold_scores, strict=True), start=1):
        rows = data.fold_rows(fold)[1]
        assert abs(scores[0] - scores[1]) <= in_ties(data.target[rows], other.out_of_fold[rows])


def reloaded(model: FoldModel, table: Table, folder: Path) -> FoldModel:
    """As a fan-out's trial has it: without what was kept while it was trained."""
    model.save(folder)
    return algorithm_named("lightgbm").load_fold(folder, model.curve, table)


def in_ties(target: NDArray[Any], predicted: Scores) -> float:
    """The share of pairs of both classes that the last bits decide between."""
    between = predicted[target == 1][:, None] - predicted[target == 0]
    return float((np.abs(between) < 1e-12).mean()) + 1e-12
