"""Cross-validation inside one process."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.settings import Hyperparameter
from warmfold_trainer import cross_validation
from warmfold_trainer.algorithms.lightgbm_trees import LightGbmTrees
from warmfold_trainer.algorithms.protocol import (
    Algorithm,
    FinalModel,
    Matrix,
    RoundScore,
    Rows,
    Scores,
    Table,
)
from warmfold_trainer.cross_validation import CrossValidation, common_rounds, cross_validate
from warmfold_trainer.scores import METRICS, ScoreError
from warmfold_trainer.settings import read_settings

AUC = METRICS["auc"]


def run(*, metric: str = "auc", seed: int = 1, data_seed: int = 0, **given: str) -> CrossValidation:
    algorithm = LightGbmTrees()
    settings = read_settings(
        {"max_rounds": "60", "early_stopping_rounds": "10", "num_leaves": "6", **given},
        algorithm.hyperparameters,
        owner="lightgbm",
    )
    data = feature_set(seed=data_seed)
    return cross_validate(
        algorithm, data, settings, METRICS[metric], seed=seed, on_fold=lambda fold, score: None
    )


def values(result: CrossValidation) -> tuple[object, ...]:
    return (result.rounds, result.fold_scores, result.fold_training_scores, *result.out_of_fold)


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


def test_folds_in_parallel_and_one_after_another_agree_to_the_last_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = []
    for cores in (1, 4):
        monkeypatch.setattr(cross_validation, "available_cores", lambda cores=cores: cores)
        results.append(values(run(bagging_fraction="0.6")))
    assert results[0] == results[1]


def test_every_row_is_scored_by_the_one_model_that_did_not_see_it() -> None:
    data, result = feature_set(), run()
    assert data.fold is not None
    for fold in range(1, data.folds + 1):
        rows = data.fold == fold
        score = AUC.function(data.target[rows], result.out_of_fold[rows])
        assert score == result.fold_scores[fold - 1]


def test_a_fold_is_not_scored_at_its_own_best_round() -> None:
    result = run()
    assert len(set(result.fold_best_rounds)) > 1
    assert min(result.fold_best_rounds) <= result.rounds <= max(result.fold_best_rounds)


def test_a_metric_to_be_minimised_stops_at_its_lowest_value() -> None:
    result = run(metric="log_loss", learning_rate="0.3", max_rounds="200")
    assert 0 < result.score < 0.7
    assert result.rounds < 60


def test_folds_are_reported_in_order_whoever_is_done_first() -> None:
    seen: list[int] = []
    algorithm = LightGbmTrees()
    settings = read_settings({"max_rounds": "5"}, algorithm.hyperparameters, owner="lightgbm")
    cross_validate(
        algorithm,
        feature_set(folds=7),
        settings,
        AUC,
        seed=1,
        on_fold=lambda fold, score: seen.append(fold),
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


class Constant:
    """An algorithm of one round that predicts one value: what the protocol asks for, no more."""

    name = "constant"
    model_files: Sequence[str] = ()
    hyperparameters = (Hyperparameter(name="value", minimum=0, maximum=1, default=0.5),)

    def __init__(self, value: float) -> None:
        self.value = value
        self.curve = np.array([0.5])

    def prepare(self, table: Table, settings: Mapping[str, float], *, seed: int) -> "Constant":
        return self

    def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> "Constant":
        return self

    def predict(self, features: Matrix, rounds: int = 1) -> Scores:
        return np.full(len(features), self.value)

    def fit_final(self, rounds: int, *, threads: int) -> FinalModel:
        raise AssertionError("a trial trains and loads no final model")

    def load(self, folder: Path) -> FinalModel:
        raise AssertionError("a trial trains and loads no final model")


def constant(value: float) -> Algorithm:
    return Constant(value)


def test_another_algorithm_slots_in() -> None:
    result = cross_validate(
        constant(0.3), feature_set(), {}, AUC, seed=1, on_fold=lambda fold, score: None
    )
    assert (result.score, result.rounds, result.score_std) == (0.5, 1, 0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_predictions_that_are_not_finite_have_no_score(bad: float) -> None:
    with pytest.raises(ScoreError, match="not finite"):
        cross_validate(constant(bad), feature_set(), {}, AUC, seed=1, on_fold=lambda *_: None)


def test_one_binned_table_serves_many_threads_at_once() -> None:
    data = feature_set(rows=600)
    algorithm = LightGbmTrees()
    settings = read_settings({"max_rounds": "20"}, algorithm.hyperparameters, owner="lightgbm")
    table = Table(features=data.features, target=data.target, schema=data.schema.features)
    prepared = algorithm.prepare(table, settings, seed=1)
    train, validation = np.arange(0, 400), np.arange(400, 600)
    score = RoundScore(
        function=lambda scores: AUC.function(data.target[validation], scores),
        greater_is_better=True,
    )
    with ThreadPoolExecutor(4) as threads:
        jobs = [threads.submit(prepared.fit_fold, train, validation, score) for _ in range(12)]
        curves = {tuple(job.result().curve) for job in jobs}
    assert len(curves) == 1
