"""Reading CSV strictly: whatever is doubtful is refused with its place."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from warmfold_contract.errors import UserError
from warmfold_trainer.raw_input import ROWS_AT_ONCE, RawChunk

if TYPE_CHECKING:
    from _csv import Reader

_BLOCK_BYTES = 1 << 22

# Spreadsheets of many countries write these where the comma is the decimal sign.
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SAVE_AS_UTF8 = "save it as CSV in UTF-8"


class CsvFile:
    """See ``raw_input.RawFile``.

    Raises ``UserError`` naming file and row (or byte) for: an empty file, a header without rows,
    another separator than the comma, unnamed or repeated columns, ragged or blank rows, broken
    quoting, NUL bytes and text that is not UTF-8. A byte order mark is accepted and dropped.
    """

    def __init__(self, path: Path) -> None:
        _check_bytes(path)
        self.name = path.name
        self._path = path
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = self._rows(csv.reader(stream, strict=True), 1)
            self.header: Sequence[str] = rows[0]
        _check_header(self.name, self.header)

    def chunks(self, wanted: Sequence[str]) -> Iterator[RawChunk]:
        positions = [self.header.index(name) for name in wanted]
        first = 0
        with self._path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            self._rows(reader, 1)
            while batch := self._rows(reader, ROWS_AT_ONCE):
                rows = self._checked(batch, first, reader)
                columns = list(zip(*rows, strict=True))
                if rows:
                    yield RawChunk(
                        file=self.name,
                        first=first,
                        rows=len(rows),
                        missing="blank",
                        columns={
                            name: columns[position]
                            for name, position in zip(wanted, positions, strict=True)
                        },
                    )
                first += len(rows)
        if first == 0:
            raise UserError(f"{self.name} has a header but no data rows")

    def _rows(self, reader: "Reader", count: int) -> list[list[str]]:
        try:
            return list(islice(reader, count))
        except csv.Error as error:
            raise UserError(
                f"{self.name}, line {reader.line_num}: broken CSV ({error}); quote text that "
                "holds commas, and double the quotes inside it"
            ) from error

    def _checked(self, batch: list[list[str]], first: int, reader: "Reader") -> list[list[str]]:
        """The batch, less blank rows at the end of the file."""
        width = len(self.header)
        if set(map(len, batch)) == {width}:
            return batch
        rows = list(batch)
        while rows and not rows[-1]:
            rows.pop()
        for number, row in enumerate(rows, start=first + 1):
            if row and len(row) != width:
                raise UserError(
                    f"{self.name}, data row {number}: expected {width} values as in the header, "
                    f"found {len(row)}; quote text that holds commas"
                )
        blank = next((place for place, row in enumerate(rows) if not row), None)
        if blank is None and len(rows) < len(batch) and self._has_more(reader):
            blank = len(rows)
        if blank is not None:
            number = first + blank + 1
            raise UserError(f"{self.name}, data row {number}: the row is blank; remove it")
        return rows

    def _has_more(self, reader: "Reader") -> bool:
        """Whether any row that is left is not blank."""
        while rows := self._rows(reader, ROWS_AT_ONCE):
            if any(rows):
                return True
        return False


def _check_bytes(path: Path) -> None:
    """Some text, no NUL, and UTF-8 to the end, or ``UserError`` with the byte's place."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, blank = 0, True
    with path.open("rb") as stream:
        while True:
            block = stream.read(_BLOCK_BYTES)
            nul = block.find(b"\0")
            if nul >= 0:
                place = _byte_place(path, read + nul)
                raise UserError(f"{path.name} holds a NUL byte at {place}: {_SAVE_AS_UTF8}")
            # Bytes of a character that the last block began count for the place, too.
            begun = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                place = _byte_place(path, read - begun + error.start)
                raise UserError(f"{path.name} is not UTF-8 at {place}: {_SAVE_AS_UTF8}") from None
            blank = blank and not block.strip()
            read += len(block)
            if not block:
                break
    if blank:
        raise UserError(f"{path.name} is empty: it needs a header and data rows")


def _byte_place(path: Path, offset: int) -> str:
    line, left = 1, offset
    with path.open("rb") as stream:
        while left > 0:
            block = stream.read(min(left, _BLOCK_BYTES))
            line += block.count(b"\n")
            left -= len(block)
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
