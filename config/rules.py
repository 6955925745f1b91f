"""Limits that stand beside a field's type, and the text that says what is allowed."""

import math
import re
from dataclasses import dataclass
from typing import Protocol


class Rule(Protocol):
    """Attached to a field by ``Annotated``; the decoder asks it about every value."""

    def allows(self, value: object) -> bool: ...

    @property
    def remedy(self) -> str: ...


def _digits(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def _matches(pattern: str, text: str) -> bool:
    """Digits and letters are those of ASCII, as in all that AWS names."""
    return re.fullmatch(pattern, text, re.ASCII) is not None


@dataclass(frozen=True)
class Between:
    """A number from ``low`` to ``high``, both included; never NaN or infinite."""

    low: float
    high: float

    def allows(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    @property
    def remedy(self) -> str:
        return f"use a number from {_digits(self.low)} to {_digits(self.high)}"


@dataclass(frozen=True)
class Above:
    """A finite number strictly between ``low`` and ``high``."""

    low: float
    high: float

    def allows(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low < value < self.high

    @property
    def remedy(self) -> str:
        return f"use a number above {self.low:g} and below {self.high:g}"


@dataclass(frozen=True)
class Finite:
    """Any number but NaN and the infinities, both of which TOML can write."""

    def allows(self, value: object) -> bool:
        return isinstance(value, int | float) and math.isfinite(value)

    @property
    def remedy(self) -> str:
        return "use a finite number"


@dataclass(frozen=True)
class Matches:
    """A text that matches ``pattern`` from end to end; ``what`` tells people how to write it."""

    pattern: str
    what: str

    def allows(self, value: object) -> bool:
        return isinstance(value, str) and _matches(self.pattern, value)

    @property
    def remedy(self) -> str:
        return f"write {self.what}"


@dataclass(frozen=True)
class OneOf:
    """One of a few numbers that the service accepts."""

    values: tuple[int, ...]

    def allows(self, value: object) -> bool:
        return value in self.values

    @property
    def remedy(self) -> str:
        return f"use one of {', '.join(str(value) for value in self.values)}"


@dataclass(frozen=True)
class ChosenByPlan:
    """A value that ``warmfold plan`` can choose, where the file says ``auto``.

    Synth reads what is written and never looks at data, so that ``auto`` itself is refused.
    """

    word = "auto"

    def allows(self, value: object) -> bool:
        return value != self.word

    @property
    def remedy(self) -> str:
        return "let `warmfold plan --write` put the choice in its place, or write it yourself"


@dataclass(frozen=True)
class NotEmpty:
    """At least one element."""

    def allows(self, value: object) -> bool:
        return isinstance(value, tuple | dict) and len(value) > 0

    @property
    def remedy(self) -> str:
        return "give at least one"
