"""One fold of a trial: trained in a thread, scored when all are done."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_trainer.algorithms.protocol import (
    FoldModel,
    Matrix,
    PreparedTable,
    Remembered,
    RemembersTraining,
    RoundScore,
    Rows,
    Scores,
)
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.mapped import copied_rows
from warmfold_trainer.metric import Metric

# The training score warns of overfitting and ranks nothing: a sample of each fold's rows will do.
TRAINING_SCORE_ROWS = 2_500
# Rows that are copied out of the memory-mapped features at a time.
_CHUNK_ROWS = 16_384


class StoppedError(Exception):
    """A fold that nobody waits for any more."""


class HopelessError(Exception):
    """A race has ended a trial within its first fold, whose best score so far this is."""

    def __init__(self, score: float) -> None:
        super().__init__(score)
        self.score = score


@dataclass(frozen=True, kw_only=True)
class ScoredFold:
    """``predicted`` are the validation rows' scores, in their order."""

    score: float
    training_score: float
    predicted: Scores


class Fold:
    """Fold ``number`` (from 1) of the data. Its rows are looked up when they are needed: those of
    many folds together take more memory than the data."""

    def __init__(
        self, data: FeatureSet, number: int, metric: Metric, stop: threading.Event
    ) -> None:
        self._data = data
        self._number = number
        self._metric = metric
        self._stop = stop
        self.watch: Callable[[Sequence[float]], bool] | None = None

    def rows(self) -> tuple[Rows, Rows]:
        """Training and validation rows."""
        return self._data.fold_rows(self._number)

    def fit(self, prepared: PreparedTable) -> FoldModel:
        train, validation = self.rows()
        target = self._data.target[validation]

        def score(predicted: Scores) -> float:
            if self._stop.is_set():
                raise StoppedError
            return self._metric.function(target, predicted)

        def follow(curve: Sequence[float]) -> None:
            if self.watch is not None and self.watch(curve):
                raise HopelessError(best_score(np.array(curve), self._metric))

        rounds = RoundScore(
            function=score,
            greater_is_better=self._metric.greater_is_better,
            follow=follow,
            sample=_sample(train, self._data.target[train]),
        )
        return prepared.fit_fold(train, validation, rounds)

    def score(self, model: FoldModel, rounds: int) -> ScoredFold:
        """With ``rounds`` rounds, or as many as the fold was trained."""
        rounds = min(rounds, len(model.curve))
        train, validation = self.rows()
        sample = _sample(train, self._data.target[train])
        predicted = self._validated(model, validation, rounds)
        seen = _seen(model, copied_rows(self._data.features, sample), rounds)
        return ScoredFold(
            score=self._metric.function(self._data.target[validation], predicted),
            training_score=self._metric.function(self._data.target[sample], seen),
            predicted=predicted,
        )

    def _validated(self, model: FoldModel, validation: Rows, rounds: int) -> Scores:
        predicted = np.empty(len(validation))
        for at in range(0, len(predicted), _CHUNK_ROWS):
            chunk = slice(at, at + _CHUNK_ROWS)
            features = copied_rows(self._data.features, validation[chunk])
            predicted[chunk] = _predicted(model, features, chunk, rounds)
        return predicted


def _sample(train: Rows, target: NDArray[Any]) -> Rows:
    """Rows spread evenly over the targets' range: both classes are among them."""
    step = -(-len(train) // TRAINING_SCORE_ROWS)
    by_target = train[np.argsort(target, kind="stable")]
    return np.sort(np.append(by_target[:-1:step], by_target[-1]))


def _predicted(model: FoldModel, features: Matrix, chunk: slice, rounds: int) -> Scores:
    """Of a chunk of the validation rows, from the least work that the model knows of."""
    if isinstance(model, RemembersTraining):
        start = model.remembered(rounds)
        if start is not None:
            known = Remembered(rounds=start.rounds, predicted=start.predicted[chunk])
            return model.predict_on(features, known, rounds)
    return model.predict(features, rounds)


def _seen(model: FoldModel, features: Matrix, rounds: int) -> Scores:
    """The same of the sample of training rows."""
    if isinstance(model, RemembersTraining):
        start = model.remembered_sample(rounds)
        if start is not None:
            return model.predict_on(features, start, rounds)
    return model.predict(features, rounds)


def best_score(curve: Scores, metric: Metric) -> float:
    """The curve's value at its best round."""
    return float(curve[metric.best_round(curve) - 1])
