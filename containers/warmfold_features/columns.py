"""Raw values, as CSV text or JSON, to typed columns; a fault names row, column and kind only."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns
from warmfold_contract.schema import Column

# Position (from 0) of a row -> where a user finds it: "row 3", "loans.csv, data row 3".
Place = Callable[[int], str]

# `float()` alone also takes "nan", "infinity" and "1_000", none of which a data file should mean.
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")


def row_place(position: int) -> str:
    """The place of a row in a request: rows count from 1."""
    return f"row {position + 1}"


def typed_columns(
    rows: Sequence[Mapping[str, object]], columns: Iterable[Column], *, place: Place = row_place
) -> Columns:
    """One array per declared column: float64 with NaN, or object holding ``str`` and ``None``.

    Keys that are no column are ignored. Raises ``UserError`` naming row and column for a missing
    key or a value of the wrong kind, never the value.
    """
    return {
        column.name: typed_column(_cells(rows, column.name, place), column, place=place)
        for column in columns
    }


def typed_column(
    values: Sequence[object], column: Column, *, place: Place = row_place
) -> NDArray[Any]:
    """One column's array, by the column's kind; raises like ``typed_columns``."""
    read = number_column if column.kind == "number" else category_column
    return read(values, column.name, place=place)


def number_column(
    values: Sequence[object], name: str, *, place: Place = row_place
) -> NDArray[np.float64]:
    """float64; blank text and ``None`` are NaN, anything that is no finite number is refused."""
    result = np.empty(len(values), dtype=np.float64)
    for position, value in enumerate(values):
        try:
            result[position] = _number(value)
        except ValueError as error:
            raise _fault(place(position), name, f"{error}; leave a missing number blank") from None
    return result


def category_column(
    values: Sequence[object], name: str, *, place: Place = row_place
) -> NDArray[np.object_]:
    """object; blank text and ``None`` are ``None``, whole numbers (codes) become their text."""
    result = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        try:
            result[position] = _category(value)
        except ValueError as error:
            raise _fault(place(position), name, f"{error}; send it as text") from None
    return result


def _cells(rows: Sequence[Mapping[str, object]], name: str, place: Place) -> list[object]:
    cells: list[object] = []
    for position, row in enumerate(rows):
        if name not in row:
            raise _fault(place(position), name, "is missing; send null if the value is unknown")
        cells.append(row[name])
    return cells


def _number(value: object) -> float:
    """Raises ``ValueError`` whose text says what is wrong, without the value."""
    if value is None:
        return math.nan
    if isinstance(value, str):
        return _number_of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, found {_kind(value)}")  # noqa: TRY004
    return _finite(value)


def _number_of_text(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return _finite(text)
    if not text.strip():
        return math.nan
    raise ValueError("expected a number, found text")


def _finite(value: float | str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("the number is not finite (NaN, infinite or beyond 1.8e308)")
    return number


def _category(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"expected text, found {_kind(value)}")


def _kind(value: object) -> str:
    """A JSON value's kind in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else "text"


def _fault(where: str, column: str, fault: str) -> UserError:
    return UserError(f"{where}, column {column!r}: {fault}")
