"""What is searched: a candidate's ranges, as Optuna's distributions and as the job's texts.

The scalings mean what they mean to automatic model tuning (SageMaker developer guide, "Define
Hyperparameter Ranges"). ``Auto`` is the service's own choice there; here it is logarithmic for
ranges above 0 that span two orders of magnitude.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import RANGE_PREFIX
from warmfold_contract.settings import Hyperparameter, Value

_AUTO_LOGARITHMIC_RATIO = 100.0
_KINDS = ("continuous", "integer", "categorical")
_SCALINGS = ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic")

# What a distribution draws: a number, or one of a choice's texts.
Drawn = float | str


@dataclass(frozen=True, kw_only=True)
class Range:
    """One searched hyperparameter: from ``minimum`` to ``maximum``, or one of ``values``."""

    name: str
    kind: str
    minimum: float = 0.0
    maximum: float = 0.0
    values: tuple[str, ...] = ()
    scaling: str = "Auto"

    def distribution(self) -> BaseDistribution:
        if self.kind == "categorical":
            return CategoricalDistribution(list(self.values))
        if self.kind == "integer":
            return IntDistribution(int(self.minimum), int(self.maximum), log=self._logarithmic)
        if self._reverse:  # the distance to 1 is searched on a log scale
            return FloatDistribution(1.0 - self.maximum, 1.0 - self.minimum, log=True)
        return FloatDistribution(self.minimum, self.maximum, log=self._logarithmic)

    def text(self, drawn: Drawn) -> str:
        """A drawn value as the hyperparameter's text, from which it is read back unchanged."""
        if self.kind == "categorical":
            return str(drawn)
        return self._within(1.0 - float(drawn) if self._reverse else float(drawn))

    def nearest(self, value: Value) -> str:
        """The text of what lies in the range and is closest; a choice's first, if it is none."""
        if self.kind == "categorical":
            return str(value) if value in self.values else self.values[0]
        return self._within(float(value))

    def drawn(self, text: str) -> Drawn | None:
        """What is drawn for a text; ``None`` if it lies outside the range."""
        if self.kind == "categorical":
            return text if text in self.values else None
        value = int(text) if self.kind == "integer" else float(text)
        if not self.minimum <= value <= self.maximum:
            return None
        if not self._reverse:
            return value
        return min(max(1.0 - value, 1.0 - self.maximum), 1.0 - self.minimum)

    def setting(self, drawn: Any) -> Any:
        """What is drawn, or a column of it, as the hyperparameter's own values."""
        return 1.0 - drawn if self._reverse else drawn

    def _within(self, value: float) -> str:
        within = min(max(value, self.minimum), self.maximum)
        return str(int(within)) if self.kind == "integer" else repr(within)

    @property
    def _reverse(self) -> bool:
        return self.scaling == "ReverseLogarithmic"

    @property
    def _logarithmic(self) -> bool:
        if self.scaling == "Auto":
            return self.minimum > 0 and self.maximum / self.minimum >= _AUTO_LOGARITHMIC_RATIO
        return self.scaling == "Logarithmic"


def read_ranges(given: Mapping[str, str], known: Mapping[str, Hyperparameter]) -> tuple[Range, ...]:
    """The ranges among a job's hyperparameters, in order of their names.

    Raises ``UserError`` naming the range for one that no value of the algorithm's can be drawn
    from, and if there is none at all.
    """
    texts = {
        key.removeprefix(RANGE_PREFIX): text
        for key, text in sorted(given.items())
        if key.startswith(RANGE_PREFIX)
    }
    if not texts:
        raise UserError(f"nothing to search: the job has no hyperparameter {RANGE_PREFIX}<name>")
    return tuple(_read(name, text, known) for name, text in texts.items())


def _read(name: str, text: str, known: Mapping[str, Hyperparameter]) -> Range:
    try:
        values = json.loads(text)
        found = Range(
            name=name,
            kind=values["kind"],
            minimum=_bound(values["minimum"]),
            maximum=_bound(values["maximum"]),
            values=tuple(str(value) for value in values["values"] or ()),
            scaling=values["scaling"] or "Auto",
        )
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{RANGE_PREFIX}{name} is not a range ({error}): {text!r}") from error
    fault = _fault(found, known.get(name))
    if fault is not None:
        raise UserError(f"{RANGE_PREFIX}{name} {fault}")
    return found


def _bound(value: Any) -> float:
    return 0.0 if value is None else float(value)


def _fault(found: Range, known: Hyperparameter | None) -> str | None:
    if known is None:
        return "is no hyperparameter of the algorithm"
    if not known.tunable:
        return "cannot be searched: all trials share the data that it shapes"
    if found.kind not in _KINDS or found.scaling not in _SCALINGS:
        return f"has kind {found.kind!r} and scaling {found.scaling!r}: use {_KINDS}, {_SCALINGS}"
    if found.kind == "categorical":
        ends = found.values
        if not ends or len(set(ends)) < len(ends):
            return "needs values, each once"
    else:
        if not (math.isfinite(found.maximum - found.minimum) and found.minimum <= found.maximum):
            return f"is empty: from {found.minimum:g} to {found.maximum:g}"
        ends = tuple(found.text(end) for end in _ends(found))
        fault = _scaling_fault(found)
        if fault is not None:
            return fault
    return _ends_fault(ends, known)


def _ends(found: Range) -> tuple[Drawn, Drawn]:
    if found.scaling == "ReverseLogarithmic":
        return 1.0 - found.minimum, 1.0 - found.maximum
    return found.minimum, found.maximum


def _scaling_fault(found: Range) -> str | None:
    if found.scaling == "Logarithmic" and found.minimum <= 0:
        return "has Logarithmic scaling, which needs a minimum above 0"
    within = found.kind == "continuous" and 0 <= found.minimum <= found.maximum < 1
    if found.scaling == "ReverseLogarithmic" and not within:
        return "has ReverseLogarithmic scaling, which needs a continuous range within [0, 1)"
    return None


def _ends_fault(ends: tuple[str, ...], known: Hyperparameter) -> str | None:
    for end in ends:
        try:
            known.parse(end)
        except UserError:
            return f"holds {end}: {known.name} must be {known.range_text()}"
    return None
