"""What an algorithm is to the trainer. A new one implements ``Algorithm``, joins the
registry, lists its hyperparameters in ``warmfold_contract.algorithms`` and gets a loader in
``warmfold_server.scorers``.

An algorithm without rounds of its own (a linear model) reports a curve of one round.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.schema import Feature
from warmfold_contract.settings import Settings
from warmfold_contract.tasks import CLASSIFICATION, Task

Matrix = NDArray[np.float32]
Rows = NDArray[np.intp]
Scores = NDArray[np.float64]
# 0 and 1 (uint8) of a classification project, or numbers (float64) of a regression project.
Target = NDArray[np.uint8] | NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Training rows: (rows, features) float32 with NaN, a target, and the candidate's task.

    A candidate may fit a target of 0 and 1 as a number (task ``regression``).
    """

    features: Matrix
    target: Target
    schema: Sequence[Feature]
    task: Task = CLASSIFICATION

    def scores(self, predicted: Scores) -> Scores:
        """What a model of this table is scored by: see ``bounded``. Probabilities are already."""
        if self.task == CLASSIFICATION:
            return predicted
        return bounded(predicted, binary_target=self.target.dtype == np.uint8)


def bounded(predicted: Scores, *, binary_target: bool) -> Scores:
    """Predictions kept within 0 to 1 where the target is 0 or 1, whatever the candidate's task."""
    return np.clip(predicted, 0.0, 1.0) if binary_target else predicted


@dataclass(frozen=True, kw_only=True)
class RoundScore:
    """How a fold's rounds are scored: ``function(scores)`` of the validation rows.

    ``follow(curve)`` is told the score after each round so far, whenever one has been scored, and
    may end the training by raising. ``sample`` are the training rows whose score is reported beside
    the fold's, in ascending order.
    """

    function: Callable[[Scores], float]
    greater_is_better: bool
    follow: Callable[[Sequence[float]], None] = lambda _: None
    sample: Rows | None = None


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What a feature contributed, in the algorithm's own measure.

    Trees: total gain of the objective, and number of splits. Linear models: variance of the
    feature's part of the score, and number of bins with a weight.
    """

    feature: str
    gain: float
    splits: int


class FoldModel(Protocol):
    """A model of one fold; ``curve`` is its validation score after each round it was trained,
    see ``early_stopping.boost``."""

    @property
    def curve(self) -> Scores: ...

    def predict(self, features: Matrix, rounds: int) -> Scores:
        """The table's ``scores`` after the first ``rounds`` rounds."""

    def save(self, folder: Path) -> tuple[str, ...]:
        """As ``FinalModel.save``, with all rounds it was trained; see ``Algorithm.load_fold``."""


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """Predictions of some rows, in their order, after ``rounds`` rounds."""

    rounds: int
    predicted: Scores


@runtime_checkable
class RemembersTraining(Protocol):
    """What a ``FoldModel`` may be, too, whose predictions take long: scores at the common rounds
    are what is known from training, and the rounds between."""

    def remembered(self, rounds: int) -> Remembered | None:
        """Of the validation rows: what is closest to ``rounds``, if anything saves work."""

    def remembered_sample(self, rounds: int) -> Remembered | None:
        """The same of ``RoundScore.sample``."""

    def predict_on(self, features: Matrix, start: Remembered, rounds: int) -> Scores:
        """The table's ``scores`` after ``rounds`` rounds; ``start`` is of these very rows."""


class FinalModel(Protocol):
    """A model that can be kept."""

    @property
    def rounds(self) -> int:
        """It has so many: fewer than were asked for where nothing more could be learned."""

    def predict(self, features: Matrix) -> Scores:
        """Probability of the positive class, or the predicted number: not ``bounded``."""

    def importance(self) -> list[Importance]:
        """Every feature, the most important first."""

    def save(self, folder: Path) -> tuple[str, ...]:
        """Write the model's files, the same bytes for the same model; their names."""


class PreparedTable(Protocol):
    """A table made ready once for all folds of a trial. Folds are fitted in parallel threads."""

    def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> FoldModel:
        """Train on some rows until the validation score has stopped getting better.

        Rows are sorted. ``score`` is given the table's ``scores``, already bounded.
        """

    def fit_final(self, rounds: int, *, threads: int) -> FinalModel:
        """Train on all rows. The result does not depend on ``threads``."""


class BinnedTable(Protocol):
    """A table binned once for all trials of a candidate; threads may share it."""

    @property
    def few_folds_at_a_time(self) -> bool:
        """Whether a fold's memory is worth more than what threads lose to waiting for each other:
        then few folds are trained side by side, each with many threads."""

    def with_settings(self, settings: Settings, *, threads: int = 1) -> PreparedTable:
        """Ready for one trial. The parameters that shape the bins are those of ``bin``.

        ``threads`` is what one fold may use; the result does not depend on it.
        """


class Algorithm(Protocol):
    """Deterministic: the same table, settings and seed give the same models."""

    @property
    def name(self) -> str:
        """Its hyperparameters are ``warmfold_contract.algorithms.hyperparameters(name, task)``."""

    @property
    def model_files(self) -> Sequence[str]:
        """Names of the files that ``FinalModel.save`` writes."""

    def bin(
        self, table: Table, settings: Settings, *, seed: int, keep_folds: bool = False
    ) -> BinnedTable:
        """Reads only the settings that are not tunable.

        ``keep_folds``: hold every fold's binned rows for the next trial, at about (folds) times
        the memory of the binned table; by default they go with the trial's fold.
        """

    def load(self, folder: Path) -> FinalModel:
        """A saved model. Raises ``UserError`` if its file is damaged."""

    def load_fold(self, folder: Path, curve: Scores, table: Table) -> FoldModel:
        """A saved model of a fold of ``table``, which need not be binned: it predicts what the
        saved one did, to the last bit. Raises ``UserError`` if its file is damaged."""
