"""A pipeline definition taken apart: parameters, and steps with the branches they are in.

Nothing here fails on a malformed document: what cannot be read is absent, and
``validate_document`` says so.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

EXPRESSIONS = ("Get", "Std:Join", "Std:JsonGet")
BRANCHES = ("IfSteps", "ElseSteps")
_TOKEN = re.compile(r"[$#]\{Token\[")
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Step:
    """``branch`` names the enclosing branches, outermost first: (condition step, which one)."""

    name: str
    kind: str
    place: str
    body: Mapping[str, Any]
    branch: tuple[tuple[str, str], ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        return mapping(self.body.get("Arguments"))

    @property
    def label(self) -> str:
        """The step's name, or where it stands if it has none."""
        return self.name or self.place


@dataclass(frozen=True)
class Document:
    """Steps in document order, nested ones after their condition."""

    raw: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)


def read_document(raw: Mapping[str, Any]) -> Document:
    parameters = {
        str(body["Name"]): body
        for body in map(mapping, sequence(raw.get("Parameters")))
        if isinstance(body.get("Name"), str)
    }
    return Document(raw, tuple(_steps(raw.get("Steps"), "Steps", ())), parameters)


def _steps(value: object, place: str, branch: tuple[tuple[str, str], ...]) -> Iterator[Step]:
    for index, item in enumerate(sequence(value)):
        body = mapping(item)
        where = f"{place}[{index}]"
        step = Step(text(body.get("Name")), text(body.get("Type")), where, body, branch)
        yield step
        if step.kind == "Condition":
            for side in BRANCHES:
                inner = f"{where}.Arguments.{side}"
                yield from _steps(step.arguments.get(side), inner, (*branch, (step.name, side)))


def mapping(value: object) -> dict[str, Any]:
    """``value`` if it is a JSON object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """``value`` if it is a JSON array, otherwise an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """``value`` if it is a string, otherwise an empty one."""
    return value if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """``value`` if it is a number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def at(value: object, dotted: str) -> Any:
    """What stands at ``A.B[0].C``; ``None`` if nothing does."""
    for name, index in _PART.findall(dotted):
        if index:
            items = sequence(value)
            value = items[int(index)] if int(index) < len(items) else None
        else:
            value = mapping(value).get(name)
    return value


def is_expression(value: object) -> bool:
    """Whether SageMaker resolves this object instead of passing it on."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in EXPRESSIONS


def is_token(value: object) -> bool:
    """Whether a string holds a CDK token, whose value only the deployment knows."""
    return isinstance(value, str) and _TOKEN.search(value) is not None


def expressions(value: object, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every outermost expression in ``value`` with its path."""
    if isinstance(value, dict):
        if is_expression(value):
            yield path, value
            return
        for name, member in value.items():
            yield from expressions(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from expressions(item, f"{path}[{index}]")


def own_content(step: Step) -> dict[str, Any]:
    """The parts of a step that may hold expressions, without the steps inside its branches."""
    content = {name: step.body.get(name) for name in ("FunctionArn", "SqsQueueUrl")}
    arguments = step.arguments
    if step.kind == "Condition":
        arguments = {name: item for name, item in arguments.items() if name not in BRANCHES}
    return {**content, "Arguments": arguments}
