"""Models by algorithm, from their files. A library is imported when a model of it is loaded."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.errors import UserError

if TYPE_CHECKING:
    import lightgbm
    import xgboost

    from warmfold_features.linear_model import LinearModel

Matrix = NDArray[np.float32]


class Scorer(Protocol):
    """A model whose ``predict`` several threads may call at once."""

    @property
    def features(self) -> int:
        """Columns of the matrix that it predicts for."""

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """One value a row: a probability or, fitted as a number, any number."""


class LightGbmScorer:
    """LightGBM takes a shared lock in predict, but each call also writes the range of trees into
    the booster (its issue 6142). All our calls ask for every tree, so they write the same values
    and may run side by side. One thread, because OpenMP's spinning at the end of a call costs a
    small request more than a second core gains."""

    def __init__(self, booster: "lightgbm.Booster") -> None:
        self._booster = booster
        self.features = booster.num_feature()

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        return np.asarray(self._booster.predict(matrix, num_iteration=-1, num_threads=1))


class XgboostScorer:
    """``inplace_predict`` is XGBoost's one method that threads may share a booster in."""

    def __init__(self, booster: "xgboost.Booster") -> None:
        self._booster = booster
        self.features = booster.num_features()

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        return np.asarray(self._booster.inplace_predict(matrix), dtype=np.float64)


class LinearScorer:
    """Weights that are only read."""

    def __init__(self, model: "LinearModel") -> None:
        self._model = model
        self.features = len(model.features)

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        return self._model.predict(matrix)


def load_scorer(algorithm: str, folder: Path) -> Scorer:
    """The model that a training job of this algorithm left in ``folder``.

    Raises ``UserError`` for an algorithm that this image does not know, a damaged file, or a
    model of more than one output.
    """
    if algorithm not in _LOADERS:
        raise UserError(
            f"the model is of algorithm {algorithm!r}, this image serves {', '.join(_LOADERS)}"
        )
    name = MODEL_FILES[algorithm]
    scorer = _LOADERS[algorithm](folder / name)
    shape = scorer.predict(np.full((2, scorer.features), np.nan, dtype=np.float32)).shape
    if shape != (2,):
        raise UserError(f"{name} predicts {shape[1:]} values a row: a model must predict one")
    return scorer


def _lightgbm(path: Path) -> Scorer:
    import lightgbm

    try:
        return LightGbmScorer(lightgbm.Booster(model_file=path))
    except lightgbm.basic.LightGBMError as error:
        raise UserError(f"{path.name} is not a LightGBM model: {error}") from error


def _xgboost(path: Path) -> Scorer:
    import xgboost

    booster = xgboost.Booster(params={"nthread": 1, "verbosity": 0})
    try:
        booster.load_model(path)
    except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
        # The second where XGBoost quotes what it cannot read.
        raise UserError(f"{path.name} is not an XGBoost model in JSON") from error
    return XgboostScorer(booster)


def _linear(path: Path) -> Scorer:
    from warmfold_features.linear_model import read_linear_model

    return LinearScorer(read_linear_model(path))


_LOADERS: Mapping[str, Callable[[Path], Scorer]] = {
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "linear": _linear,
}
