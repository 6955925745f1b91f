"""The function's environment variables as a typed, frozen dataclass."""

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_type_hints
from zoneinfo import ZoneInfo

from warmfold_lambda.errors import ConfigurationError

Settings = TypeVar("Settings")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


_PARSERS: dict[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "a text"),
    tuple[str, ...]: (_names, "names with commas between them"),
    int: (int, "a whole number"),
    ZoneInfo: (ZoneInfo, "an IANA time zone such as Europe/Zurich"),
}


def read_environment(kind: type[Settings], variables: Mapping[str, str] | None = None) -> Settings:
    """``kind`` filled from the variables that are named as its fields, in upper case.

    ``kind`` is a keyword-only dataclass of ``str``, ``int``, ``ZoneInfo`` and ``tuple[str, ...]``
    fields. A field with a default may have no variable.
    Raises ``ConfigurationError`` naming every variable that is missing, empty or malformed.
    """
    given = os.environ if variables is None else variables
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    faults: list[str] = []
    for field in fields(kind):  # type: ignore[arg-type]
        name = field.name.upper()
        if name not in given and field.default is not MISSING:
            continue
        parse, expected = _PARSERS[hints[field.name]]
        try:
            values[field.name] = parse(_required(given, name))
        except (ValueError, KeyError, OSError) as error:
            faults.append(_fault(name, given.get(name), expected, error))
    if faults:
        raise ConfigurationError(
            f"environment of the function: {'; '.join(faults)}. Set them in the function's "
            "construct and deploy again"
        )
    return kind(**values)


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "")
    if not value.strip():
        raise ValueError(name)
    return value


def _fault(name: str, value: str | None, expected: str, error: Exception) -> str:
    if value is None or not value.strip():
        return f"{name} is not set"
    return f"{name} is {value!r}, not {expected} ({type(error).__name__})"
