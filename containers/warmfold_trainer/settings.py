"""Numbers that arrive as text: hyperparameters and environment variables, typed and in range."""

import math
import re
from collections.abc import Mapping, Sequence
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


SEED = NumberSetting(name="warmfold_seed", kind="integer", minimum=0, maximum=2**31 - 1)


def read_settings(
    given: Mapping[str, str], known: Sequence[Hyperparameter], *, owner: str
) -> dict[str, float]:
    """Every known hyperparameter, given or by default, in the order of ``known``.

    Raises ``UserError`` naming a hyperparameter that ``owner`` does not have, or is out of range.
    """
    unknown = sorted(set(given) - {setting.name for setting in known})
    if unknown:
        names = ", ".join(setting.name for setting in known)
        raise UserError(f"{owner} has no hyperparameter {', '.join(unknown)}; it has: {names}")
    return {
        setting.name: setting.parse(given[setting.name])
        if setting.name in given
        else setting.default
        for setting in known
    }


def required(values: Mapping[str, str], name: str, where: str) -> str:
    """Raises ``UserError`` if ``name`` is not set."""
    if name not in values:
        raise UserError(f"{where} {name} is not set")
    return values[name]
