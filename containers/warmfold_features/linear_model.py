"""A linear model on bins: what the trainer writes as JSON and the server scores with.

A number falls into one of its feature's intervals, a category is its level; bin 0 of each feature
is "missing". The score is the intercept and one weight of each feature, through a logistic
function where the target has two classes.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.documents import json_object
from warmfold_contract.errors import UserError

FILE_NAME = MODEL_FILES["linear"]
FORMAT = 1

Link = Literal["logistic", "identity"]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FeatureBins:
    """The bins of one feature.

    A number's ``edges`` are ascending upper ends that belong to their interval; the last interval
    has none. A category has ``levels`` instead, how many it knows.
    """

    name: str
    edges: tuple[float, ...] = ()
    levels: int | None = None

    @property
    def count(self) -> int:
        """Bins, the one of missing values among them."""
        return 1 + (len(self.edges) + 1 if self.levels is None else self.levels)

    def codes(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """Each value's bin; NaN, and a category that is no known level, is 0."""
        missing = np.isnan(values)
        if self.levels is None:
            codes = 1 + np.searchsorted(np.array(self.edges), values, side="left")
        else:
            missing |= (values < 0) | (values >= self.levels)
            codes = 1 + np.where(missing, 0, values).astype(np.intp)
        return np.where(missing, 0, codes)


@dataclass(frozen=True, kw_only=True)
class LinearModel:
    """``weights`` has one array for each feature, one value for each of its bins; ``rows`` the
    numbers of training rows in them."""

    features: Sequence[FeatureBins]
    weights: Sequence[Numbers]
    rows: Sequence[NDArray[np.int64]]
    intercept: float
    link: Link

    def predict(self, matrix: NDArray[np.float32]) -> Numbers:
        """For (rows, features), in the order of ``features``; a row's score is its own alone."""
        total = np.full(len(matrix), self.intercept)
        for position, (bins, weights) in enumerate(zip(self.features, self.weights, strict=True)):
            total += weights[bins.codes(matrix[:, position])]
        return logistic(total) if self.link == "logistic" else total

    def to_json(self) -> str:
        """The same text for the same model."""
        features = [
            {
                "name": bins.name,
                **({"edges": bins.edges} if bins.levels is None else {"levels": bins.levels}),
                "weights": weights.tolist(),
                "rows": rows.tolist(),
            }
            for bins, weights, rows in zip(self.features, self.weights, self.rows, strict=True)
        ]
        values = {
            "format": FORMAT,
            "link": self.link,
            "intercept": self.intercept,
            "features": features,
        }
        return json.dumps(values, indent=1, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "LinearModel":
        """Raises ``UserError`` for text that is no such model."""
        values = json_object(FILE_NAME, text)
        if values.get("format") != FORMAT or values.get("link") not in ("logistic", "identity"):
            raise UserError(f"{FILE_NAME} has a format or link that this image does not read")
        try:
            features = values["features"]
            return cls(
                features=[_bins(feature) for feature in features],
                weights=[_by_bin(feature, "weights", np.float64) for feature in features],
                rows=[_by_bin(feature, "rows", np.int64) for feature in features],
                intercept=float(values["intercept"]),
                link=values["link"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{FILE_NAME} is incomplete: {error}") from error


def read_linear_model(path: Path) -> LinearModel:
    """Raises ``UserError`` if the file holds no such model."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8") from error
    return LinearModel.from_json(text)


def logistic(values: Numbers) -> Numbers:
    """1 / (1 + exp(-x)); far from 0 it is 0 or 1."""
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-values)))


def _bins(feature: Mapping[str, Any]) -> FeatureBins:
    if "levels" in feature:
        return FeatureBins(name=feature["name"], levels=int(feature["levels"]))
    edges = tuple(float(edge) for edge in feature["edges"])
    if any(low >= high for low, high in itertools.pairwise(edges)):
        raise ValueError("edges must ascend")
    return FeatureBins(name=feature["name"], edges=edges)


def _by_bin(feature: Mapping[str, Any], key: str, dtype: type[Any]) -> NDArray[Any]:
    values = np.array(feature[key], dtype=dtype)
    if values.shape != (_bins(feature).count,):
        raise ValueError(f"feature {feature['name']!r} needs one of {key!r} for each bin")
    return values
