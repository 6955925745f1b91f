"""What a candidate may set and search: held to the trainer's algorithms before a trial is paid."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping

from config.decode import close_match
from config.errors import Fault
from config.partial import as_far_as_known
from config.settings import Candidate, Range
from warmfold_contract.algorithms import HYPERPARAMETERS, combination_fault, hyperparameters
from warmfold_contract.errors import UserError
from warmfold_contract.settings import (
    ChoiceHyperparameter,
    Hyperparameter,
    NumberHyperparameter,
    Value,
)


def algorithm_faults(value: Candidate, reserved: tuple[str, ...]) -> Iterator[Fault]:
    """Names that begin with one of ``reserved`` are left to another check."""
    if value.algorithm not in HYPERPARAMETERS:
        hint = close_match(value.algorithm, HYPERPARAMETERS)
        yield Fault(
            key="algorithm",
            value=value.algorithm,
            problem=f"is no algorithm of the trainer{hint}",
            remedy=f"use one of {', '.join(HYPERPARAMETERS)}",
        )
        return
    known = {setting.name: setting for setting in hyperparameters(value.algorithm, value.task)}
    yield from as_far_as_known(_names("static", value, known, reserved))
    yield from as_far_as_known(_names("ranges", value, known, reserved))
    yield from as_far_as_known(_static(value, known))
    yield from as_far_as_known(_ranges(value, known))
    yield from as_far_as_known(_combination(value, known))


def _names(
    section: str, value: Candidate, known: Mapping[str, Hyperparameter], reserved: tuple[str, ...]
) -> Iterator[Fault]:
    for name, given in getattr(value, section).items():
        if name not in known and not name.startswith(reserved):
            fault = _unknown(f"{section}.{name}", value.algorithm, name, known)
            yield dataclasses.replace(fault, value=given if section == "static" else None)


def _ranges(value: Candidate, known: Mapping[str, Hyperparameter]) -> Iterator[Fault]:
    for name, span in value.ranges.items():
        if name in known:
            yield from as_far_as_known(_range(f"ranges.{name}", known[name], span))


def _combination(value: Candidate, known: Mapping[str, Hyperparameter]) -> Iterator[Fault]:
    """Values that contradict each other, looked for at both ends of the ranges."""
    for end in (0, -1):
        try:
            settings = {name: _drawn(value, setting, end) for name, setting in known.items()}
        except UserError:  # told where the value stands
            return
        problem = combination_fault(value.algorithm, settings)
        if problem is not None:
            what, _, remedy = problem.partition(": ")
            yield Fault(key="ranges", problem=f"can draw a trial that fails: {what}", remedy=remedy)
            return


def _drawn(candidate: Candidate, setting: Hyperparameter, end: int) -> Value:
    span = candidate.ranges.get(setting.name)
    if span is None:
        given = candidate.static.get(setting.name)
        return setting.default if given is None else setting.parse(str(given))
    ends = span.values or [
        f"{bound:.17g}" for bound in (span.minimum, span.maximum) if bound is not None
    ]
    return setting.parse(ends[end])


def _unknown(key: str, algorithm: str, name: str, known: Iterable[str]) -> Fault:
    names = list(known)
    return Fault(
        key=key,
        problem=f"is no hyperparameter of {algorithm}{close_match(name, names)}",
        remedy=f"remove it or use one of {', '.join(names)}",
    )


def _static(value: Candidate, known: Mapping[str, Hyperparameter]) -> Iterator[Fault]:
    for name, given in value.static.items():
        infinite = isinstance(given, float) and not math.isfinite(given)
        if name in known and not infinite and not _takes(known[name], str(given)):
            yield _outside(f"static.{name}", given, known[name])


def _range(key: str, setting: Hyperparameter, span: Range) -> Iterator[Fault]:
    if not setting.tunable:
        yield Fault(
            key=key, problem="is the same for all trials", remedy="give it one value in static"
        )
        return
    if isinstance(setting, ChoiceHyperparameter) and span.kind != "categorical":
        yield Fault(
            key=f"{key}.kind",
            value=span.kind,
            problem="would draw numbers for a text",
            remedy=f'set kind = "categorical" and values, {setting.range_text()}',
        )
        return
    whole = isinstance(setting, NumberHyperparameter) and setting.kind == "integer"
    if whole and span.kind == "continuous":
        yield Fault(
            key=f"{key}.kind",
            value=span.kind,
            problem="would draw fractions of a whole number",
            remedy='set kind = "integer"',
        )
        return
    for end, bound in (("minimum", span.minimum), ("maximum", span.maximum)):
        if bound is not None and not _takes(setting, f"{bound:.17g}"):
            yield _outside(f"{key}.{end}", bound, setting)
    for index, text in enumerate(span.values):
        if not _takes(setting, text):
            yield _outside(f"{key}.values[{index}]", text, setting)


def _outside(key: str, value: object, setting: Hyperparameter) -> Fault:
    return Fault(
        key=key,
        value=value,
        problem="is not allowed",
        remedy=f"use {setting.range_text()}",
    )


def _takes(setting: Hyperparameter, text: str) -> bool:
    try:
        setting.parse(text)
    except UserError:
        return False
    return True
