"""Parameter ranges of a tuning job: checked, and as the distributions that are searched.

Scaling (developer guide, "Define Hyperparameter Ranges"): Logarithmic needs values above 0,
ReverseLogarithmic is for continuous values of at least 0 and below 1. ``Auto`` is the service's
own choice there; here it is logarithmic for positive ranges over two orders of magnitude.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from warmfold_local.errors import ValidationError

Scaling = Literal["Linear", "Logarithmic", "ReverseLogarithmic"]
_AUTO_LOGARITHMIC_RATIO = 100.0

# "30 … hyperparameters to search" (developer guide, tuning limits).
_RANGE_LIMIT = 30

# Beyond it not every integer is a double, and the search computes in doubles.
_INTEGER_LIMIT = 2**53


@dataclass(frozen=True, kw_only=True)
class ParameterRange:
    """One tuned hyperparameter; ``values`` for a categorical one, else ``low`` to ``high``."""

    name: str
    integer: bool = False
    low: float = 0.0
    high: float = 0.0
    scaling: Scaling = "Linear"
    values: tuple[str, ...] = ()

    def distribution(self) -> BaseDistribution:
        if self.values:
            return CategoricalDistribution(list(self.values))
        logarithmic = self.scaling == "Logarithmic"
        if self.integer:
            return IntDistribution(int(self.low), int(self.high), log=logarithmic)
        if self.scaling == "ReverseLogarithmic":  # the distance to 1 is searched on a log scale
            return FloatDistribution(1.0 - self.high, 1.0 - self.low, log=True)
        return FloatDistribution(self.low, self.high, log=logarithmic)

    def text(self, drawn: Any) -> str:
        """A drawn value as the hyperparameter's string."""
        if self.values:
            return str(drawn)
        if self.integer:
            return str(min(max(int(drawn), int(self.low)), int(self.high)))
        value = 1.0 - drawn if self.scaling == "ReverseLogarithmic" else drawn
        return repr(float(min(max(float(value), self.low), self.high)))

    def drawn(self, text: str | None) -> str | int | float | None:
        """What is drawn for a hyperparameter's string; ``None`` if it lies outside the range."""
        if self.values:
            return text if text in self.values else None
        try:
            value = int(str(text)) if self.integer else float(str(text))
        except ValueError:
            return None
        if not self.low <= value <= self.high:
            return None
        if self.scaling != "ReverseLogarithmic":
            return value
        return min(max(1.0 - value, 1.0 - self.high), 1.0 - self.low)

    @property
    def combinations(self) -> float:
        """How many values there are; infinity for a continuous range."""
        if self.values:
            return len(self.values)
        return self.high - self.low + 1 if self.integer else math.inf


def parse_ranges(ranges: dict[str, Any], static: dict[str, str]) -> tuple[ParameterRange, ...]:
    """Raises ``ValidationError`` for a range that cannot be searched, naming it."""
    parsed = tuple(_parsed(ranges))
    names = [item.name for item in parsed]
    for name in names:
        if names.count(name) > 1:
            raise ValidationError(f"The hyperparameter {name!r} has more than one range.")
        if name in static:
            raise ValidationError(
                f"The hyperparameter {name!r} is both static and tunable: it must be one of them."
            )
    if not 1 <= len(parsed) <= _RANGE_LIMIT:
        raise ValidationError(
            f"A tuning job needs 1 to {_RANGE_LIMIT} parameter ranges, and has {len(parsed)}."
        )
    return parsed


def _parsed(ranges: dict[str, Any]) -> Iterator[ParameterRange]:
    for item in ranges.get("ContinuousParameterRanges", []):
        yield _numeric(item, integer=False)
    for item in ranges.get("IntegerParameterRanges", []):
        yield _numeric(item, integer=True)
    for item in ranges.get("CategoricalParameterRanges", []):
        values = tuple(item["Values"])
        if len(set(values)) != len(values):
            raise ValidationError(f"The values of hyperparameter {item['Name']!r} repeat.")
        yield ParameterRange(name=item["Name"], values=values)


def _numeric(item: dict[str, Any], *, integer: bool) -> ParameterRange:
    name = item["Name"]
    low, high = (_number(name, item[key], integer) for key in ("MinValue", "MaxValue"))
    if low > high:
        raise ValidationError(
            f"The range of hyperparameter {name!r} is empty: MinValue {item['MinValue']} is "
            f"greater than MaxValue {item['MaxValue']}."
        )
    if not math.isfinite(high - low):
        raise ValidationError(f"The range of hyperparameter {name!r} is wider than a double holds.")
    scaling = _scaling(name, item.get("ScalingType", "Auto"), low, high, integer)
    return ParameterRange(name=name, integer=integer, low=low, high=high, scaling=scaling)


def _number(name: str, text: str, integer: bool) -> float:
    try:
        value = int(text) if integer else float(text)
    except ValueError:
        value = math.nan
    if integer and abs(value) > _INTEGER_LIMIT:
        raise ValidationError(
            f"The range of hyperparameter {name!r} holds {text}: integers beyond 2**53 cannot be "
            "searched."
        )
    if not math.isfinite(value):
        kind = "an integer" if integer else "a number"
        raise ValidationError(f"The range of hyperparameter {name!r} holds {text!r}, not {kind}.")
    return value


def _scaling(name: str, asked: str, low: float, high: float, integer: bool) -> Scaling:
    if asked == "Auto":
        return "Logarithmic" if low > 0 and high / low >= _AUTO_LOGARITHMIC_RATIO else "Linear"
    if asked == "Logarithmic":
        if low <= 0:
            raise ValidationError(f"Logarithmic scaling of {name!r} needs a MinValue above 0.")
        return "Logarithmic"
    if asked == "ReverseLogarithmic":
        if integer or low < 0 or high >= 1:
            raise ValidationError(
                f"ReverseLogarithmic scaling of {name!r} needs a continuous range within [0, 1)."
            )
        return "ReverseLogarithmic"
    return "Linear"
