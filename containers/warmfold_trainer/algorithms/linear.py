"""Regularised logistic and linear regression on binned features: the plain competitor of trees."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.schema import Feature
from warmfold_contract.settings import Settings
from warmfold_contract.tasks import CLASSIFICATION
from warmfold_features.linear_model import (
    FILE_NAME,
    FeatureBins,
    LinearModel,
    Link,
    Numbers,
    read_linear_model,
)
from warmfold_trainer.algorithms.linear_solver import Penalties, solve
from warmfold_trainer.algorithms.packed_bins import PackedBins
from warmfold_trainer.algorithms.protocol import (
    Importance,
    Matrix,
    RoundScore,
    Rows,
    Scores,
    Table,
)

# Quantiles of more rows are not worth their time; evenly spread rows, as data is often ordered.
_ROWS_FOR_EDGES = 200_000


class Linear:
    """The ``linear`` algorithm; see ``protocol.Algorithm``. It has one round."""

    name = "linear"
    model_files = (FILE_NAME,)

    def bin(
        self, table: Table, settings: Settings, *, seed: int, keep_folds: bool = False
    ) -> "LinearBins":
        del seed, keep_folds  # nothing is drawn, and a fold is a mask over the shared table
        return LinearBins(table, int(settings["max_bin"]))

    def load(self, folder: Path) -> "LinearFinal":
        return LinearFinal(read_linear_model(folder / FILE_NAME))

    def load_fold(self, folder: Path, curve: Scores, table: Table) -> "LinearFold":
        return LinearFold(read_linear_model(folder / FILE_NAME), curve, table)


class LinearBins:
    """The table as bins. Their edges look at all rows, never at the target."""

    # A fold takes one thread.
    few_folds_at_a_time = False

    def __init__(self, table: Table, max_bin: int) -> None:
        self.table = table
        step = -(-len(table.features) // _ROWS_FOR_EDGES)
        self.bins = [
            _bins(feature, table.features[::step, position], max_bin)
            for position, feature in enumerate(table.schema)
        ]
        self.packed = PackedBins(table.features, self.bins)
        counted = self.packed.transposed_times(np.ones(len(table.features)))
        self.rows = [part.astype(np.int64) for part in self.packed.split(counted)]

    def with_settings(self, settings: Settings, *, threads: int = 1) -> "LinearTable":
        del threads  # a fit is one thread's work
        return LinearTable(self, settings)


class LinearTable:
    """See ``protocol.PreparedTable``."""

    def __init__(self, binned: LinearBins, settings: Settings) -> None:
        self._binned = binned
        self._settings = settings

    def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> "LinearFold":
        table = self._binned.table
        in_training = np.zeros(len(table.target))
        in_training[train] = 1.0
        model = self._fit(in_training)
        predicted = table.scores(model.predict(table.features[validation]))
        return LinearFold(model, np.array([score.function(predicted)]), table)

    def fit_final(self, rounds: int, *, threads: int) -> "LinearFinal":
        del rounds, threads
        return LinearFinal(self._fit(np.ones(len(self._binned.table.target))))

    def _fit(self, in_training: Numbers) -> LinearModel:
        table, packed = self._binned.table, self._binned.packed
        link: Link = "logistic" if table.task == CLASSIFICATION else "identity"
        found = solve(
            packed,
            table.target.astype(np.float64),
            in_training,
            link,
            Penalties(l1=float(self._settings["l1"]), l2=float(self._settings["l2"])),
            max_iterations=int(self._settings["max_iterations"]),
        )
        return LinearModel(
            features=self._binned.bins,
            weights=packed.split(found.weights),
            rows=self._binned.rows,
            intercept=found.intercept,
            link=link,
        )


class LinearFold:
    """See ``protocol.FoldModel``."""

    def __init__(self, model: LinearModel, curve: Scores, table: Table) -> None:
        self._model = model
        self._table = table
        self.curve = curve

    def predict(self, features: Matrix, rounds: int) -> Scores:
        del rounds  # there is one
        return self._table.scores(self._model.predict(features))

    def save(self, folder: Path) -> tuple[str, ...]:
        return LinearFinal(self._model).save(folder)


class LinearFinal:
    """See ``protocol.FinalModel``."""

    rounds = 1

    def __init__(self, model: LinearModel) -> None:
        self._model = model

    def predict(self, features: Matrix) -> Scores:
        return self._model.predict(features)

    def importance(self) -> list[Importance]:
        """The gain is the variance of the feature's part of the score over the training rows."""
        entries = [
            Importance(
                feature=bins.name,
                gain=_variance(weights, rows),
                splits=int(np.count_nonzero(weights)),
            )
            for bins, weights, rows in zip(
                self._model.features, self._model.weights, self._model.rows, strict=True
            )
        ]
        return sorted(entries, key=lambda entry: (-entry.gain, entry.feature))

    def save(self, folder: Path) -> tuple[str, ...]:
        (folder / FILE_NAME).write_text(self._model.to_json(), encoding="utf-8", newline="\n")
        return (FILE_NAME,)


def _bins(feature: Feature, values: Matrix, max_bin: int) -> FeatureBins:
    """A number's bins hold about the same number of rows, or one value each if it has few."""
    if feature.kind == "category":
        return FeatureBins(name=feature.name, levels=len(feature.levels))
    present = np.sort(values[~np.isnan(values)])
    if not present.size:
        return FeatureBins(name=feature.name)
    ends = np.arange(1, max_bin) * len(present) // max_bin
    distinct = np.unique(present)
    edges = distinct if len(distinct) <= max_bin else np.unique(present[ends])
    # The last bin has no upper end: it takes what is larger than all that was seen.
    return FeatureBins(name=feature.name, edges=tuple(edges[edges < present[-1]].tolist()))


def _variance(weights: Numbers, rows: NDArray[np.int64]) -> float:
    total = rows.sum()
    mean = (weights * rows).sum() / total
    return float((np.square(weights - mean) * rows).sum() / total)
