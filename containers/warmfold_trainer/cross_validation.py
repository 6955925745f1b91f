"""One hyperparameter set, scored on fixed folds inside one process.

How early stopping is kept honest: a fold stops training when its own validation score no longer
improves, but no fold is scored at its own best round. One number of rounds is chosen for all of
them, where the *mean* of the folds' curves is best, and that number is also the final model's. A
fold that had stopped before it counts with its last round, which is not its best. What optimism
is left is that of choosing one number by the mean over all validation rows; scores of trials
share it, and the hold-out, which nothing is chosen on, is free of it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from warmfold_contract.stopping import stop_signals_left_to_main_thread
from warmfold_trainer.algorithms.protocol import (
    Algorithm,
    FoldModel,
    PreparedTable,
    RoundScore,
    Rows,
    Scores,
    Table,
)
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.scores import Metric

# The training score warns of overfitting and ranks nothing: a sample of each fold's rows will do.
TRAINING_SCORE_ROWS = 20_000


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """``out_of_fold`` has the score of every training row by the model that did not see it.

    ``fold_best_rounds`` are the rounds at which each fold alone would have been best.
    """

    rounds: int
    fold_scores: tuple[float, ...]
    fold_training_scores: tuple[float, ...]
    fold_best_rounds: tuple[int, ...]
    out_of_fold: Scores

    @property
    def score(self) -> float:
        """Mean over the folds."""
        return float(np.mean(self.fold_scores))

    @property
    def score_std(self) -> float:
        """Sample standard deviation over the folds."""
        return float(np.std(self.fold_scores, ddof=1))

    @property
    def training_score(self) -> float:
        """Mean over the folds of the score on rows the model was trained on."""
        return float(np.mean(self.fold_training_scores))


def available_cores() -> int:
    """The cores this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cross_validate(
    algorithm: Algorithm,
    data: FeatureSet,
    settings: Mapping[str, float],
    metric: Metric,
    *,
    seed: int,
    on_fold: Callable[[int, float], None],
) -> CrossValidation:
    """Train every fold and score the set.

    The data is binned once; folds run in as many threads as there are cores, with one LightGBM
    thread each: OpenMP threads that wait for each other collapse when anything else runs.
    ``on_fold(fold, score)`` is called in fold order as each is done, with the fold's own best
    score, which is provisional: the final one is taken at the common number of rounds. Raises
    ``ScoreError`` if a model predicts anything that is not finite.
    """
    table = Table(features=data.features, target=data.target, schema=data.schema.features)
    prepared = algorithm.prepare(table, settings, seed=seed)
    with ThreadPoolExecutor(min(available_cores(), data.folds)) as threads:
        folds = [_Fold(data, number, metric) for number in range(1, data.folds + 1)]
        with stop_signals_left_to_main_thread():
            jobs = [threads.submit(fold.fit, prepared) for fold in folds]
        try:
            models = _in_order(jobs, metric, on_fold)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
        rounds = common_rounds([model.curve for model in models], metric)
        scored = list(threads.map(lambda fold, model: fold.score(model, rounds), folds, models))
    return CrossValidation(
        rounds=rounds,
        fold_scores=tuple(fold.score for fold in scored),
        fold_training_scores=tuple(fold.training_score for fold in scored),
        fold_best_rounds=tuple(metric.best_round(model.curve) for model in models),
        out_of_fold=_gathered(data.rows, folds, scored),
    )


def common_rounds(curves: Sequence[Scores], metric: Metric) -> int:
    """The rounds (at least 1) at which the folds' mean score is best.

    A curve that ends early goes on at its last value, the score of the model the fold really has.
    """
    longest = max(len(curve) for curve in curves)
    padded = [np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves]
    return metric.best_round(np.mean(padded, axis=0))


@dataclass(frozen=True, kw_only=True)
class _ScoredFold:
    score: float
    training_score: float
    predicted: Scores


class _Fold:
    """One fold's rows, and what is done with them in a thread."""

    def __init__(self, data: FeatureSet, number: int, metric: Metric) -> None:
        in_validation = data.fold == number
        self._data = data
        self._metric = metric
        self._train: Rows = np.flatnonzero(~in_validation)
        self.validation: Rows = np.flatnonzero(in_validation)

    def fit(self, prepared: PreparedTable) -> FoldModel:
        target = self._data.target[self.validation]
        score = RoundScore(
            function=lambda predicted: self._metric.function(target, predicted),
            greater_is_better=self._metric.greater_is_better,
        )
        return prepared.fit_fold(self._train, self.validation, score)

    def score(self, model: FoldModel, rounds: int) -> _ScoredFold:
        """With ``rounds`` rounds, or as many as the fold was trained."""
        rounds = min(rounds, len(model.curve))
        score, predicted = self._scored(model, rounds, self.validation)
        training_score, _ = self._scored(model, rounds, self._training_sample())
        return _ScoredFold(score=score, training_score=training_score, predicted=predicted)

    def _scored(self, model: FoldModel, rounds: int, rows: Rows) -> tuple[float, Scores]:
        predicted = model.predict(self._data.features[rows], rounds)
        return self._metric.function(self._data.target[rows], predicted), predicted

    def _training_sample(self) -> Rows:
        """Evenly spread rows; data rows often stand in order of time or label."""
        step = -(-len(self._train) // TRAINING_SCORE_ROWS)
        return self._train[::step]


def _in_order(
    jobs: Sequence[Future[FoldModel]], metric: Metric, on_fold: Callable[[int, float], None]
) -> list[FoldModel]:
    models = []
    for number, job in enumerate(jobs, start=1):
        model = job.result()
        on_fold(number, float(model.curve[metric.best_round(model.curve) - 1]))
        models.append(model)
    return models


def _gathered(rows: int, folds: Sequence[_Fold], scored: Sequence[_ScoredFold]) -> Scores:
    out_of_fold = np.empty(rows)
    for fold, result in zip(folds, scored, strict=True):
        out_of_fold[fold.validation] = result.predicted
    return out_of_fold
