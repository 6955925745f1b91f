"""How much data there is: rows and columns of a local CSV file, which is read once as bytes."""

import csv
from dataclasses import dataclass
from pathlib import Path

from warmfold.errors import WarmfoldError


@dataclass(frozen=True, kw_only=True)
class DataSize:
    """``columns`` are all but the target. ``source`` says where the figures come from."""

    rows: int
    columns: int
    source: str


def size_of(data: Path) -> DataSize:
    """Raises ``WarmfoldError`` if it is Parquet, no UTF-8 text, or has no header line and row.

    A field may hold line ends only if it is quoted, as in any CSV file.
    """
    if data.suffix.lower() == ".parquet":
        raise WarmfoldError(f"{data}: plan reads CSV only: give the size with --rows and --columns")
    try:
        with data.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            rows = sum(1 for row in reader if row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise WarmfoldError(
            f"{data} is no CSV file in UTF-8: give its size with --rows and --columns"
        ) from error
    if len(header) < 2 or rows == 0:
        raise WarmfoldError(
            f"{data} holds no header line with two columns and a row: name the data with --data, "
            "or give its size with --rows and --columns"
        )
    return DataSize(rows=rows, columns=len(header) - 1, source=str(data))
