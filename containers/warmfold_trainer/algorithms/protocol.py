"""What an algorithm is to the trainer. A new one implements ``Algorithm``, joins the
registry, and lists its hyperparameters in ``warmfold_contract.algorithms``.

An algorithm without rounds of its own (a linear model) reports a curve of one round.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.schema import Feature
from warmfold_contract.settings import Hyperparameter

Matrix = NDArray[np.float32]
Rows = NDArray[np.intp]
Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Training rows: (rows, features) float32 with NaN, and a target of 0 and 1."""

    features: Matrix
    target: NDArray[np.uint8]
    schema: Sequence[Feature]


@dataclass(frozen=True, kw_only=True)
class RoundScore:
    """How a fold's rounds are scored: ``function(scores)`` of the validation rows."""

    function: Callable[[Scores], float]
    greater_is_better: bool


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What a feature contributed: total gain of the objective, and number of splits."""

    feature: str
    gain: float
    splits: int


class FoldModel(Protocol):
    """A model of one fold; ``curve`` is its validation score after each round it was trained."""

    @property
    def curve(self) -> Scores: ...

    def predict(self, features: Matrix, rounds: int) -> Scores:
        """Probability of the positive class after the first ``rounds`` rounds."""


class FinalModel(Protocol):
    """A model that can be kept."""

    def predict(self, features: Matrix) -> Scores: ...

    def importance(self) -> list[Importance]:
        """Every feature, the most important first."""

    def save(self, folder: Path) -> tuple[str, ...]:
        """Write the model's files, the same bytes for the same model; their names."""


class PreparedTable(Protocol):
    """A table made ready once for all folds of a trial. Folds are fitted in parallel threads."""

    def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> FoldModel:
        """Train on some rows until the validation score has stopped getting better."""

    def fit_final(self, rounds: int, *, threads: int) -> FinalModel:
        """Train on all rows. The result does not depend on ``threads``."""


class Algorithm(Protocol):
    """Deterministic: the same table, settings and seed give the same models."""

    @property
    def name(self) -> str: ...

    @property
    def hyperparameters(self) -> Sequence[Hyperparameter]: ...

    @property
    def model_files(self) -> Sequence[str]:
        """Names of the files that ``FinalModel.save`` writes."""

    def prepare(
        self, table: Table, settings: Mapping[str, float], *, seed: int
    ) -> PreparedTable: ...

    def load(self, folder: Path) -> FinalModel:
        """A saved model. Raises ``UserError`` if its file is damaged."""
