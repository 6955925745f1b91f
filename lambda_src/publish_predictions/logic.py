"""The manifest of a day's predictions, as plain data in and out; nothing here calls AWS."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from warmfold_lambda.errors import LambdaError

# Batch transform names its output after the input object (developer guide, "Batch transform").
OUTPUT_SUFFIX = ".out"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class PredictionFile:
    """One output object; ``records`` is its number of lines."""

    key: str
    bytes: int
    records: int


def require_output(keys: Sequence[str], output_uri: str) -> None:
    """Raises ``LambdaError`` if there is nothing to publish; the day's manifest then stays."""
    if not keys:
        raise LambdaError(
            f"no object ending in {OUTPUT_SUFFIX} under {output_uri}: the transform job wrote no "
            "predictions, and the day's manifest was left as it was"
        )


def manifest(
    files: Sequence[PredictionFile], *, day: str, execution_id: str, bucket: str, output_uri: str
) -> dict[str, Any]:
    """What a reader of the day's predictions needs; the files stand in key order."""
    ordered = sorted(files, key=lambda file: file.key)
    return {
        "format": FORMAT,
        "day": day,
        "execution_id": execution_id,
        "output_uri": output_uri,
        "records": sum(file.records for file in ordered),
        "files": [
            {"uri": f"s3://{bucket}/{file.key}", "bytes": file.bytes, "records": file.records}
            for file in ordered
        ],
    }


def to_json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, sort_keys=True) + "\n"


class LineCounter:
    """Counts the lines of a stream of chunks; a last line without its end counts too."""

    def __init__(self) -> None:
        self._ends = 0
        self._last = b"\n"

    def add(self, chunk: bytes) -> None:
        if chunk:
            self._ends += chunk.count(b"\n")
            self._last = chunk[-1:]

    @property
    def lines(self) -> int:
        return self._ends + (self._last != b"\n")
