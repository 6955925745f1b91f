"""Numbers that arrive as text: named, typed and in range."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from warmfold_contract.errors import UserError

_INTEGER = re.compile(r"[-+]?[0-9]+")


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
        try:
            value = float(text)
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def _contains(self, value: float) -> bool:
        above = value > self.minimum if self.open_minimum else value >= self.minimum
        below = value < self.maximum if self.open_maximum else value <= self.maximum
        return above and below


@dataclass(frozen=True, kw_only=True)
class Hyperparameter(NumberSetting):
    """One of an algorithm's hyperparameters; ``tunable`` ones may stand in a tuning range."""

    default: float
    tunable: bool = True
