"""What can be wrong with a configuration file.

::

    ConfigError
    ├── UnknownEnvironmentError   no file of that name
    ├── UnreadableFileError       not UTF-8 or not TOML
    └── InvalidSettingsError      keys or values; carries every fault that was found
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

# Characters of a faulty value: enough to know it by.
_SHOWN = 120
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


class ConfigError(Exception):
    """A mistake in a configuration file; its text is meant for the person who edits the file."""


class UnknownEnvironmentError(ConfigError):
    """There is no configuration file for the environment that was asked for.

    ``example`` is one that there is, for a hint in the terms that the caller was asked in.
    """

    def __init__(self, name: str, known: Sequence[str], folder: Path) -> None:
        choices = ", ".join(known) or "none"
        self.example = next(iter([*difflib.get_close_matches(name, known, n=1), *known]), "local")
        super().__init__(f"environment {name!r} has no file in {folder}: choose one of {choices}")


class UnreadableFileError(ConfigError):
    """The file is not TOML."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault. ``key`` is dotted, as ``models[0].tuning.max_trials``; empty for the file."""

    key: str
    problem: str
    remedy: str
    value: object = None

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {_shortened(self.value)}"
        key = self.key if self.key.isprintable() else repr(self.key)[1:-1]
        return f"{key}{shown}: {self.problem}; {self.remedy}"


def as_toml(value: object) -> str:
    """A value as it can be written in a file, on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{"".join(map(_escaped, value))}"'
    if isinstance(value, date | time):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, dict):
        members = [f"{_key(name)} = {as_toml(member)}" for name, member in value.items()]
        return f"{{ {', '.join(members)} }}" if members else "{}"
    return repr(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else as_toml(name)


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return _ESCAPES.get(character, f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}")


def _shortened(value: object) -> str:
    text = as_toml(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class InvalidSettingsError(ConfigError):
    """Every fault of one file, in the order of the file's sections."""

    def __init__(self, file: Path, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(faults)
        count = f"{len(faults)} fault" + ("" if len(faults) == 1 else "s")
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"{file} has {count}:\n{lines}")
