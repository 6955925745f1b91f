"""Condition steps: types, members and operands of the conditions, and branches with steps."""

from collections.abc import Iterator
from typing import Any

from warmfold.pipeline.document import (
    BRANCHES,
    Document,
    Step,
    is_expression,
    mapping,
    sequence,
)
from warmfold.pipeline.faults import Fault, choose, shown
from warmfold.pipeline.resolve import Resolver, Unknown

_ORDERED = ("GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")
_MEMBERS: dict[str, set[str]] = {
    **{name: {"LeftValue", "RightValue"} for name in ("Equals", "NotEquals", *_ORDERED)},
    "In": {"QueryValue", "Values"},
    "NotIn": {"QueryValue", "Values"},
    "Or": {"Conditions"},
    "Not": {"Condition"},
}


def condition_faults(document: Document) -> Iterator[Fault]:
    for step in document.steps:
        if step.kind == "Condition":
            yield from _ConditionStep(step, Resolver(document)).faults()


class _ConditionStep:
    def __init__(self, step: Step, resolver: Resolver) -> None:
        self._step = step
        self._resolver = resolver

    def faults(self) -> Iterator[Fault]:
        arguments = self._step.arguments
        allowed = ("Conditions", *BRANCHES)
        for name in arguments.keys() - set(allowed):
            yield self._fault(name, "is no argument of a condition step", choose(name, allowed))
        for side in BRANCHES:
            if not isinstance(arguments.get(side, []), list):
                yield self._fault(side, f"is {shown(arguments[side])}", "Give a list of steps")
        if not any(sequence(arguments.get(side)) for side in BRANCHES):
            yield self._fault("IfSteps", "neither branch has a step", "Add steps to a branch")
        yield from self._all("Conditions", arguments.get("Conditions"))

    def _all(self, path: str, conditions: object) -> Iterator[Fault]:
        if not sequence(conditions):
            yield self._fault(path, f"is {shown(conditions)}", "Give at least one condition")
        for index, condition in enumerate(sequence(conditions)):
            yield from self._one(f"{path}[{index}]", condition)

    def _one(self, path: str, condition: object) -> Iterator[Fault]:
        body = mapping(condition)
        kind = body.get("Type")
        if not isinstance(kind, str) or kind not in _MEMBERS:
            yield self._fault(f"{path}.Type", f"is {shown(kind)}", choose(kind, _MEMBERS))
            return
        for name in sorted(_MEMBERS[kind] ^ (body.keys() - {"Type"})):
            problem = "is missing" if name in _MEMBERS[kind] else f"is no member of {kind}"
            remedy = f"{kind} has {', '.join(sorted(_MEMBERS[kind]))}"
            yield self._fault(f"{path}.{name}", problem, remedy)
        yield from self._operands(path, kind, body)

    def _operands(self, path: str, kind: str, body: dict[str, Any]) -> Iterator[Fault]:
        if kind == "Or":
            yield from self._all(f"{path}.Conditions", body.get("Conditions"))
        elif kind == "Not":
            yield from self._one(f"{path}.Condition", body.get("Condition"))
        elif kind in ("In", "NotIn"):
            values = [body.get("QueryValue"), *sequence(body.get("Values"))]
            yield from self._comparable(path, kind, values)
        else:
            values = [body[name] for name in ("LeftValue", "RightValue") if name in body]
            yield from self._comparable(path, kind, values)

    def _comparable(self, path: str, kind: str, values: list[Any]) -> Iterator[Fault]:
        kinds = [self._kind(value) for value in values]
        for value, found in zip(values, kinds, strict=True):
            if found == "other" or (found == "boolean" and kind in _ORDERED):
                yield self._fault(path, f"{kind} of {shown(value)}", "Compare plain values")
        known = {found for found in kinds if found not in ("any", "other")}
        if len(known) > 1:
            problem = f"{kind} of a {' and a '.join(sorted(known))}"
            yield self._fault(path, problem, "Compare values of one type")

    def _kind(self, value: object) -> str:
        found = self._resolver.resolve(value) if is_expression(value) else value
        if isinstance(found, Unknown):
            return _NUMBERS.get(found.kind, found.kind if found.kind in _PLAIN else "other")
        if isinstance(found, bool):
            return "boolean"
        if isinstance(found, int | float):
            return "number"
        return "string" if isinstance(found, str) else "other"

    def _fault(self, path: str, problem: str, remedy: str) -> Fault:
        place = f"Arguments.{path}"
        return Fault(step=self._step.label, path=place, problem=problem, remedy=remedy)


_NUMBERS = {"integer": "number", "float": "number"}
_PLAIN = ("any", "string", "boolean")
