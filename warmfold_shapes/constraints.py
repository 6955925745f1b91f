"""Every constraint that a botocore shape states: type, members, enum, min, max and pattern.

botocore's own client-side check looks only at types, required members and ``min``; the service
enforces the rest. ``violations`` reports both kinds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import regex
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float, str, datetime),
    "blob": (str, bytes),
}


@dataclass(frozen=True)
class Violation:
    """One broken constraint. ``path`` is dotted, as ``ResourceConfig.VolumeSizeInGB``."""

    path: str
    value: object
    constraint: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path or 'request'}: {self.constraint} (got {self.value!r})"


@cache
def service_model(service: str) -> ServiceModel:
    """botocore's own model of a service, by its client name (``sagemaker``).

    Without a session, whose import takes longer than the model; models that the user keeps for
    the AWS CLI are not looked at.
    """
    loader = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    return ServiceModel(loader.load_service_model(service, "service-2"), service_name=service)


def violations(shape: Shape, value: object, path: str = "") -> Iterator[Violation]:
    """All constraints of ``shape`` that ``value`` breaks, depth first."""
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _list(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _map(shape, value, path)
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: object, path: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield Violation(path, value, "Member must be a structure")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield Violation(_join(path, name), None, "Member must not be null")
    for name, member in value.items():
        if name not in shape.members:
            yield Violation(_join(path, name), member, f"Unknown member of {shape.name}")
        elif member is not None:
            yield from violations(shape.members[name], member, _join(path, name))
    if shape.is_tagged_union and len([v for v in value.values() if v is not None]) != 1:
        yield Violation(path, sorted(value), "Exactly one member must be set")


def _list(shape: ListShape, value: object, path: str) -> Iterator[Violation]:
    if not isinstance(value, list | tuple):
        yield Violation(path, value, "Member must be a list")
        return
    yield from _length(shape, len(value), value, path)
    for index, item in enumerate(value):
        yield from violations(shape.member, item, f"{path}[{index}]")


def _map(shape: MapShape, value: object, path: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield Violation(path, value, "Member must be a map")
        return
    yield from _length(shape, len(value), value, path)
    for key, item in value.items():
        yield from violations(shape.key, key, f"{path}.{key}")
        yield from violations(shape.value, item, f"{path}.{key}")


def _scalar(shape: Shape, value: object, path: str) -> Iterator[Violation]:
    expected = _PYTHON_TYPES.get(shape.type_name, (object,))
    if not isinstance(value, expected) or (
        isinstance(value, bool) and shape.type_name not in ("boolean", "structure")
    ):
        yield Violation(path, value, f"Member must be of type {shape.type_name}")
        return
    if isinstance(value, str):
        yield from _string(shape, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _range(shape, value, path)


def _string(shape: Shape, value: str, path: str) -> Iterator[Violation]:
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        values = tuple(sorted(allowed))
        text = f"Member must satisfy enum value set: [{', '.join(values)}]"
        yield Violation(path, value, text, values)
    yield from _length(shape, len(value), value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield Violation(path, value, f"Member must satisfy regular expression pattern: {pattern}")


def _length(shape: Shape, length: int, value: object, path: str) -> Iterator[Violation]:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and length < minimum:
        yield Violation(path, value, f"Member must have length greater than or equal to {minimum}")
    if maximum is not None and length > maximum:
        yield Violation(path, value, f"Member must have length less than or equal to {maximum}")


def _range(shape: Shape, value: float, path: str) -> Iterator[Violation]:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and value < minimum:
        yield Violation(path, value, f"Member must have value greater than or equal to {minimum}")
    if maximum is not None and value > maximum:
        yield Violation(path, value, f"Member must have value less than or equal to {maximum}")


@cache
def _compiled(pattern: str) -> "regex.Pattern[str]":
    # The models are written for Java: surrogate pairs stand for the astral planes, and two
    # shapes carry a stray `$` before their quantifier.
    text = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return regex.compile(text.replace(")${", "){"), regex.DOTALL)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def member_at(shape: Shape, dotted: str) -> Shape | None:
    """The shape at a dotted path, as ``A.B[0].C`` or ``A['key']``; ``None`` if there is none."""
    current: Any = shape
    for part in regex.findall(r"[A-Za-z0-9_]+|\[\d+\]|\['[^']+'\]", dotted):
        if isinstance(current, ListShape) and part.startswith("["):
            current = current.member
        elif isinstance(current, MapShape):
            current = current.value
        elif isinstance(current, StructureShape) and part in current.members:
            current = current.members[part]
        else:
            return None
    return current if isinstance(current, Shape) else None
