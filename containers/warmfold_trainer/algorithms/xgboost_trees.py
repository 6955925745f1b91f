"""Gradient-boosted trees by XGBoost: bins of one table shared by all folds, one thread each."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.errors import UserError
from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.early_stopping import TRAINING_CONTROL, boost
from warmfold_trainer.algorithms.fold_cache import FoldCache
from warmfold_trainer.algorithms.protocol import (
    Importance,
    Matrix,
    RoundScore,
    Rows,
    Scores,
    Table,
)
from warmfold_trainer.algorithms.refused_settings import settings_named

MODEL_FILE = MODEL_FILES["xgboost"]

# Sums of gradients are added up in another order by other numbers of threads. One gives the same
# bytes on every machine; folds run side by side instead.
_FIXED = {"tree_method": "hist", "device": "cpu", "nthread": 1, "verbosity": 0}


class XgboostTrees:
    """The ``xgboost`` algorithm; see ``protocol.Algorithm``."""

    name = "xgboost"
    model_files = (MODEL_FILE,)

    def bin(
        self, table: Table, settings: Settings, *, seed: int, keep_folds: bool = False
    ) -> "XgboostBins":
        return XgboostBins(table, settings, seed=seed, keep_folds=keep_folds)

    def load(self, folder: Path) -> "XgboostModel":
        return XgboostModel(_loaded(folder))

    def load_fold(self, folder: Path, curve: Scores, table: Table) -> "XgboostFold":
        return XgboostFold(_loaded(folder), curve, table)


class XgboostBins:
    """The table as quantile bins. Their edges look at all rows, never at the target."""

    # A fold takes one thread.
    few_folds_at_a_time = False

    def __init__(self, table: Table, settings: Settings, *, seed: int, keep_folds: bool) -> None:
        self.table = table
        self.seed = seed
        self._max_bin = int(settings["max_bin"])
        self.matrix = self._binned(table.features, table.target)
        self._subsets = FoldCache(self._subset, keep=keep_folds)

    def with_settings(self, settings: Settings, *, threads: int = 1) -> "XgboostTable":
        del threads  # see _FIXED
        return XgboostTable(self, settings)

    def rows(self, rows: Rows) -> xgboost.QuantileDMatrix:
        return self._subsets.get(rows)

    def _subset(self, rows: Rows) -> xgboost.QuantileDMatrix:
        return self._binned(self.table.features[rows], self.table.target[rows], ref=self.matrix)

    def _binned(
        self, features: Matrix, target: Any, ref: xgboost.QuantileDMatrix | None = None
    ) -> xgboost.QuantileDMatrix:
        """By the bin edges of ``ref``, or by its own quantiles."""
        return xgboost.QuantileDMatrix(
            features,
            target,
            ref=ref,
            max_bin=self._max_bin,
            feature_names=[feature.name for feature in self.table.schema],
            feature_types=["c" if f.kind == "category" else "q" for f in self.table.schema],
            enable_categorical=True,
            nthread=1,
        )


class XgboostTable:
    """See ``protocol.PreparedTable``."""

    def __init__(self, bins: XgboostBins, settings: Settings) -> None:
        self._bins = bins
        self._settings = settings
        self._parameters: dict[str, Any] = {
            "objective": "binary:logistic",
            **{key: value for key, value in settings.items() if key not in TRAINING_CONTROL},
            "seed": bins.seed,
            **_FIXED,
        }

    def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> "XgboostFold":
        fitted, held_out = self._bins.rows(train), self._bins.rows(validation)
        # Matrices that a booster is told of keep their predictions: no tree is walked twice.

        def score_round(_: int) -> float:
            return score.function(self._bins.table.scores(_float64(booster.predict(held_out))))

        with self._settings_named():
            booster = xgboost.Booster(self._parameters, cache=[fitted, held_out])
            curve = boost(
                lambda number: _add_tree(booster, fitted, number),
                score_round,
                self._settings,
                score,
            )
        return XgboostFold(booster, curve, self._bins.table)

    def fit_final(self, rounds: int, *, threads: int) -> "XgboostModel":
        del threads  # see _FIXED
        with self._settings_named():
            booster = xgboost.Booster(self._parameters, cache=[self._bins.matrix])
            for number in range(rounds):
                _add_tree(booster, self._bins.matrix, number)
        return XgboostModel(booster)

    def _settings_named(self) -> AbstractContextManager[None]:
        return settings_named("XGBoost", xgboost.core.XGBoostError, self._settings)


class XgboostFold:
    """See ``protocol.FoldModel``."""

    def __init__(self, booster: xgboost.Booster, curve: Scores, table: Table) -> None:
        self._booster = booster
        self._table = table
        self.curve = curve

    def predict(self, features: Matrix, rounds: int) -> Scores:
        predicted = self._booster.inplace_predict(features, iteration_range=(0, rounds))
        return self._table.scores(_float64(predicted))

    def save(self, folder: Path) -> tuple[str, ...]:
        return _save(self._booster, folder)


class XgboostModel:
    """See ``protocol.FinalModel``."""

    def __init__(self, booster: xgboost.Booster) -> None:
        self._booster = booster

    @property
    def rounds(self) -> int:
        return int(self._booster.num_boosted_rounds())

    def predict(self, features: Matrix) -> Scores:
        return _float64(self._booster.inplace_predict(features))

    def importance(self) -> list[Importance]:
        gains = self._booster.get_score(importance_type="total_gain")
        splits = self._booster.get_score(importance_type="weight")
        entries = [
            Importance(feature=name, gain=_one(gains, name), splits=int(_one(splits, name)))
            for name in self._booster.feature_names or ()
        ]
        return sorted(entries, key=lambda entry: (-entry.gain, entry.feature))

    def save(self, folder: Path) -> tuple[str, ...]:
        return _save(self._booster, folder)


def _save(booster: xgboost.Booster, folder: Path) -> tuple[str, ...]:
    (folder / MODEL_FILE).write_bytes(booster.save_raw("json"))
    return (MODEL_FILE,)


def _loaded(folder: Path) -> xgboost.Booster:
    booster = xgboost.Booster()
    try:
        booster.load_model(folder / MODEL_FILE)
    except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
        # The second where XGBoost quotes what it cannot read.
        raise UserError(f"{MODEL_FILE} is not an XGBoost model in JSON") from error
    booster.set_param({"nthread": 1})
    return booster


def _add_tree(booster: xgboost.Booster, matrix: xgboost.QuantileDMatrix, number: int) -> bool:
    """XGBoost adds a tree of one leaf where it cannot split: there is always one more round."""
    booster.update(matrix, number)
    return True


def _one(values: Any, name: str) -> float:
    """A feature without splits is absent; lists are of linear models only."""
    return float(values.get(name, 0.0))


def _float64(values: Any) -> Scores:
    return np.asarray(values, dtype=np.float64)
