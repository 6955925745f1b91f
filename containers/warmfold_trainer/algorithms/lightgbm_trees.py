"""Gradient-boosted trees by LightGBM: binned once, folds as subsets, one thread each."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from warmfold_contract.algorithms import EARLY_STOPPING_ROUNDS, MODEL_FILES
from warmfold_contract.errors import UserError
from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.early_stopping import TRAINING_CONTROL, boost, round_added
from warmfold_trainer.algorithms.fold_cache import FoldCache
from warmfold_trainer.algorithms.lightgbm_aside import AsideDataset
from warmfold_trainer.algorithms.lightgbm_dataset import binned, dataset_parameters, is_large
from warmfold_trainer.algorithms.protocol import (
    Importance,
    Matrix,
    Remembered,
    RoundScore,
    Rows,
    Scores,
    Table,
)
from warmfold_trainer.algorithms.refused_settings import settings_named
from warmfold_trainer.algorithms.snapshots import Snapshots, added_to, closest, lost_digits

MODEL_FILE = MODEL_FILES["lightgbm"]


class LightGbmTrees:
    """The ``lightgbm`` algorithm; see ``protocol.Algorithm``."""

    name = "lightgbm"
    model_files = (MODEL_FILE,)

    def bin(
        self, table: Table, settings: Settings, *, seed: int, keep_folds: bool = False
    ) -> "LightGbmBins":
        return LightGbmBins(table, settings, seed=seed, keep_folds=keep_folds)

    def load(self, folder: Path) -> "LightGbmModel":
        return LightGbmModel(_loaded(folder))

    def load_fold(self, folder: Path, curve: Scores, table: Table) -> "LightGbmFold":
        return LightGbmFold(_loaded(folder), curve, table)


class LightGbmBins:
    """The table as histogram bins. Bin edges look at rows of all folds, never at the target."""

    def __init__(self, table: Table, settings: Settings, *, seed: int, keep_folds: bool) -> None:
        self.table = table
        self.seed = seed
        values = table.features.size
        self.parameters = dataset_parameters(settings, seed=seed, values=values)
        # Only by columns are a fold's trees the same with any number of threads.
        self.few_folds_at_a_time = is_large(values)
        self._binned = AsideDataset(
            lambda: binned(table, self.parameters),
            self.parameters,
            values if self.few_folds_at_a_time else None,
        )
        self._subsets = FoldCache(self._subset, keep=keep_folds)

    def with_settings(self, settings: Settings, *, threads: int = 1) -> "LightGbmTable":
        return LightGbmTable(self, settings, threads=threads)

    def held(self) -> AbstractContextManager[lightgbm.Dataset]:
        """All rows; see ``AsideDataset``."""
        return self._binned.held()

    def rows(self, *parts: Rows) -> list[lightgbm.Dataset]:
        """The binned rows, constructed: LightGBM constructs lazily, which threads must not race."""
        with self.held():
            return [self._subsets.get(rows) for rows in parts]

    def _subset(self, rows: Rows) -> lightgbm.Dataset:
        with self.held() as dataset:
            subset = dataset.subset([], params=self.parameters)
            # As an array: `subset` makes a list of Python integers of whatever it is given.
            subset.used_indices = rows.astype(np.int32)  # type: ignore[assignment]
            subset.construct()
        # Needed no more, and the table must not stay in memory for them.
        subset.reference = subset.used_indices = subset.label = None
        return subset


class LightGbmTable:
    """See ``protocol.PreparedTable``."""

    def __init__(self, bins: LightGbmBins, settings: Settings, *, threads: int) -> None:
        self._bins = bins
        self._settings = settings
        self.parameters = training_parameters(settings, bins.parameters, threads=threads)

    def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> "LightGbmFold":
        binned_train, binned_validation = self._bins.rows(train, validation)
        with self._settings_named():
            booster = lightgbm.Booster(self.parameters, binned_train)
            booster.add_valid(binned_validation, "validation")
        snapshots = Snapshots(int(self._settings[EARLY_STOPPING_ROUNDS]))

        def score_round(rounds: int) -> float:
            predicted = _validation_predictions(booster)
            snapshots.offer(rounds, predicted)
            return score.function(self._bins.table.scores(predicted))

        with self._settings_named():
            curve = boost(lambda _: not booster.update(), score_round, self._settings, score)
        # Reading all rows' predictions of a large table takes more than walking the trees again.
        fitted: tuple[Remembered, ...] = ()
        if self._bins.few_folds_at_a_time:
            best = curve.argmax() if score.greater_is_better else curve.argmin()
            snapshots.keep_closest(int(best) + 1)
        elif score.sample is not None:
            places = np.searchsorted(train, score.sample)
            fitted = (_sample_of(booster, places, len(curve)),)
        # As text and back, exactly: a trained booster holds on to its data and its buffers.
        text = booster.model_to_string(num_iteration=-1)
        model = lightgbm.Booster(model_str=text)
        return LightGbmFold(model, curve, self._bins.table, snapshots, fitted)

    def fit_final(self, rounds: int, *, threads: int) -> "LightGbmModel":
        with self._bins.held() as dataset, self._settings_named():
            booster = lightgbm.Booster({**self.parameters, "num_threads": threads}, dataset)
            return LightGbmModel(boosted(booster, rounds, self._settings))

    def _settings_named(self) -> AbstractContextManager[None]:
        return settings_named("LightGBM", lightgbm.basic.LightGBMError, self._settings)


class LightGbmFold:
    """See ``protocol.FoldModel`` and ``protocol.RemembersTraining``."""

    def __init__(
        self,
        booster: lightgbm.Booster,
        curve: Scores,
        table: Table,
        snapshots: Snapshots | None = None,
        sample: Sequence[Remembered] = (),
    ) -> None:
        self._booster = booster
        self._table = table
        self._snapshots = snapshots
        self._sample = sample
        self.curve = curve

    def predict(self, features: Matrix, rounds: int) -> Scores:
        return self._table.scores(_predict(self._booster, features, rounds))

    def save(self, folder: Path) -> tuple[str, ...]:
        return _save(self._booster, folder)

    def remembered(self, rounds: int) -> Remembered | None:
        return None if self._snapshots is None else self._snapshots.closest(rounds)

    def remembered_sample(self, rounds: int) -> Remembered | None:
        return closest(self._sample, rounds)

    def predict_on(self, features: Matrix, start: Remembered, rounds: int) -> Scores:
        found = self._continued(features, start, rounds)
        lost = lost_digits(start.predicted, self._table.task)
        if len(lost) > 0:
            found[lost] = _predict(self._booster, features[lost], rounds)
        return self._table.scores(found)

    def _continued(self, features: Matrix, start: Remembered, rounds: int) -> Scores:
        if start.rounds == rounds:
            return start.predicted.copy()
        between = self._booster.predict(
            features,
            start_iteration=min(start.rounds, rounds),
            num_iteration=abs(rounds - start.rounds),
            raw_score=True,
            num_threads=1,
        )
        added = np.asarray(between) * np.sign(rounds - start.rounds)
        return added_to(start.predicted, added, self._table.task)


class LightGbmModel:
    """See ``protocol.FinalModel``."""

    def __init__(self, booster: lightgbm.Booster) -> None:
        self._booster = booster

    @property
    def rounds(self) -> int:
        return int(self._booster.current_iteration())

    def predict(self, features: Matrix) -> Scores:
        return _predict(self._booster, features, self.rounds)

    def importance(self) -> list[Importance]:
        found = zip(
            self._booster.feature_name(),
            self._booster.feature_importance("gain").tolist(),
            self._booster.feature_importance("split").tolist(),
            strict=True,
        )
        entries = [Importance(feature=name, gain=gain, splits=int(n)) for name, gain, n in found]
        return sorted(entries, key=lambda entry: (-entry.gain, entry.feature))

    def save(self, folder: Path) -> tuple[str, ...]:
        return _save(self._booster, folder)


def training_parameters(
    settings: Settings, bins: dict[str, Any], *, threads: int
) -> dict[str, Any]:
    """A trial's own parameters on top of those that shaped its bins."""
    own = {key: value for key, value in settings.items() if key not in TRAINING_CONTROL}
    return {"objective": "binary", **own, **bins, "num_threads": threads}


def boosted(booster: lightgbm.Booster, rounds: int, settings: Settings) -> lightgbm.Booster:
    """``booster`` after so many rounds, or as many as find a split."""
    for number in range(rounds):
        if not round_added(lambda _: not booster.update(), number, settings):
            break
    # The text model records it: the artifact must not depend on the machine's cores.
    booster.reset_parameter({"num_threads": 1})
    return booster


def _save(booster: lightgbm.Booster, folder: Path) -> tuple[str, ...]:
    text = booster.model_to_string(num_iteration=-1)
    (folder / MODEL_FILE).write_text(text, encoding="utf-8", newline="\n")
    return (MODEL_FILE,)


def _loaded(folder: Path) -> lightgbm.Booster:
    try:
        return lightgbm.Booster(model_file=str(folder / MODEL_FILE))
    except lightgbm.basic.LightGBMError as error:
        raise UserError(f"{MODEL_FILE} is not a LightGBM text model") from error


def _validation_predictions(booster: lightgbm.Booster) -> Scores:
    """LightGBM keeps the validation rows' predictions as it goes: no tree is walked twice."""
    found: list[Scores] = []

    def keep(predicted: Scores, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        found.append(predicted)
        return "", 0.0, True

    booster.eval_valid(keep)
    return found[0]


def _sample_of(booster: lightgbm.Booster, places: Rows, rounds: int) -> Remembered:
    """Of the training rows' predictions, which LightGBM keeps as well, those at ``places``."""
    found: list[Scores] = []

    def keep(predicted: Scores, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        found.append(predicted[places])
        return "", 0.0, True

    booster.eval_train(keep)
    return Remembered(rounds=rounds, predicted=found[0])


def _predict(booster: lightgbm.Booster, features: Matrix, rounds: int) -> Scores:
    return np.asarray(booster.predict(features, num_iteration=rounds, num_threads=1))
