"""Filters and joins of a batch transform (``DataProcessing``), over CSV rows and JSON records.

Source: "Associate Prediction Results with Input Records" in the SageMaker developer guide.
"""

import csv
import io
import json
from typing import Any, Literal

from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.jsonpath import Child, Fields, Index, Root, Slice, Wildcard
from jsonpath_ng.parser import parse

from warmfold_local.errors import UnsupportedOperation, ValidationError

Format = Literal["csv", "json"]

_FORMATS: dict[str, Format] = {
    "text/csv": "csv",
    "application/json": "json",
    "application/jsonlines": "json",
}


_KNOWN = (Fields, Index, Slice, Wildcard)


class RecordError(Exception):
    """A record that cannot be processed; the message never quotes the record."""


def record_format(content_type: str | None) -> Format:
    """Raises ``ValidationError`` for a content type that cannot be filtered or joined."""
    name = (content_type or "").partition(";")[0].strip()
    if name not in _FORMATS:
        allowed = ", ".join(_FORMATS)
        raise ValidationError(f"DataProcessing needs one of {allowed}, not {content_type!r}.")
    return _FORMATS[name]


def decode_record(line: bytes, kind: Format) -> Any:
    """A CSV line as a list of strings, a JSON line as its value. Raises ``RecordError``."""
    try:
        text = line.decode("utf-8")
        return next(csv.reader([text])) if kind == "csv" else json.loads(text)
    except (ValueError, csv.Error, StopIteration) as error:
        raise RecordError(f"not a {kind.upper()} record") from error


def encode_record(value: Any, kind: Format) -> bytes:
    if kind == "json":
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    sink = io.StringIO()
    csv.writer(sink, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return sink.getvalue().encode()


def join(given: Any, output: Any, kind: Format) -> Any:
    """CSV: the output's columns are appended. JSON: the output becomes ``SageMakerOutput``."""
    if kind == "csv":
        return [*given, *output]
    if isinstance(given, dict):
        return {**given, "SageMakerOutput": output}
    return {"SageMakerInput": given, "SageMakerOutput": output}


class Filter:
    """One JSONPath of the few that SageMaker supports: ``$``, names, ``*``, indexes, slices.

    Raises ``ValidationError`` for what is no such path, ``UnsupportedOperation`` for a slice with
    an end: AWS's example includes the end and the library that AWS names excludes it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            expression = parse(path)
        except JSONPathError as error:
            raise ValidationError(f"Invalid JSONPath {path!r}: {error}") from error
        if not path.startswith("$"):
            raise ValidationError(f"Invalid JSONPath {path!r}: it must start with $")
        self._steps = _steps(expression, path)

    def apply(self, value: Any) -> Any:
        """What the path selects: names make an object, indexes a list, a single one its value.

        Raises ``RecordError`` if the record lacks something that the path names.
        """
        try:
            return _select(value, self._steps)
        except (LookupError, TypeError, AttributeError) as error:
            raise RecordError(f"the record lacks what {self.path} names") from error


def _steps(expression: Any, path: str) -> list[Any]:
    """The path's steps from the root. Raises for a step that SageMaker does not know."""
    if isinstance(expression, Root):
        return []
    if isinstance(expression, Child):
        return [*_steps(expression.left, path), *_steps(expression.right, path)]
    if isinstance(expression, Slice) and expression.end is not None:
        raise UnsupportedOperation(f"{path} (list its indexes instead)", "JSONPath slice end in")
    if not isinstance(expression, _KNOWN):
        raise ValidationError(f"Invalid JSONPath {path!r}: SageMaker does not support all of it")
    return [expression]


def _select(value: Any, steps: list[Any]) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, Wildcard):
        items = value.values() if isinstance(value, dict) else value
        return [_select(item, rest) for item in items]
    if isinstance(step, Slice):
        return [_select(item, rest) for item in _list(value)[step.start :: step.step]]
    if isinstance(step, Index):
        found = [_select(_list(value)[index], rest) for index in step.indices]
        return found[0] if len(found) == 1 else found
    if len(step.fields) == 1:
        return _select(value[step.fields[0]], rest)
    return {name: _select(value[name], rest) for name in step.fields}


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value
