"""Scores to probabilities: the map that the final training chose, applied wherever one scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError

Scores = NDArray[np.float64]
Method = Literal["none", "platt", "isotonic"]

# Scores this close to 0 or 1 count as this close: their log odds have no end.
_SCORE_FLOOR = 1e-6


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Never decreasing, so that the order of scores stays.

    ``platt``: the log odds times ``slope`` plus ``intercept``. ``isotonic``: ``rates`` at
    ``scores``, straight lines between them.
    """

    method: Method = "none"
    slope: float = 1.0
    intercept: float = 0.0
    scores: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()

    def apply(self, score: Scores) -> Scores:
        """Probabilities of the positive class, of the same shape."""
        if self.method == "platt":
            return probability(self.slope * log_odds(score) + self.intercept)
        if self.method == "isotonic":
            return np.interp(score, self.scores, self.rates)
        return score

    def to_dict(self) -> dict[str, Any]:
        """What the manifest keeps: the method and what belongs to it."""
        parameters: dict[str, dict[str, Any]] = {
            "none": {},
            "platt": {"slope": self.slope, "intercept": self.intercept},
            "isotonic": {"scores": list(self.scores), "rates": list(self.rates)},
        }
        return {"method": self.method, **parameters[self.method]}


def calibration_of(values: Mapping[str, Any] | None) -> Calibration:
    """The manifest's calibration; ``None`` leaves scores as they are.

    Raises ``UserError`` for one that is not known, or does not keep the order of scores.
    """
    if values is None:
        return Calibration()
    try:
        read: dict[str, Any] = {
            name: tuple(map(float, value)) if isinstance(value, list) else value
            for name, value in values.items()
        }
        found = Calibration(**read)
    except (TypeError, ValueError) as error:
        raise UserError(f"the model's calibration cannot be read: {error}") from error
    if not _is_sound(found):
        raise UserError(
            f"the model's calibration ({found.method!r}) is not one that this image knows"
        )
    return found


def log_odds(score: Scores) -> Scores:
    """Natural logarithm of the odds, of scores from 0 to 1."""
    clipped = np.clip(score, _SCORE_FLOOR, 1 - _SCORE_FLOOR)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def probability(odds: Scores) -> Scores:
    """Of log odds, however large."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -odds)))


def _is_sound(found: Calibration) -> bool:
    if found.method == "platt":
        return all(map(_is_finite, (found.slope, found.intercept))) and found.slope > 0
    if found.method == "isotonic":
        return (
            len(found.scores) == len(found.rates) > 0
            and _is_ascending(found.scores)
            and _is_ascending((0.0, *found.rates, 1.0))
        )
    return found == Calibration()


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and bool(np.isfinite(value))


def _is_ascending(values: tuple[float, ...]) -> bool:
    return all(map(_is_finite, values)) and list(values) == sorted(values)
