"""Feature columns to the model's float32 matrix, and the schema that says how."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns
from warmfold_contract.schema import Feature

_NUMERIC_KINDS = "fiub"


def infer_features(columns: Columns) -> tuple[Feature, ...]:
    """The features in the project's order, categories with their levels in sorted order.

    Call it with training rows only: levels are learned here, without looking at the target.
    Raises ``UserError`` for a category column that holds anything but text and ``None``.
    """
    return tuple(
        Feature(name, "number")
        if values.dtype.kind in _NUMERIC_KINDS
        else Feature(name, "category", _levels(name, values))
        for name, values in columns.items()
    )


def encode(columns: Columns, features: Sequence[Feature]) -> NDArray[np.float32]:
    """Matrix (rows, features) in schema order; a missing or unknown category is NaN.

    Raises ``UserError`` naming the feature if it is absent, has the other kind, or is infinite
    as float32.
    """
    missing = [feature.name for feature in features if feature.name not in columns]
    if missing:
        raise UserError(f"the project's features function made no {_names(missing)}")
    rows = len(columns[features[0].name]) if features else 0
    matrix = np.empty((rows, len(features)), dtype=np.float32)
    for position, feature in enumerate(features):
        matrix[:, position] = _encoded(columns[feature.name], feature)
    return matrix


def _encoded(values: NDArray[Any], feature: Feature) -> NDArray[np.float32]:
    numeric = values.dtype.kind in _NUMERIC_KINDS
    if numeric != (feature.kind == "number"):
        raise UserError(
            f"feature {feature.name!r} is a {feature.kind} in the schema, but the project's "
            f"features function made {'numbers' if numeric else 'text'}"
        )
    return _numbers(values, feature.name) if numeric else _codes(values, feature.levels)


def _numbers(values: NDArray[Any], name: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        raise UserError(
            f"feature {name!r} is infinite, or beyond 3.4e38, in {infinite.size} of "
            f"{len(numbers)} rows, first in row {infinite[0] + 1}: guard divisions and "
            "logarithms in the features function"
        )
    return numbers


def _codes(values: NDArray[Any], levels: Sequence[str]) -> NDArray[np.float32]:
    codes = {level: float(code) for code, level in enumerate(levels)}
    return np.array([codes.get(value, np.nan) for value in values], dtype=np.float32)


def _levels(name: str, values: NDArray[Any]) -> tuple[str, ...]:
    for position, value in enumerate(values):
        if value is not None and not isinstance(value, str):
            raise UserError(
                f"feature {name!r}, row {position + 1}: a category holds text or None, "
                f"found {type(value).__name__}"
            )
    return tuple(sorted({value for value in values if value is not None}))


def _names(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
