"""From TOML's plain values to the settings' types, collecting every fault on the way.

One function per kind of type. Each returns the typed value, or ``BROKEN`` after it has noted at
least one fault; nothing is ever put right silently. A table with a fault is a ``partial`` object,
so that rules about its other values are asked all the same.
"""

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from config.errors import Fault
from config.partial import Check, as_far_as_known, partial
from config.rules import ChosenByPlan

BROKEN: Any = object()

_NAMES = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
_SPOT = "; only [models.jobs.search] and [models.jobs.final] have it: trials and folds have no spot"
_ONLY_ELSEWHERE = {"spot": _SPOT, "spot_max_wait_seconds": _SPOT}


class Decoder:
    """Decodes one file. ``checks`` are asked about every table, as far as its values are known."""

    def __init__(self, checks: Mapping[type, Check]) -> None:
        self._checks = checks
        self.faults: list[Fault] = []

    def decode(self, kind: Any, value: object, key: str) -> Any:
        """The typed value of ``value``, ``partial`` or ``BROKEN`` if there are faults."""
        origin = get_origin(kind)
        if origin is typing.Annotated:
            return self._annotated(kind, value, key)
        if origin in (types.UnionType, typing.Union):
            return self._union(kind, value, key)
        if origin is Literal:
            return self._literal(kind, value, key)
        if origin is tuple:
            return self._tuple(kind, value, key)
        if origin is not None and issubclass(origin, Mapping):
            return self._mapping(kind, value, key)
        if dataclasses.is_dataclass(kind):
            return self._table(typing.cast(type, kind), value, key)
        return self._scalar(kind, value, key)

    def _fault(self, key: str, value: object, problem: str, remedy: str) -> Any:
        self.faults.append(Fault(key=key, value=value, problem=problem, remedy=remedy))
        return BROKEN

    def _annotated(self, kind: Any, value: object, key: str) -> Any:
        inner, *rules = get_args(kind)
        for rule in rules:
            if isinstance(rule, ChosenByPlan) and not rule.allows(value):
                return self._fault(key, value, "is a choice not made yet", rule.remedy)
        decoded = self.decode(inner, value, key)
        if decoded is BROKEN:
            return BROKEN
        for rule in rules:
            if not rule.allows(decoded):
                spaces = isinstance(value, str) and rule.allows(value.strip())
                problem = "has spaces around it" if spaces else "is not allowed"
                return self._fault(key, value, problem, rule.remedy)
        return decoded

    def _union(self, kind: Any, value: object, key: str) -> Any:
        options = [option for option in get_args(kind) if option is not type(None)]
        if len(options) == 1:
            return self.decode(options[0], value, key)
        for option in options:
            if _is_a(option, value):
                return value
        wanted = " or ".join(_NAMES[option] for option in options)
        return self._fault(key, value, f"is {_kind_of(value)}", f"use {wanted}")

    def _literal(self, kind: Any, value: object, key: str) -> Any:
        choices = get_args(kind)
        if isinstance(value, str) and value in choices:
            return value
        quoted = ", ".join(f'"{choice}"' for choice in choices)
        hint = close_match(value, choices)
        return self._fault(key, value, f"is not a known value{hint}", f"use one of {quoted}")

    def _tuple(self, kind: Any, value: object, key: str) -> Any:
        if not isinstance(value, list):
            return self._fault(key, value, f"is {_kind_of(value)}", "use a list")
        inner = get_args(kind)[0]
        items = [self.decode(inner, item, f"{key}[{i}]") for i, item in enumerate(value)]
        return BROKEN if any(item is BROKEN for item in items) else tuple(items)

    def _mapping(self, kind: Any, value: object, key: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(key, value, f"is {_kind_of(value)}", "use a table of names")
        inner = get_args(kind)[1]
        items = {name: self.decode(inner, item, f"{key}.{name}") for name, item in value.items()}
        return BROKEN if any(item is BROKEN for item in items.values()) else items

    def _scalar(self, kind: type, value: object, key: str) -> Any:
        if not _is_a(kind, value):
            return self._fault(key, value, f"is {_kind_of(value)}", f"use {_NAMES[kind]}")
        return _number(typing.cast(float, value)) if kind is float else value

    def _table(self, kind: type, value: object, key: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(key, value, f"is {_kind_of(value)}", "use a table, [section]")
        fields = {f.name: f for f in dataclasses.fields(kind) if f.metadata.get("in_file", True)}
        hints = typing.get_type_hints(kind, include_extras=True)
        foreign = [name for name in value if name not in fields]
        for name in foreign:
            self._unknown_key(name, fields, value[name], key)
        meant = {closest(name, fields) for name in foreign}
        members = {
            name: BROKEN  # misspelt, and told as such
            if name not in value and name in meant
            else self._member(field, hints[name], value, _join(key, name))
            for name, field in fields.items()
        }
        return self._checked(kind, members, key)

    def _member(
        self, field: "dataclasses.Field[Any]", kind: Any, table: Mapping[str, object], key: str
    ) -> Any:
        if field.name in table:
            return self.decode(kind, table[field.name], key)
        if field.default is not dataclasses.MISSING:
            return field.default
        return self._fault(key, None, "is missing", "add it; nothing is assumed in its place")

    def _unknown_key(self, name: str, fields: Iterable[str], value: object, key: str) -> object:
        hint = close_match(name, list(fields))
        remedy = f"remove it or use one of {', '.join(fields)}{_ONLY_ELSEWHERE.get(name, '')}"
        return self._fault(_join(key, name), value, f"is not a known key{hint}", remedy)

    def _checked(self, kind: type, members: Mapping[str, Any], key: str) -> Any:
        """What a rule finds fault with is unknown to the rules of the tables around."""
        broken = {name for name, member in members.items() if member is BROKEN}
        built = partial(kind, members, broken) if broken else kind(**members)
        check = self._checks.get(kind)
        faults = [] if check is None else list(as_far_as_known(check(built)))
        self.faults += [dataclasses.replace(f, key=_join(key, f.key)) for f in faults]
        faulty = {re.split(r"[.\[]", fault.key)[0] for fault in faults}
        return partial(kind, members, broken | faulty) if faulty else built


def _is_a(kind: type, value: object) -> bool:
    """Whether TOML's ``value`` may stand for ``kind``: bool is no number, int may be a float."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _number(value: float) -> float:
    """Infinite for a whole number that is beyond all floats; rules refuse it as any other."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _kind_of(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, float):
        return "a number with a decimal point" if math.isfinite(value) else "not a finite number"
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def closest(value: object, choices: Iterable[str]) -> str | None:
    """The most similar of the choices; ``None`` if none is close."""
    named = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(str(value).lower(), named, n=1)
    return named[found[0]] if found else None


def close_match(value: object, choices: Iterable[str]) -> str:
    """``closest`` as the end of a problem's text; empty if none is close."""
    found = closest(value, choices)
    return "" if found is None else f", did you mean {found!r}?"


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
