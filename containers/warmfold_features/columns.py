"""Raw values, as CSV text or JSON, to typed columns; a fault names row, column and kind only."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns
from warmfold_contract.schema import Column, Kind
from warmfold_features.cells import MICROSECONDS_A_DAY, Cell, parser_of

# Position (from 0) of a row -> where a user finds it: "row 3", "loans.csv, data row 3".
Place = Callable[[int], str]

# Raw values of a column: texts and JSON values, or an array out of a columnar file, which holds
# floats (NaN is missing), ``datetime64`` in microseconds of UTC, or as objects `True`, `False`
# and `None`.
Cells = Sequence[object] | NDArray[Any]

# How the source of the values writes that there is none.
Missing = Literal["blank", "null"]

_REMEDIES: Mapping[Kind, str] = {
    "number": "write numbers, and {missing} for a missing one",
    "category": "write it as text",
    "date": "write ISO dates, and {missing} for a missing one",
    "money": "declare the column's `currency` and `decimal`, and write {missing} for a missing "
    "amount",
}
_MISSING_WORDS: Mapping[Missing, str] = {"blank": "nothing", "null": "null"}
_TRUTH_TEXTS = {True: "true", False: "false", None: None}

# With nothing but these, `float()` takes what a data file means by a number, and nothing else.
_NUMBER_BYTES = b"0123456789+-.eE"


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
    values: Cells, column: Column, *, place: Place = row_place, missing: Missing = "null"
) -> NDArray[Any]:
    """One column's array, by the column's kind; raises like ``typed_columns``."""
    if isinstance(values, np.ndarray):
        made = _typed_array(values, column)
        if made is not None:
            return made
        values = [None if value != value else value for value in values.tolist()]
    kinds = set(map(type, values))
    if kinds == {str} and column.kind == "number":
        numbers = _plain_numbers(values)
        if numbers is not None:
            return numbers
    parse = parser_of(column)
    dtype = object if column.kind == "category" else np.float64
    if kinds <= {str, type(None)}:
        cells = _by_distinct(values, parse)
        if cells is not None:
            return np.array(cells, dtype=dtype)
    result = np.empty(len(values), dtype=dtype)
    for position, value in enumerate(values):
        try:
            result[position] = parse(value)
        except ValueError as error:
            remedy = _REMEDIES[column.kind].format(missing=_MISSING_WORDS[missing])
            raise UserError(
                f"{place(position)}, column {column.name!r}: {error}; {remedy}"
            ) from None
    return result


def _typed_array(values: NDArray[Any], column: Column) -> NDArray[Any] | None:
    """The fast way for an array that has the column's kind and no fault, else ``None``."""
    if column.kind == "date" and values.dtype.kind == "M":
        days = values.astype("M8[us]").astype(np.float64) / MICROSECONDS_A_DAY
        return np.where(np.isnat(values), np.nan, days)
    if column.kind == "category" and values.dtype == object:
        return np.array([_TRUTH_TEXTS[value] for value in values], dtype=object)
    if column.kind in ("number", "money") and values.dtype.kind == "f":
        return None if np.isinf(values).any() else values.astype(np.float64, copy=False)
    return None


def _plain_numbers(texts: Sequence[Any]) -> NDArray[np.float64] | None:
    """The fast way for a column without spaces or faults, else ``None``."""
    try:
        if "".join(texts).encode("ascii").translate(None, _NUMBER_BYTES):
            return None
        numbers = np.array([float(text or "nan") for text in texts], dtype=np.float64)
    except ValueError:
        return None
    return None if np.isinf(numbers).any() else numbers


def _by_distinct(values: Sequence[object], parse: Callable[[object], Cell]) -> list[Cell] | None:
    """Each text parsed once, equal results being one object; ``None`` if one is at fault."""
    try:
        known = {value: parse(value) for value in set(values)}
    except ValueError:
        return None
    return [known[value] for value in values]


def _cells(rows: Sequence[Mapping[str, object]], name: str, place: Place) -> list[object]:
    cells: list[object] = []
    for position, row in enumerate(rows):
        if name not in row:
            raise UserError(
                f"{place(position)}, column {name!r}: is missing; send null if the value is unknown"
            )
        cells.append(row[name])
    return cells
