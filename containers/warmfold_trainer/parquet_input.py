"""Reading Parquet, some rows at a time.

By arro3 (Apache Arrow's Rust reader): a tenth of pyarrow's size, imported in milliseconds.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from arro3.core import Array, DataType, RecordBatchReader
from arro3.io import read_parquet

from warmfold_contract.errors import UserError
from warmfold_features import Cells
from warmfold_trainer.raw_input import ROWS_AT_ONCE, RawChunk

_READ_ALL = "import sys, arro3.io; [0 for _ in arro3.io.read_parquet(sys.argv[1])]"

_MICROSECONDS = DataType.timestamp("us")
_NOT_A_TIME = np.datetime64("NaT", "us").astype(np.int64)


class ParquetFile:
    """See ``raw_input.RawFile``.

    Raises ``UserError`` naming the file for: damage, no rows, columns of one name, and a wanted
    column that holds lists, structures, bytes or times of day.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        _check_readable(path)
        self._reader: RecordBatchReader = read_parquet(path, batch_size=ROWS_AT_ONCE)
        self.header: Sequence[str] = self._reader.schema.names
        if len(set(self.header)) < len(self.header):
            raise UserError(f"{self.name}: two columns have one name")

    def chunks(self, wanted: Sequence[str]) -> Iterator[RawChunk]:
        first = 0
        for batch in self._reader:
            if batch.num_rows:
                columns = {name: self._values(name, batch[name]) for name in wanted}
                yield RawChunk(file=self.name, first=first, rows=batch.num_rows, columns=columns)
            first += batch.num_rows
        if first == 0:
            raise UserError(f"{self.name} holds no rows")

    def _values(self, name: str, column: Array) -> Cells:
        kind = column.type
        if DataType.is_dictionary(kind) and kind.value_type is not None:
            column = column.cast(kind.value_type)
            kind = column.type
        if DataType.is_decimal(kind):
            column = column.cast(DataType.float64())
            kind = column.type
        if DataType.is_floating(kind):
            return _floats(column)
        if DataType.is_date(kind) or DataType.is_timestamp(kind):
            return _moments(column)
        if DataType.is_boolean(kind):
            return [None if value is None else str(value).lower() for value in column.to_pylist()]
        if DataType.is_integer(kind) or _is_text(kind) or DataType.is_null(kind):
            return column.to_pylist()
        raise UserError(
            f"{self.name}, column {name!r}: {str(kind).strip()} cannot be read; write numbers, "
            "text, true and false, or dates"
        )


def _check_readable(path: Path) -> None:
    """Raises ``UserError`` for a damaged file, ``RuntimeError`` if that cannot be found out.

    On a damaged page the reader may abort its process, beyond what Python can catch. So a child
    reads the file first, which costs a tenth of what processing it does.
    """
    child = subprocess.run(
        [sys.executable, "-c", _READ_ALL, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if child.returncode == -signal.SIGKILL:
        raise RuntimeError(f"the check of {path.name} was killed, perhaps for want of memory")
    if child.returncode != 0:
        raise UserError(f"{path.name} is damaged, or no Parquet file: write it again")


def _floats(column: Array) -> Cells:
    """float64, null as NaN."""
    values = column.to_pylist() if column.null_count else column.to_numpy()
    return np.asarray(values, dtype=np.float64)


def _moments(column: Array) -> Cells:
    """datetime64 in microseconds of UTC, null as NaT."""
    counts = column.cast(_MICROSECONDS).cast(DataType.int64()).to_pylist()
    known = [_NOT_A_TIME if value is None else value for value in counts]
    return np.array(known, dtype=np.int64).view("M8[us]")


def _is_text(kind: DataType) -> bool:
    return (
        DataType.is_string(kind) or DataType.is_large_string(kind) or DataType.is_string_view(kind)
    )
