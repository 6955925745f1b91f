"""The expressions of a pipeline definition: finding them, and resolving them to values.

An expression is a JSON object with one member: ``{"Get": "Steps.S.Path"}``,
``{"Std:Join": {"On": "/", "Values": [...]}}`` or ``{"Std:JsonGet": {...}}``.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

GET = "Get"
JOIN = "Std:Join"
JSON_GET = "Std:JsonGet"

# A path is made of names, ``[0]`` and ``['key']``; only the first may stand without a dot.
_PART = re.compile(r"\.?([^.\[\]']+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class ExpressionError(Exception):
    """An expression that cannot be resolved; the message names it and what is in the way."""


@dataclass(frozen=True)
class Found:
    """An expression and where it stands, as ``Arguments.RoleArn``."""

    place: str
    name: str
    argument: Any


class Scope(Protocol):
    """Where the values come from; each raises ``ExpressionError`` for what it does not have."""

    def parameter(self, name: str) -> Any: ...
    def execution(self, name: str) -> str: ...
    def step(self, name: str) -> Mapping[str, Any]: ...
    def property_file(self, step: str, name: str) -> Any: ...
    def json_object(self, uri: str) -> Any: ...


def expression(value: object) -> tuple[str, Any] | None:
    """Name and argument, or ``None`` if ``value`` is ordinary JSON."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, argument),) = value.items()
        if name == GET or str(name).startswith("Std:"):
            return str(name), argument
    return None


def find(value: object, place: str = "") -> Iterator[Found]:
    """Every expression in ``value``, those inside other expressions included."""
    found = expression(value)
    if found is not None:
        yield Found(place, *found)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from find(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find(item, f"{place}[{index}]")


def evaluate(value: Any, scope: Scope) -> Any:
    """``value`` with every expression replaced. Raises ``ExpressionError``."""
    found = expression(value)
    if found is not None:
        name, argument = found
        handler = _HANDLERS.get(name)
        if handler is None:
            raise ExpressionError(f"there is no function {name}")
        return handler(argument, scope)
    if isinstance(value, dict):
        return {key: evaluate(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [evaluate(item, scope) for item in value]
    return value


def split_path(path: str) -> list[str | int]:
    """``A.B[0]['c']`` as ``["A", "B", 0, "c"]``. Raises ``ExpressionError`` if it is no path."""
    parts: list[str | int] = []
    position = 0
    while position < len(path):
        match = _PART.match(path, position)
        if match is None or (position == 0 and path.startswith(".")):
            raise ExpressionError(f"{path!r} is not a property path")
        name, index, single, double = match.groups()
        parts.append(int(index) if index is not None else name or single or double or "")
        position = match.end()
    if not parts:
        raise ExpressionError("the property path is empty")
    return parts


def follow(value: Any, path: str) -> Any:
    """The value at a path. A list of structures may be indexed by the name of its members.

    ``Outputs['train']`` is the output whose ``OutputName`` is ``train``.
    """
    current = value
    for part in split_path(path):
        current = _member(current, part, path)
    return current


def text(value: Any) -> str:
    """How ``Std:Join`` writes a value."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list) or value is None:
        raise ExpressionError(f"Std:Join takes texts, numbers and truth values, not {_kind(value)}")
    return json.dumps(value)


def _member(value: Any, part: str | int, path: str) -> Any:
    if isinstance(value, Mapping) and part in value:
        return value[part]
    if isinstance(value, list):
        if isinstance(part, int) and part < len(value):
            return value[part]
        for item in value:
            if isinstance(item, Mapping) and _is_named(item, part):
                return item
    raise ExpressionError(f"{path!r} leads nowhere: there is no {part!r}")


def _is_named(item: Mapping[str, Any], name: str | int) -> bool:
    return any(key.endswith("Name") and value == name for key, value in item.items())


def _get(argument: Any, scope: Scope) -> Any:
    kind, _, rest = str(argument).partition(".")
    if kind == "Parameters":
        return scope.parameter(rest)
    if kind == "Execution":
        return scope.execution(rest)
    if kind == "Steps":
        step, _, path = rest.partition(".")
        return follow(scope.step(step), path)
    raise ExpressionError(f"Get takes Parameters, Execution or Steps, not {argument!r}")


def _join(argument: Any, scope: Scope) -> str:
    values = argument.get("Values") if isinstance(argument, dict) else None
    if not isinstance(values, list):
        raise ExpressionError('Std:Join needs "Values", a list')
    return str(argument.get("On", "")).join(text(evaluate(value, scope)) for value in values)


def _json_get(argument: Any, scope: Scope) -> Any:
    path = str(argument["Path"]).removeprefix("$.")
    if "S3Uri" in argument:
        return _scalar(follow(scope.json_object(evaluate(argument["S3Uri"], scope)), path), path)
    step, name = property_file_of(argument)
    return _scalar(follow(scope.property_file(step, name), path), path)


def property_file_of(argument: Mapping[str, Any]) -> tuple[str, str]:
    """Step and property file that a ``Std:JsonGet`` reads. Raises ``ExpressionError``."""
    found = expression(argument.get("PropertyFile"))
    parts = str(found[1]).split(".") if found is not None and found[0] == GET else []
    if len(parts) != 4 or parts[0] != "Steps" or parts[2] != "PropertyFiles":
        raise ExpressionError(
            'Std:JsonGet needs "PropertyFile": {"Get": "Steps.S.PropertyFiles.F"} or "S3Uri"'
        )
    return parts[1], parts[3]


def _scalar(value: Any, path: str) -> Any:
    if isinstance(value, dict | list) or value is None:
        raise ExpressionError(f"the property file has {_kind(value)} at {path!r}, not one value")
    return value


def _kind(value: object) -> str:
    return {dict: "an object", list: "a list", type(None): "null"}[type(value)]


_HANDLERS: dict[str, Callable[[Any, Scope], Any]] = {
    GET: _get,
    JOIN: _join,
    JSON_GET: _json_get,
}
