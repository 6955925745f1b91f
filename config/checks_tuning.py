"""What the values of a search say about each other: ranges, candidates, trials."""

import math
from collections.abc import Iterator

from config.checks_algorithms import algorithm_faults
from config.errors import Fault
from config.partial import as_far_as_known, every
from config.settings import Candidate, Range, Tuning
from warmfold_contract.hyperparameters import (
    MAX_PLATFORM_KEYS,
    MAX_VALUE_LENGTH,
    PLATFORM_PREFIX,
)

# Hyperparameters that the platform or SageMaker sets itself.
_RESERVED_PREFIXES = (PLATFORM_PREFIX, "_tuning_", "sagemaker_")
# SageMaker: a training job takes 100 hyperparameters, tuning searches at most 30 of them.
_MAX_HYPERPARAMETERS, _MAX_TUNED, _MAX_CATEGORIES = 100, 30, 30
# Characters of a category (API reference, ParameterValue).
_MAX_CATEGORY_LENGTH = 256


def tuning_faults(value: Tuning) -> Iterator[Fault]:
    if value.parallel_trials > value.max_trials:
        yield Fault(
            key="parallel_trials",
            value=value.parallel_trials,
            problem=f"is more than max_trials ({value.max_trials})",
            remedy="lower parallel_trials or raise max_trials",
        )


def range_faults(value: Range) -> Iterator[Fault]:
    yield from _categories(value) if value.kind == "categorical" else _bounds(value)


def _categories(value: Range) -> Iterator[Fault]:
    for key in ("minimum", "maximum"):
        if getattr(value, key) is not None:
            yield Fault(
                key=key,
                value=getattr(value, key),
                problem="means nothing for a categorical range",
                remedy="remove it, or make the range continuous or integer",
            )
    if not 1 <= len(set(value.values)) == len(value.values) <= _MAX_CATEGORIES:
        yield Fault(
            key="values",
            value=value.values,
            problem="must hold different values",
            remedy=f"list 1 to {_MAX_CATEGORIES} different texts",
        )
    for index, text in enumerate(value.values):
        if len(text) > _MAX_CATEGORY_LENGTH:
            yield Fault(
                key=f"values[{index}]",
                value=text,
                problem=f"is {len(text)} characters long",
                remedy=f"SageMaker tunes texts of {_MAX_CATEGORY_LENGTH} at most",
            )
    if value.scaling != "Auto":
        yield Fault(
            key="scaling",
            value=value.scaling,
            problem="means nothing for a categorical range",
            remedy="remove it",
        )


def _bounds(value: Range) -> Iterator[Fault]:
    if value.values:
        yield Fault(
            key="values",
            value=value.values,
            problem=f"means nothing for a range of kind {value.kind}",
            remedy="remove it, or make the range categorical",
        )
    missing = [key for key in ("minimum", "maximum") if getattr(value, key) is None]
    for key in missing:
        yield Fault(key=key, problem="is missing", remedy="a number is searched between two bounds")
    if missing or value.minimum is None or value.maximum is None:
        return
    yield from _interval(value, value.minimum, value.maximum)
    yield from _scaling(value, value.minimum, value.maximum)


def _interval(value: Range, minimum: float, maximum: float) -> Iterator[Fault]:
    if minimum >= maximum:
        yield Fault(
            key="minimum",
            value=minimum,
            problem=f"is not less than maximum ({maximum:g})",
            remedy="swap them, or move a hyperparameter that has one value to static",
        )
    for key, bound in (("minimum", minimum), ("maximum", maximum)):
        if value.kind == "integer" and not bound.is_integer():
            yield Fault(
                key=key,
                value=bound,
                problem="is no whole number",
                remedy='round it, or set kind = "continuous"',
            )


def _scaling(value: Range, minimum: float, maximum: float) -> Iterator[Fault]:
    if value.scaling == "Logarithmic" and minimum <= 0:
        yield Fault(
            key="minimum",
            value=minimum,
            problem="has no logarithm",
            remedy="use a minimum above 0, or Linear scaling",
        )
    if value.scaling == "ReverseLogarithmic" and (
        value.kind != "continuous" or minimum < 0 or maximum >= 1
    ):
        yield Fault(
            key="scaling",
            value=value.scaling,
            problem="needs a continuous range within 0 <= x < 1",
            remedy="change the bounds, or use Linear scaling",
        )


def candidate_faults(value: Candidate) -> Iterator[Fault]:
    yield from as_far_as_known(_reserved("static", value))
    yield from as_far_as_known(_reserved("ranges", value))
    yield from every(_twice, _static)(value)
    yield from as_far_as_known(algorithm_faults(value, _RESERVED_PREFIXES))
    yield from every(_tuned_count, _hyperparameter_count)(value)


def _reserved(section: str, value: Candidate) -> Iterator[Fault]:
    for key in getattr(value, section):
        if key.startswith(_RESERVED_PREFIXES):
            yield Fault(
                key=f"{section}.{key}",
                problem="is a name that the platform or SageMaker keeps for itself",
                remedy="choose another name",
            )


def _twice(value: Candidate) -> Iterator[Fault]:
    for key in sorted(set(value.static) & set(value.ranges)):
        yield Fault(
            key=f"static.{key}",
            value=value.static[key],
            problem="is also searched, in ranges",
            remedy="keep one of the two",
        )


def _static(value: Candidate) -> Iterator[Fault]:
    for key, item in value.static.items():
        if isinstance(item, float) and not math.isfinite(item):
            yield Fault(
                key=f"static.{key}", value=item, problem="is not finite", remedy="use a number"
            )
        if len(str(item)) > MAX_VALUE_LENGTH:
            yield Fault(
                key=f"static.{key}",
                problem=f"is {len(str(item))} characters long",
                remedy=f"SageMaker takes {MAX_VALUE_LENGTH} at most",
            )


def _tuned_count(value: Candidate) -> Iterator[Fault]:
    if len(value.ranges) > _MAX_TUNED:
        yield Fault(
            key="ranges",
            value=len(value.ranges),
            problem="are more than SageMaker tunes",
            remedy=f"search at most {_MAX_TUNED}",
        )


def _hyperparameter_count(value: Candidate) -> Iterator[Fault]:
    if len(value.ranges) + len(value.static) > _MAX_HYPERPARAMETERS - MAX_PLATFORM_KEYS:
        yield Fault(
            key="static",
            value=len(value.static),
            problem=f"and ranges are more than the {_MAX_HYPERPARAMETERS} that a job takes",
            remedy=f"{MAX_PLATFORM_KEYS} are the platform's own: remove some",
        )
