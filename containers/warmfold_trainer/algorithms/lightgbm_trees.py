"""Gradient-boosted trees by LightGBM: binned once, folds as subsets, one thread each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from warmfold_contract.algorithms import EARLY_STOPPING_ROUNDS, LIGHTGBM, MAX_ROUNDS
from warmfold_contract.errors import UserError
from warmfold_trainer.algorithms.lightgbm_settings import (
    DATASET_PARAMETERS,
    FIXED,
    TRAINING_CONTROL,
)
from warmfold_trainer.algorithms.protocol import (
    Importance,
    Matrix,
    RoundScore,
    Rows,
    Scores,
    Table,
)

MODEL_FILE = "model.txt"


class LightGbmTrees:
    """The ``lightgbm`` algorithm; see ``protocol.Algorithm``."""

    name = "lightgbm"
    hyperparameters = LIGHTGBM
    model_files = (MODEL_FILE,)

    def prepare(self, table: Table, settings: Mapping[str, float], *, seed: int) -> "BinnedTable":
        return BinnedTable(table, settings, seed=seed)

    def load(self, folder: Path) -> "LightGbmModel":
        try:
            booster = lightgbm.Booster(model_file=str(folder / MODEL_FILE))
        except lightgbm.basic.LightGBMError as error:
            raise UserError(f"{MODEL_FILE} is not a LightGBM text model") from error
        return LightGbmModel(booster)


class BinnedTable:
    """The table as LightGBM's histogram bins. Bin edges look at all rows, never at the target."""

    def __init__(self, table: Table, settings: Mapping[str, float], *, seed: int) -> None:
        self._settings = settings
        self._parameters: dict[str, Any] = {
            **FIXED,
            "seed": seed,
            "num_threads": 1,
            **{key: value for key, value in settings.items() if key not in TRAINING_CONTROL},
        }
        self._features = table.features
        dataset_keys = (*FIXED, "seed", "num_threads", *DATASET_PARAMETERS)
        self._dataset_parameters = {key: self._parameters[key] for key in dataset_keys}
        self._dataset = lightgbm.Dataset(
            table.features,
            label=table.target,
            feature_name=[feature.name for feature in table.schema],
            categorical_feature=[
                position
                for position, feature in enumerate(table.schema)
                if feature.kind == "category"
            ],
            params=self._dataset_parameters,
        ).construct()

    def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> "LightGbmFold":
        """Stops ``early_stopping_rounds`` after the best round, or at ``max_rounds``."""
        booster = lightgbm.Booster(self._parameters, self._subset(train))
        booster.add_valid(self._subset(validation), "validation")
        curve: list[float] = []
        patience = _Patience(score.greater_is_better, int(self._settings[EARLY_STOPPING_ROUNDS]))
        for _ in range(int(self._settings[MAX_ROUNDS])):
            cannot_split = booster.update()
            if cannot_split and curve:
                break
            curve.append(_validation_score(booster, score))
            if cannot_split or patience.is_exhausted(curve[-1]):
                break
        return LightGbmFold(booster, np.array(curve))

    def fit_final(self, rounds: int, *, threads: int) -> "LightGbmModel":
        booster = lightgbm.Booster({**self._parameters, "num_threads": threads}, self._dataset)
        for _ in range(rounds):
            if booster.update():
                break
        # The text model records it: the artifact must not depend on the machine's cores.
        booster.reset_parameter({"num_threads": 1})
        return LightGbmModel(booster)

    def _subset(self, rows: Rows) -> lightgbm.Dataset:
        return self._dataset.subset(np.sort(rows).tolist(), params=self._dataset_parameters)


class LightGbmFold:
    """See ``protocol.FoldModel``."""

    def __init__(self, booster: lightgbm.Booster, curve: Scores) -> None:
        self._booster = booster
        self.curve = curve

    def predict(self, features: Matrix, rounds: int) -> Scores:
        return _predict(self._booster, features, rounds)


class LightGbmModel:
    """See ``protocol.FinalModel``."""

    def __init__(self, booster: lightgbm.Booster) -> None:
        self._booster = booster

    def predict(self, features: Matrix) -> Scores:
        return _predict(self._booster, features, self._booster.current_iteration())

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
        text = self._booster.model_to_string(num_iteration=-1)
        (folder / MODEL_FILE).write_text(text, encoding="utf-8", newline="\n")
        return (MODEL_FILE,)


class _Patience:
    """Counts the rounds since the best score."""

    def __init__(self, greater_is_better: bool, rounds: int) -> None:
        self._sign = 1.0 if greater_is_better else -1.0
        self._rounds = rounds
        self._best = -np.inf
        self._since_best = 0

    def is_exhausted(self, score: float) -> bool:
        if self._sign * score > self._best:
            self._best, self._since_best = self._sign * score, 0
        else:
            self._since_best += 1
        return self._since_best >= self._rounds


def _validation_score(booster: lightgbm.Booster, score: RoundScore) -> float:
    """LightGBM keeps the validation rows' predictions as it goes: no tree is walked twice."""

    def evaluate(scores: Scores, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        return "score", score.function(scores), score.greater_is_better

    return float(booster.eval_valid(evaluate)[0][2])


def _predict(booster: lightgbm.Booster, features: Matrix, rounds: int) -> Scores:
    return np.asarray(booster.predict(features, num_iteration=rounds, num_threads=1))
