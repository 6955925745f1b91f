"""A folder of raw files as a stream of chunks of rows, whatever their format."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.schema import Column
from warmfold_features import Cells, Missing, typed_column

# Rows that are raw text or Python objects at any one time: what memory a wide file needs.
ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True)
class RawChunk:
    """Consecutive rows of one file; ``first`` is the position of the first in its file, from 0.

    ``columns`` holds what ``warmfold_features.typed_column`` reads, by column.
    """

    file: str
    first: int
    rows: int
    columns: Mapping[str, Cells]
    missing: Missing

    def typed(self, column: Column) -> NDArray[Any]:
        """Raises ``UserError`` naming row and column for a value of the wrong kind."""
        values = self.columns[column.name]
        return typed_column(values, column, place=self.place, missing=self.missing)

    def place(self, position: int) -> str:
        """Where a user finds the row at ``position`` of the chunk; data rows count from 1."""
        return f"{self.file}, data row {self.first + position + 1}"


class RawFile(Protocol):
    """An open file whose columns are known, and its rows not yet read."""

    @property
    def name(self) -> str: ...

    @property
    def header(self) -> Sequence[str]: ...

    def chunks(self, wanted: Sequence[str]) -> Iterator[RawChunk]:
        """All rows, with the wanted columns only; raises ``UserError`` with a fault's place."""


def _csv(path: Path) -> RawFile:
    from warmfold_trainer.csv_input import CsvFile

    return CsvFile(path)


def _parquet(path: Path) -> RawFile:
    # Imported here: only the processing job reads Parquet, and only if it is given any.
    from warmfold_trainer.parquet_input import ParquetFile

    return ParquetFile(path)


_FORMATS: dict[str, Callable[[Path], RawFile]] = {".csv": _csv, ".parquet": _parquet}


def read_chunks(folder: Path, wanted: Sequence[str]) -> Iterator[RawChunk]:
    """All files below ``folder`` in the order of their names; all must have the same columns.

    Raises ``UserError`` naming the file for: no file, CSV beside Parquet, a wanted column that is
    missing, other columns than the first file's, no rows, and for what its format refuses.
    """
    paths = _data_files(folder)
    first: RawFile | None = None
    for path in paths:
        file = _FORMATS[path.suffix.lower()](path)
        if first is None:
            _require_columns(file, wanted)
            first = file
        elif list(file.header) != list(first.header):
            raise UserError(
                f"{file.name} has another header than {first.name}: "
                f"{_header_difference(first.header, file.header)}; every file needs the same "
                "columns in the same order"
            )
        yield from file.chunks(wanted)


def _data_files(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _FORMATS)
    if not paths:
        raise UserError(
            f"the input {folder.name!r} holds no .csv or .parquet file: upload the training data"
        )
    if len({path.suffix.lower() for path in paths}) > 1:
        raise UserError(
            f"the input {folder.name!r} holds both .csv and .parquet files: one may be a copy of "
            "the other; leave only one kind there"
        )
    return paths


def _require_columns(file: RawFile, wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in file.header]
    if missing:
        raise UserError(
            f"{file.name} lacks the columns {missing} that the project declares: its header must "
            "have these names"
        )


def _header_difference(first: Sequence[str], other: Sequence[str]) -> str:
    """Positions, not names: of a file without a header, the names are a person's data."""
    if sorted(first) == sorted(other):
        return "the same columns in another order"
    if len(first) != len(other):
        return f"{len(first)} columns against {len(other)}"
    position = [one == two for one, two in zip(first, other, strict=True)].index(False) + 1
    return f"first at column {position}"
