"""Cross-validation inside one process."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.containers.trainer.cross_validation_aids import (
    AUC,
    ignore,
    prepared,
    run,
    settings_of,
    values,
)
from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.settings import Settings
from warmfold_contract.tasks import CLASSIFICATION
from warmfold_trainer.algorithms.protocol import (
    FinalModel,
    Matrix,
    Remembered,
    RemembersTraining,
    RoundScore,
    Rows,
    Scores,
    Table,
)
from warmfold_trainer.cross_validation import (
    CrossValidation,
    TrialData,
    combined,
    common_rounds,
    cross_validate,
    fit_fold,
    trial_data,
)
from warmfold_trainer.scores import ScoreError


def test_the_model_learns_and_knows_the_rows_it_trained_on_better() -> None:
    result = run()
    assert 0.65 < result.score < result.training_score <= 1
    assert result.score == pytest.approx(np.mean(result.fold_scores))
    assert result.score_std == pytest.approx(np.std(result.fold_scores, ddof=1))


def test_the_same_seed_gives_the_same_result_to_the_last_bit() -> None:
    first, again, other = (
        values(run(seed=seed, bagging_fraction="0.6", feature_fraction="0.7")) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_folds_in_parallel_and_one_after_another_agree_to_the_last_bit() -> None:
    one, four = (values(run(bagging_fraction="0.6", workers=workers)) for workers in (1, 4))
    assert one == four


def test_trials_that_share_their_data_and_run_at_once_do_not_disturb_each_other() -> None:
    trial = prepared(feature_set(), settings_of())

    def score(leaves: str) -> tuple[object, ...]:
        result = cross_validate(
            trial, settings_of(num_leaves=leaves), AUC, on_fold=ignore, workers=1
        )
        assert isinstance(result, CrossValidation)
        return values(result)

    leaves = ["3", "6", "12", "6"]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(score, leaves)) == [score(number) for number in leaves]


def test_every_row_is_scored_by_the_one_model_that_did_not_see_it() -> None:
    data, result = feature_set(), run()
    for fold in range(1, data.folds + 1):
        _, rows = data.fold_rows(fold)
        score = AUC.function(data.target[rows], result.out_of_fold[rows, 0])
        assert score == result.fold_scores[fold - 1]


def test_out_of_fold_scores_of_repeats_stand_side_by_side() -> None:
    once, other = feature_set(), feature_set(seed=3)
    assert once.fold is not None
    assert other.fold is not None
    data = replace(once, fold=np.hstack([once.fold, other.fold]), folds=6, repeats=2)
    settings = settings_of()
    trial = prepared(data, settings)
    models = [fit_fold(trial, settings, AUC, number, threads=1) for number in range(1, 7)]
    result = combined(data, models, AUC, workers=1)
    expected = np.zeros((data.rows, 2))
    for number, model in enumerate(models, start=1):
        _, rows = data.fold_rows(number)
        rounds = min(result.rounds, len(model.curve))
        expected[rows, (number - 1) // 3] = model.predict(data.features[rows], rounds)
    np.testing.assert_allclose(result.out_of_fold, expected, rtol=1e-9)


def test_rows_that_are_only_ever_trained_on_have_no_out_of_fold_score() -> None:
    data = feature_set()
    blocks = np.repeat([0, 1, 2, 3], len(data.target) // 4).astype(np.int16)[:, np.newaxis]
    result = run(data=replace(data, fold=blocks, folds=3, assignment="time"))
    assert np.isnan(result.out_of_fold[blocks[:, 0] == 0]).all()
    assert np.isfinite(result.out_of_fold[blocks[:, 0] > 0]).all()


def test_a_fold_is_not_scored_at_its_own_best_round() -> None:
    result = run()
    assert len(set(result.fold_best_rounds)) > 1
    assert min(result.fold_best_rounds) <= result.rounds <= max(result.fold_best_rounds)
    assert result.score < np.mean(result.provisional_scores)


def test_a_metric_to_be_minimised_stops_at_its_lowest_value() -> None:
    result = run(metric="log_loss", learning_rate="0.3", max_rounds="200")
    assert 0 < result.score < 0.7
    assert result.rounds < 60


def test_folds_are_reported_in_order_whoever_is_done_first() -> None:
    seen: list[int] = []
    settings = settings_of(max_rounds="5")
    cross_validate(
        prepared(feature_set(folds=7), settings),
        settings,
        AUC,
        on_fold=lambda fold, score: seen.append(fold),
        workers=4,
    )
    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "curves,rounds",
    [
        ([[0.5, 0.6, 0.7], [0.5, 0.9, 0.6]], 2),
        ([[0.9], [0.1, 0.2, 0.3]], 3),
        ([[0.5, 0.4], [0.5, 0.4]], 1),
        ([[0.5]], 1),
    ],
)
def test_one_number_of_rounds_is_chosen_where_the_mean_curve_is_best(
    curves: list[list[float]], rounds: int
) -> None:
    assert common_rounds([np.array(curve) for curve in curves], AUC) == rounds


def test_data_that_allows_no_split_gives_one_round_and_no_skill() -> None:
    result = run(min_data_in_leaf="1000")
    assert result.rounds == 1
    assert result.fold_scores == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("rounds", [1, 15, 16, 29, 30, 41, 60])
def test_scores_added_to_what_training_knew_are_those_of_a_walk_through_all_trees(
    rounds: int,
) -> None:
    data = feature_set()
    settings = settings_of(early_stopping_rounds="60")
    model = fit_fold(prepared(data, settings), settings, AUC, 1, threads=1)
    _, validation = data.fold_rows(1)
    features = data.features[validation]
    start = model.remembered(rounds)  # type: ignore[attr-defined]
    assert (start is None) == (rounds < 16)
    if start is not None:
        assert isinstance(start, Remembered)
        known = model.predict_on(features, start, rounds)  # type: ignore[attr-defined]
        np.testing.assert_allclose(known, model.predict(features, rounds), rtol=1e-12)


@pytest.mark.parametrize("rounds", [15, 30, 59, 60])
def test_scores_of_training_rows_are_those_of_a_walk_through_all_trees(rounds: int) -> None:
    data = feature_set()
    settings = settings_of(early_stopping_rounds="60")
    train, validation = data.fold_rows(1)
    sample = train[::3]
    score = RoundScore(
        function=lambda predicted: AUC.function(data.target[validation], predicted),
        greater_is_better=True,
        sample=sample,
    )
    table = prepared(data, settings).binned.with_settings(settings)
    model = table.fit_fold(train, validation, score)
    assert isinstance(model, RemembersTraining)
    start = model.remembered_sample(rounds)
    assert (start is None) == (rounds <= 30)
    if start is not None:
        assert (start.rounds, len(start.predicted)) == (60, len(sample))
        features = data.features[sample]
        known = model.predict_on(features, start, rounds)
        np.testing.assert_allclose(known, model.predict(features, rounds), rtol=1e-12)


def test_a_rare_class_is_in_the_sample_that_the_training_score_is_taken_on() -> None:
    data = feature_set(rows=6000, folds=2)
    target = np.zeros(6000, dtype=np.uint8)
    target[[0, 1, 2, 3]] = 1
    fold = np.ones((6000, 1), dtype=np.int16)
    fold[[1, 3, *range(3000, 6000)]] = 2
    result = run(data=replace(data, target=target, fold=fold), max_rounds="2")
    assert all(0 <= score <= 1 for score in result.fold_training_scores)


class Constant:
    """An algorithm of one round that predicts one value: what the protocol asks for, no more."""

    name = "constant"
    model_files: Sequence[str] = ()

    def __init__(self, value: float) -> None:
        self.value = value
        self.curve = np.array([0.5])

    def bin(
        self, table: Table, settings: Settings, *, seed: int, keep_folds: bool = False
    ) -> "Constant":
        return self

    few_folds_at_a_time = False

    def with_settings(self, settings: Settings, *, threads: int = 1) -> "Constant":
        return self

    def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> "Constant":
        return self

    def predict(self, features: Matrix, rounds: int = 1) -> Scores:
        return np.full(len(features), self.value)

    def save(self, folder: Path) -> tuple[str, ...]:
        raise AssertionError("a trial that trains its own folds saves none")

    def fit_final(self, rounds: int, *, threads: int) -> FinalModel:
        raise AssertionError("a trial trains and loads no final model")

    def load(self, folder: Path) -> FinalModel:
        raise AssertionError("a trial trains and loads no final model")

    def load_fold(self, folder: Path, curve: Scores, table: Table) -> "Constant":
        raise AssertionError("a trial that trains its own folds loads none")


def constant(value: float) -> TrialData:
    return trial_data(Constant(value), feature_set(), {}, seed=1, task=CLASSIFICATION)


def test_another_algorithm_slots_in() -> None:
    result = cross_validate(constant(0.3), {}, AUC, on_fold=ignore)
    assert isinstance(result, CrossValidation)
    assert (result.score, result.rounds, result.score_std) == (0.5, 1, 0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_predictions_that_are_not_finite_have_no_score(bad: float) -> None:
    with pytest.raises(ScoreError, match="not finite"):
        cross_validate(constant(bad), {}, AUC, on_fold=ignore)


def test_one_fold_and_all_of_them_combined_are_what_a_trial_does() -> None:
    data, settings = feature_set(), settings_of(bagging_fraction="0.6")
    trial = prepared(data, settings)
    models = [fit_fold(trial, settings, AUC, number, threads=1) for number in (1, 2, 3)]
    assert values(combined(data, models, AUC, workers=1)) == values(run(bagging_fraction="0.6"))
