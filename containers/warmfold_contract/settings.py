"""Values that arrive as text: named, typed and checked."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from warmfold_contract.errors import UserError

# Hyperparameters by name: numbers, or texts of a choice.
Value = float | str
Settings = Mapping[str, Value]

_INTEGER = re.compile(r"[-+]?[0-9]+")
# `float()` also takes blanks around a number and "1_000", which a typing error may leave.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class NumberSetting:
    """A named number and the range it must lie in; both ends belong to it unless open."""

    name: str
    kind: Literal["integer", "number"] = "number"
    minimum: float
    maximum: float
    open_minimum: bool = False
    open_maximum: bool = False

    def parse(self, text: str) -> float:
        """The value, an ``int`` for an integer; raises ``UserError`` naming setting and range."""
        value = self._value(text)
        if value is None or not self._contains(value):
            raise UserError(f"{self.name} is {text!r}: use {self.range_text()}")
        return value

    def range_text(self) -> str:
        kind = "an integer" if self.kind == "integer" else "a number"
        low = f"above {self.minimum:g}" if self.open_minimum else f"from {self.minimum:g}"
        high = f"below {self.maximum:g}" if self.open_maximum else f"to {self.maximum:g}"
        return f"{kind} {low} {high}"

    def _value(self, text: str) -> float | None:
        if self.kind == "integer":
            return int(text) if _INTEGER.fullmatch(text) and len(text) < 20 else None
        value = float(text) if _NUMBER.fullmatch(text) else math.inf
        return value if math.isfinite(value) else None

    def _contains(self, value: float) -> bool:
        above = value > self.minimum if self.open_minimum else value >= self.minimum
        below = value < self.maximum if self.open_maximum else value <= self.maximum
        return above and below


@dataclass(frozen=True, kw_only=True)
class ChoiceSetting:
    """A named text, one of a few."""

    name: str
    choices: tuple[str, ...]

    def parse(self, text: str) -> str:
        """The text itself; raises ``UserError`` naming setting and choices for any other."""
        if text not in self.choices:
            raise UserError(f"{self.name} is {text!r}: use {self.range_text()}")
        return text

    def range_text(self) -> str:
        return f"one of {', '.join(self.choices)}"


@dataclass(frozen=True, kw_only=True)
class NumberHyperparameter(NumberSetting):
    """A number among an algorithm's hyperparameters; ``tunable`` ones may stand in a range."""

    default: float
    tunable: bool = True


@dataclass(frozen=True, kw_only=True)
class ChoiceHyperparameter(ChoiceSetting):
    """A text among an algorithm's hyperparameters; ``tunable`` ones may stand in a range."""

    default: str
    tunable: bool = True


Hyperparameter = NumberHyperparameter | ChoiceHyperparameter
