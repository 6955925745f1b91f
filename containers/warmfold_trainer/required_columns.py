"""Columns that every row needs a value of: the target, the group, the time.

Rows without one are counted over all files and refused together, with their places.
"""

import math
from collections.abc import Sequence
from itertools import count
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Project
from warmfold_contract.schema import Column
from warmfold_features import Cells, Missing
from warmfold_trainer.raw_input import RawChunk

_ROWS_NAMED = 10


class RequiredReader(Protocol):
    """Collects one column over the chunks of all files."""

    @property
    def name(self) -> str: ...

    def add(self, chunk: RawChunk) -> None:
        """Raises ``UserError`` for a value of the wrong kind."""

    def values(self) -> NDArray[Any]:
        """The whole column; raises ``UserError`` if a row has no value."""


class _Places:
    """Rows at fault: how many, and where the first ones stand."""

    def __init__(self) -> None:
        self.rows = 0
        # What the files call a missing value; all of them are of one kind.
        self.missing: Missing = "blank"
        self._named: list[str] = []

    def add(self, chunk: RawChunk, positions: Sequence[int]) -> None:
        self.missing = chunk.missing
        room = _ROWS_NAMED - len(self._named)
        self._named += [chunk.place(position) for position in positions[:room]]
        self.rows += len(positions)

    def __str__(self) -> str:
        more = self.rows - len(self._named)
        return "; ".join(self._named) + (f" and {more} more" if more else "")


class LabelReader:
    """A classification's target: 1 for the positive label."""

    def __init__(self, project: Project) -> None:
        self.name = project.target
        self._project = project
        self._codes = {project.negative_label: 0, project.positive_label: 1}
        self._parts: list[NDArray[np.uint8]] = []
        self._wrong = _Places()
        self._blank = 0

    def add(self, chunk: RawChunk) -> None:
        labels = [_label(value) for value in chunk.columns[self.name]]
        wrong = [place for place, label in enumerate(labels) if label not in self._codes]
        self._wrong.add(chunk, wrong)
        self._blank += sum(not labels[position].strip() for position in wrong)
        codes = [self._codes.get(label, 0) for label in labels]
        self._parts.append(np.array(codes, dtype=np.uint8))

    def values(self) -> NDArray[np.uint8]:
        positive, negative = self._project.positive_label, self._project.negative_label
        check = "check the project's positive_label and negative_label"
        missing = self._wrong.missing
        if self._wrong.rows:
            raise UserError(
                f"the target column {self.name!r} must hold {positive!r} or {negative!r}; "
                f"{self._wrong.rows} rows do not ({self._blank} {missing}, "
                f"{self._wrong.rows - self._blank} another value): {self._wrong}; correct them, or "
                f"{check}"
            )
        target = np.concatenate(self._parts)
        if target.min() == target.max():
            raise UserError(
                f"the target column {self.name!r} holds only "
                f"{positive if target[0] else negative!r}: both labels are needed to learn from; "
                f"{check}"
            )
        return target


class TargetNumberReader:
    """A regression's target: float64."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._numbers = _NumberParts(Column(name, "number"))

    def add(self, chunk: RawChunk) -> None:
        self._numbers.add(chunk)

    def values(self) -> NDArray[np.float64]:
        return self._numbers.values(f"the target column {self.name!r}")


class TimeReader:
    """The column that orders the rows: numbers or dates, as declared or as the first value is."""

    def __init__(self, name: str, declared: Column | None) -> None:
        self.name = name
        self._numbers = None if declared is None else _NumberParts(declared)

    def add(self, chunk: RawChunk) -> None:
        if self._numbers is None:
            self._numbers = _NumberParts(_time_column(self.name, chunk.columns[self.name]))
        self._numbers.add(chunk)

    def values(self) -> NDArray[np.float64]:
        numbers = self._numbers or _NumberParts(Column(self.name, "date"))
        return numbers.values(f"the time column {self.name!r}")


class GroupReader:
    """The group of each row as a code, numbered in the order of first appearance."""

    def __init__(self, column: Column) -> None:
        self.name = column.name
        self._column = column
        self._next = count()
        self._codes: dict[object, int] = {}
        self._parts: list[NDArray[np.intp]] = []
        self._missing = _Places()

    def add(self, chunk: RawChunk) -> None:
        values = chunk.typed(self._column).tolist()
        # Only NaN is not itself.
        blank = [place for place, value in enumerate(values) if value is None or value != value]
        self._missing.add(chunk, blank)
        codes = self._codes
        for value in values:
            if value not in codes:
                codes[value] = next(self._next)
        self._parts.append(np.array([codes[value] for value in values], dtype=np.intp))

    def values(self) -> NDArray[np.intp]:
        _refuse_missing(f"the group column {self.name!r}", self._missing)
        return np.concatenate(self._parts)


class _NumberParts:
    """A column of floats over the chunks."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._parts: list[NDArray[np.float64]] = []
        self._missing = _Places()

    def add(self, chunk: RawChunk) -> None:
        numbers = chunk.typed(self._column)
        self._missing.add(chunk, np.flatnonzero(np.isnan(numbers)).tolist())
        self._parts.append(numbers)

    def values(self, what: str) -> NDArray[np.float64]:
        _refuse_missing(what, self._missing)
        return np.concatenate(self._parts)


def _refuse_missing(what: str, places: _Places) -> None:
    if places.rows:
        raise UserError(
            f"{what} is {places.missing} in {places.rows} rows, and every row needs a value: "
            f"{places}; fill them in, or remove these rows"
        )


def _time_column(name: str, values: Cells) -> Column:
    """A number if the first value there is one, else a date."""
    first = next((value for value in values if value is not None and str(value).strip()), "")
    if isinstance(first, np.datetime64):
        return Column(name, "date")
    try:
        float(first)  # type: ignore[arg-type]  # anything else is a date, or refused as one
    except (TypeError, ValueError):
        return Column(name, "date")
    return Column(name, "number")


def _label(value: object) -> str:
    """A label as text: Parquet may hold it as a number or as true and false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if value is None or value != value:
        return ""
    if value in (math.inf, -math.inf):
        return str(value)
    return str(int(value)) if value == int(value) else str(value)  # type: ignore[call-overload]
