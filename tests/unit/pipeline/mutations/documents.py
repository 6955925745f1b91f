"""Faults of the document, which no step can be blamed for, and of its parameters."""

from collections.abc import Callable
from typing import Any, NamedTuple

Definition = dict[str, Any]


class DocumentMutation(NamedTuple):
    name: str
    change: Callable[[Definition], None]
    words: tuple[str, ...]


def _document(name: str, change: Callable[[Definition], None], *words: str) -> DocumentMutation:
    return DocumentMutation(name, change, words)


def _put(**members: object) -> Callable[[Definition], None]:
    return lambda definition: definition.update(members)


def _parameter(name: str, **members: object) -> Callable[[Definition], None]:
    def change(definition: Definition) -> None:
        next(p for p in definition["Parameters"] if p["Name"] == name).update(members)

    return change


def _add(**members: object) -> Callable[[Definition], None]:
    return lambda definition: definition["Parameters"].append(members)


def _lengthen(definition: Definition) -> None:
    stop = {"Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    definition["Steps"] += [{"Name": f"Stop{index}", **stop} for index in range(50)]


_STRING = {"Name": "Same", "Type": "String"}

DOCUMENTS = (
    _document("too many steps", _lengthen, "60 steps", "50"),
    _document("wrong version", _put(Version="2021-01-01"), "Version", "2020-12-01"),
    _document("unknown member", _put(Step=[]), "Step", "Steps"),
    _document("no steps", _put(Steps=[]), "Steps", "at least one"),
    _document(
        "parameter twice", _add(Name="TrainerImage", Type="String"), "2 parameters are named"
    ),
    _document("parameter name", _add(Name="a b", Type="String"), "'a b'", "1 to 64"),
    _document("parameter type", _parameter("GitCommit", Type="Text"), "GitCommit", "'Text'"),
    _document("default type", _parameter("MinimumScore", DefaultValue="high"), "no Float"),
    _document("default value", _parameter("GitCommit", EnumValues=["main"]), "EnumValues"),
    _document("parameters that are no list", _put(Parameters={}), "Parameters", "list"),
    _document("parameter that is no object", _put(Parameters=["a"]), "Parameters[0]", "object"),
    _document("values of a number", _parameter("MinimumScore", EnumValues=["1"]), "Only strings"),
    _document("too many parameters", _put(Parameters=[_STRING] * 201), "201 parameters", "200"),
    _document("parameter member", _parameter("GitCommit", Default="x"), "Default"),
)
