"""What competes: candidates with their ranges, and how a trial's folds fan out."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from warmfold.errors import WarmfoldError
from warmfold_contract.hyperparameters import MAX_PLATFORM_KEYS, is_platform_key
from warmfold_contract.tasks import TASKS, Task

# A step's name has at most 64 characters, and ours is Search-{candidate} or Tune-{candidate}.
CANDIDATE_NAME_LIMIT = 57
_CANDIDATE_NAME = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
# Developer guide, "Train using managed warm pools": one hour, though the API model says six.
KEEP_ALIVE_LIMIT_SECONDS = 3600


class SpecError(WarmfoldError):
    """Settings that no pipeline can be made of; the message lists every fault."""

    def __init__(self, what: str, faults: Iterable[str]) -> None:
        super().__init__("\n".join(f"{what}: {fault}" for fault in faults))


def refuse(what: str, faults: list[str]) -> None:
    """Raises ``SpecError`` if there are faults."""
    if faults:
        raise SpecError(what, faults)


@dataclass(frozen=True, kw_only=True)
class Range:
    """A tuned hyperparameter: two bounds (both included) or a list of ``values``."""

    kind: Literal["continuous", "integer", "categorical"]
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    scaling: str = "Auto"

    def __post_init__(self) -> None:
        check = _categorical_faults if self.kind == "categorical" else _numeric_faults
        refuse(f"{self.kind} range", check(self))


def _categorical_faults(span: Range) -> list[str]:
    faults = []
    if not 1 <= len(span.values) <= 30:
        faults.append(f"{len(span.values)} values: SageMaker takes 1 to 30")
    if len(set(span.values)) != len(span.values):
        faults.append(f"values {span.values} repeat one: name each once")
    if span.minimum is not None or span.maximum is not None:
        faults.append("has minimum or maximum: only 'values' belong here")
    return faults


def _numeric_faults(span: Range) -> list[str]:
    if span.values:
        return ["has values: only minimum and maximum belong here"]
    if span.minimum is None or span.maximum is None:
        return ["needs both minimum and maximum"]
    if not (math.isfinite(span.minimum) and math.isfinite(span.maximum)):
        return [f"{span.minimum} to {span.maximum}: both must be finite"]
    faults = _scaling_faults(span, span.minimum, span.maximum)
    if span.minimum >= span.maximum:
        faults.append(f"minimum {span.minimum} is not below maximum {span.maximum}: swap them")
    if span.kind == "integer" and (span.minimum % 1 or span.maximum % 1):
        faults.append(f"{span.minimum} to {span.maximum}: both must be whole numbers")
    return faults


def _scaling_faults(span: Range, minimum: float, maximum: float) -> list[str]:
    if span.scaling not in ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic"):
        return [f"scaling {span.scaling!r}: use Auto, Linear, Logarithmic or ReverseLogarithmic"]
    if span.scaling == "Logarithmic" and minimum <= 0:
        return [f"minimum {minimum} with Logarithmic scaling: must be above 0"]
    if span.scaling == "ReverseLogarithmic":
        if span.kind != "continuous":
            return ["ReverseLogarithmic scaling: only for a continuous range"]
        if minimum < 0 or maximum >= 1:
            return [f"{minimum} to {maximum} with ReverseLogarithmic scaling: must be in [0, 1)"]
    return []


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One competitor: an algorithm, its fixed hyperparameters and the tuned ones' ranges."""

    name: str
    algorithm: str
    task: Task = "classification"
    feature_set: str = "default"
    static: Mapping[str, str]
    ranges: Mapping[str, Range]

    def __post_init__(self) -> None:
        faults = []
        if not _CANDIDATE_NAME.fullmatch(self.name) or len(self.name) > CANDIDATE_NAME_LIMIT:
            faults.append(
                f"its name must be letters, digits and single hyphens, {CANDIDATE_NAME_LIMIT} "
                "characters at most"
            )
        if self.task not in TASKS:
            faults.append(f"task {self.task!r}: use {' or '.join(TASKS)}")
        refuse(f"candidate {self.name!r}", [*faults, *_hyperparameter_faults(self)])


def _hyperparameter_faults(candidate: Candidate) -> list[str]:
    static, ranges = candidate.static.keys(), candidate.ranges.keys()
    faults = []
    if not 1 <= len(ranges) <= 30:
        faults.append(f"tunes {len(ranges)} hyperparameters: SageMaker takes 1 to 30")
    total = len(static) + len(ranges) + MAX_PLATFORM_KEYS
    if total > 100:
        faults.append(f"has {total} hyperparameters with the platform's: 100 at most")
    faults += [f"{name} is both static and tuned: remove one" for name in sorted(static & ranges)]
    ours = sorted(name for name in static | ranges if is_platform_key(name))
    return faults + [f"{name} is the platform's own: rename or remove it" for name in ours]


@dataclass(frozen=True, kw_only=True)
class FanOut:
    """A trial's folds as training jobs of their own.

    ``folds_at_once`` of one trial are alive together; with ``own_fold`` the trial trains the first
    fold itself.
    """

    keep_alive_seconds: int
    folds_at_once: int
    own_fold: bool

    def __post_init__(self) -> None:
        faults = []
        if not 0 <= self.keep_alive_seconds <= KEEP_ALIVE_LIMIT_SECONDS:
            faults.append(
                f"keep_alive_seconds is {self.keep_alive_seconds}: must be 0 to "
                f"{KEEP_ALIVE_LIMIT_SECONDS}"
            )
        if self.folds_at_once < 1:
            faults.append(f"folds_at_once is {self.folds_at_once}: must be 1 or more")
        refuse("fan_out", faults)
