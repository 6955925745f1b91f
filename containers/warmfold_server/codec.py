"""Request bodies to rows, and scores to response bodies. JSON and CSV only, never pickle.

One rule on blank lines: the body may end with a line end, but no line may be blank, since every
line must have its score at the same place in the answer (batch transform joins them by line).
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from warmfold_contract.schema import Column
from warmfold_server import content
from warmfold_server.errors import bad_request

# A row by column name. Values are still raw: text from CSV, whatever JSON holds from JSON.
Rows = Sequence[Mapping[str, object]]


def read_rows(body: bytes, content_type: str, columns: Sequence[Column]) -> Rows:
    """The rows of a request, at least one.

    ``application/json``: ``{"instances": [row, ...]}`` or one row; ``application/jsonlines``: a
    row a line; ``text/csv``: no header, a field for each of ``columns`` in their order. A JSON
    row is an object by column name. Raises ``RequestError`` (400).
    """
    text = _text(body)
    if content_type == content.JSON:
        rows = _json_rows(text, {column.name for column in columns})
    elif content_type == content.JSON_LINES:
        rows = [_object(_json(line, _row(n)), _row(n)) for n, line in _lines(text)]
    else:
        rows = list(_csv_rows(text, [column.name for column in columns]))
    if not rows:
        raise bad_request("there is no row to score")
    return rows


def write_scores(scores: Sequence[float], content_type: str) -> bytes:
    """The response body: a score for each row, in order."""
    records = [{"score": score} for score in scores]
    if content_type == content.JSON:
        return json.dumps({"predictions": records}).encode()
    if content_type == content.JSON_LINES:
        return "".join(json.dumps(record) + "\n" for record in records).encode()
    return "".join(f"{score!r}\n" for score in scores).encode()


def _text(body: bytes) -> str:
    """UTF-8, with or without the byte order mark that spreadsheets write."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_request(f"the body is not UTF-8: byte {error.start + 1}") from None
    if not text.strip():
        raise bad_request("the body is empty")
    return text


def _lines(text: str) -> Iterable[tuple[int, str]]:
    r"""Lines and their numbers from 1. Only \n ends a line: JSON texts may hold U+2028."""
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        if not line.strip():
            raise bad_request(f"{_row(number)} is blank")
        yield number, line


def _json_rows(text: str, names: set[str]) -> Rows:
    value = _object(_json(text, "the body"), "the body")
    if "instances" not in value or "instances" in names:
        return [value]
    instances = value["instances"]
    if not isinstance(instances, list):
        raise bad_request("'instances' must be a list of objects")
    return [_object(row, _row(number)) for number, row in enumerate(instances, start=1)]


def _json(text: str, place: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        fault = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise bad_request(f"{place} is not JSON: {fault}") from None
    except RecursionError:
        raise bad_request(f"{place} is nested too deeply") from None
    except ValueError:
        # Python reads no integer of more than 4,300 digits; its message is about its own settings.
        raise bad_request(f"{place} holds a number with too many digits") from None


def _object(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise bad_request(f"{place} must be a JSON object by column name")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two values a repeated key means differs between readers, so it is refused."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise bad_request("a JSON object has the same key twice")
    return values


def _not_a_number(literal: str) -> NoReturn:
    raise bad_request(f"{literal} is not JSON: send null for a missing number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_not_a_number)


def _csv_rows(text: str, names: Sequence[str]) -> Iterable[Mapping[str, object]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for number, fields in enumerate(_csv_records(reader), start=1):
        if not fields:
            raise bad_request(f"{_row(number)} is blank")
        if len(fields) != len(names):
            raise bad_request(
                f"{_row(number)} has {len(fields)} fields, the model reads {len(names)} columns: "
                f"{', '.join(names)}"
            )
        yield dict(zip(names, fields, strict=True))


def _csv_records(reader: Iterable[list[str]]) -> Iterable[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise bad_request(f"the body is not CSV: {error}") from None


def _row(number: int) -> str:
    return f"row {number}"
