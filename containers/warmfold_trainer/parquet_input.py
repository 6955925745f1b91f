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

    Raises ``UserError`` naming the file for: damage, no rows, columns of one name, and wanted
    columns that hold lists, structures, bytes or times of day.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        _check_readable(path)
        self._reader: RecordBatchReader = read_parquet(path, batch_size=ROWS_AT_ONCE)
        self.header: Sequence[str] = self._reader.schema.names
        if len(set(self.header)) < len(self.header):
            raise UserError(f"{self.name}: two columns have one name")

    def chunks(self, wanted: Sequence[str]) -> Iterator[RawChunk]:
        self._check_types(wanted)
        first = 0
        for batch in self._reader:
            if batch.num_rows:
                yield RawChunk(
                    file=self.name,
                    first=first,
                    rows=batch.num_rows,
                    columns={name: _values(batch[name]) for name in wanted},
                    missing="null",
                )
            first += batch.num_rows
        if first == 0:
            raise UserError(f"{self.name} holds no rows")

    def _check_types(self, wanted: Sequence[str]) -> None:
        types = {name: _plain(self._reader.schema.field(name).type) for name in wanted}
        wrong = [f"{name!r} ({_words(kind)})" for name, kind in types.items() if not _is_read(kind)]
        if wrong:
            raise UserError(
                f"{self.name}: columns of these types cannot be read: {', '.join(wrong)}; write "
                "numbers, text, true and false, or dates"
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


def _plain(kind: DataType) -> DataType:
    """What a dictionary's values are; any other type is itself."""
    inner = kind.value_type if DataType.is_dictionary(kind) else None
    return kind if inner is None else inner


def _is_read(kind: DataType) -> bool:
    return (
        DataType.is_numeric(kind)
        or DataType.is_decimal(kind)
        or DataType.is_boolean(kind)
        or DataType.is_null(kind)
        or _is_moment(kind)
        or _is_text(kind)
    )


def _words(kind: DataType) -> str:
    """``Binary`` of ``arro3.core.DataType<Binary>``."""
    return str(kind).strip().partition("<")[2].removesuffix(">")


def _values(column: Array) -> Cells:
    """Of a type that ``_is_read`` knows."""
    column = column.cast(_plain(column.type))
    if DataType.is_decimal(column.type):
        column = column.cast(DataType.float64())
    if DataType.is_floating(column.type):
        return _floats(column)
    if _is_moment(column.type):
        return _moments(column)
    if DataType.is_boolean(column.type):
        return np.array(column.to_pylist(), dtype=object)
    return column.to_pylist()


def _floats(column: Array) -> Cells:
    """float64, null as NaN."""
    values = column.to_pylist() if column.null_count else column.to_numpy()
    return np.asarray(values, dtype=np.float64)


def _moments(column: Array) -> Cells:
    """datetime64 in microseconds of UTC, null as NaT."""
    counts = column.cast(_MICROSECONDS).cast(DataType.int64()).to_pylist()
    known = [_NOT_A_TIME if value is None else value for value in counts]
    return np.array(known, dtype=np.int64).view("M8[us]")


def _is_moment(kind: DataType) -> bool:
    return DataType.is_date(kind) or DataType.is_timestamp(kind)


def _is_text(kind: DataType) -> bool:
    return (
        DataType.is_string(kind) or DataType.is_large_string(kind) or DataType.is_string_view(kind)
    )
