"""Reading a folder of CSV files strictly: whatever is doubtful is refused with its place."""

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warmfold_contract.errors import UserError


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Cell texts by column, over all files in the order of their names.

    ``files`` holds each file's name and number of data rows.
    """

    columns: Mapping[str, Sequence[str]]
    files: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.files)

    def place(self, position: int) -> str:
        """Where the row at ``position`` (from 0, over all files) stands; data rows count from 1."""
        for name, rows in self.files:
            if position < rows:
                return f"{name}, data row {position + 1}"
            position -= rows
        raise IndexError(position)


def read_csv_folder(folder: Path) -> RawTable:
    """All ``*.csv`` files below ``folder``, which must have the same header.

    Raises ``UserError`` naming file and row (or byte) for: no file, an empty file, a header
    without rows, different headers, another separator than the comma, unnamed or repeated
    columns, ragged or blank rows, broken quoting, NUL bytes and text that is not UTF-8. A byte
    order mark is accepted and dropped.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".csv")
    if not paths:
        raise UserError(f"the input {folder.name!r} holds no .csv file: upload the training data")
    header: list[str] = []
    rows: list[list[str]] = []
    files: list[tuple[str, int]] = []
    for path in paths:
        found, file_rows = _read_file(path)
        if files and found != header:
            raise UserError(
                f"{path.name} has another header than {paths[0].name}: "
                f"{_header_difference(header, found)}; every file needs the same first row"
            )
        header = found
        rows.extend(file_rows)
        files.append((path.name, len(file_rows)))
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    return RawTable(columns=columns, files=tuple(files))


def _read_file(path: Path) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        _check_header(path.name, header)
        rows = list(reader)
    except csv.Error as error:
        raise UserError(
            f"{path.name}, line {reader.line_num}: broken CSV ({error}); quote text that holds "
            "commas, and double the quotes inside it"
        ) from error
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        raise UserError(f"{path.name} has a header but no data rows")
    _check_widths(path.name, rows, len(header))
    return header, rows


def _text(path: Path) -> str:
    raw = path.read_bytes()
    if not raw.strip():
        raise UserError(f"{path.name} is empty: it needs a header and data rows")
    nul = raw.find(b"\0")
    if nul >= 0:
        raise UserError(f"{path.name} holds a NUL byte at {_byte_place(raw, nul)}: {_SAVE_AS_UTF8}")
    start = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    try:
        return raw[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        place = _byte_place(raw, start + error.start)
        raise UserError(f"{path.name} is not UTF-8 at {place}: {_SAVE_AS_UTF8}") from None


# Spreadsheets of many countries write these where the comma is the decimal sign.
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SAVE_AS_UTF8 = "save it as CSV in UTF-8"


def _byte_place(raw: bytes, offset: int) -> str:
    line = raw.count(b"\n", 0, offset) + 1
    return f"byte offset {offset} (line {line})"


def _check_header(file: str, header: Sequence[str]) -> None:
    if len(header) == 1:
        for separator, name in _OTHER_SEPARATORS.items():
            if separator in header[0]:
                raise UserError(
                    f"{file}: the header is one field with {name} in it; separate the columns "
                    "by commas, and write decimals with a point"
                )
    for position, name in enumerate(header, start=1):
        if not name.strip():
            raise UserError(f"{file}: column {position} of the header has no name")
        first = header.index(name) + 1
        if first < position:
            raise UserError(f"{file}: columns {first} and {position} of the header have one name")


def _check_widths(file: str, rows: Sequence[Sequence[str]], width: int) -> None:
    for number, row in enumerate(rows, start=1):
        if not row:
            raise UserError(f"{file}, data row {number}: the row is blank; remove it")
        if len(row) != width:
            raise UserError(
                f"{file}, data row {number}: expected {width} values as in the header, found "
                f"{len(row)}; quote text that holds commas"
            )


def _header_difference(first: Sequence[str], other: Sequence[str]) -> str:
    """Positions, not names: of a file without a header, the names are a person's data."""
    if sorted(first) == sorted(other):
        return "the same columns in another order"
    if len(first) != len(other):
        return f"{len(first)} columns against {len(other)}"
    position = [one == two for one, two in zip(first, other, strict=True)].index(False) + 1
    return f"first at column {position}"
