"""Whether a record satisfies a search expression; pure.

Operators and values: the API reference of ``Filter``, ``NestedFilters`` and ``SearchExpression``.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from warmfold_local.errors import ValidationError

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_TEXT_ONLY = ("Contains", "In")


def satisfies(expression: Mapping[str, Any], record: Mapping[str, Any], shape: Shape) -> bool:
    """``shape`` is the record's. An empty expression is satisfied by every record.

    Raises ``ValidationError`` for a property that the shape does not have, and for a value or an
    operator that does not fit it.
    """
    parts = [matches(item, record, shape) for item in expression.get("Filters", [])]
    parts += [_nested(item, record, shape) for item in expression.get("NestedFilters", [])]
    parts += [satisfies(item, record, shape) for item in expression.get("SubExpressions", [])]
    if not parts:
        return True
    return any(parts) if expression.get("Operator", "And") == "Or" else all(parts)


def matches(item: Mapping[str, Any], record: Mapping[str, Any], shape: Shape) -> bool:
    """Whether one filter holds; a property with several values has one that it holds for."""
    name, value = item["Name"], item.get("Value")
    check = item.get("Operator", "Equals" if value is not None else "Exists")
    found = values_of(record, name, shape)
    if check in ("Exists", "NotExists"):
        return bool(found) is (check == "Exists")
    if value is None:
        raise ValidationError(f"Operator {check} of the filter on {name} needs a Value.")
    if check == "NotEquals":
        return not any(_compare("Equals", each, value, name) for each in found)
    return any(_compare(check, each, value, name) for each in found)


def values_of(record: Mapping[str, Any], name: str, shape: Shape) -> list[Any]:
    """The values at a dotted name, none if the record has none there.

    Raises ``ValidationError`` for a property that the shape does not have.
    """
    members = getattr(shape, "members", {})
    if (
        name.startswith("Tags.") and "Tags" in members
    ):  # a tag's key may have dots, and metrics' names too
        return _named(record.get("Tags"), "Key", name.removeprefix("Tags."), "Value")
    if name.startswith("Metrics.") and "FinalMetricDataList" in members:
        metrics = record.get("FinalMetricDataList")
        return _named(metrics, "MetricName", name.removeprefix("Metrics."), "Value")
    return list(_walk(record, name.split("."), shape, name))


def _nested(item: Mapping[str, Any], record: Mapping[str, Any], shape: Shape) -> bool:
    """Whether a single element of a list satisfies every filter.

    The filters' names begin with the list's own, as in the API reference's example.
    """
    path = item["NestedPropertyName"]
    inner = _shape_at(shape, path)
    if not isinstance(inner, ListShape):
        raise ValidationError(f"Property {path} is not a list: it takes no nested filters.")
    filters = [{**each, "Name": each["Name"].removeprefix(f"{path}.")} for each in item["Filters"]]
    return any(
        all(matches(each, element, inner.member) for each in filters)
        for element in values_of(record, path, shape)
    )


def _walk(value: Any, parts: list[str], shape: Shape, name: str) -> Iterable[Any]:
    """Through structures, maps, and each element of a list."""
    if isinstance(shape, ListShape):
        for element in value or [None]:  # also an empty list's members must have the property
            yield from _walk(element, parts, shape.member, name)
        return
    if not parts:
        if value is not None:
            yield value
        return
    inner, key, rest = _descend(shape, parts, name)
    following = value.get(key) if isinstance(value, Mapping) else None
    yield from _walk(following, rest, inner, name)


def _descend(shape: Shape, parts: list[str], name: str) -> tuple[Shape, str, list[str]]:
    """The shape one level down, its key, and what is left of the path."""
    if isinstance(shape, MapShape) and parts:
        return shape.value, ".".join(parts), []
    if isinstance(shape, StructureShape) and parts and parts[0] in shape.members:
        return shape.members[parts[0]], parts[0], parts[1:]
    if not parts:
        return shape, "", []
    raise ValidationError(f"Unknown property name: {name}")


def _shape_at(shape: Shape, path: str) -> Shape:
    current, parts = shape, path.split(".")
    while parts:
        current, _, parts = _descend(current, parts, path)
    return current


def _named(items: Any, key: str, name: str, member: str) -> list[Any]:
    return [item[member] for item in items or [] if item.get(key) == name]


def _compare(check: str, found: Any, value: str, name: str) -> bool:
    if check in _TEXT_ONLY:
        if not isinstance(found, str):
            raise ValidationError(f"Operator {check} is for text only, and {name} is not.")
        return value in found if check == "Contains" else found in _listed(value)
    left, right = _alike(found, value, name)
    if check == "Equals":
        return bool(left == right)
    if isinstance(left, str):
        raise ValidationError(f"Operator {check} is not supported for text, as {name} is.")
    return _ORDER[check](left, right)


def _alike(found: Any, value: str, name: str) -> tuple[Any, Any]:
    """Both of the property's own type; hyperparameters are numbers if both can be."""
    try:
        if isinstance(found, bool):
            return str(found).lower(), value.lower()
        if isinstance(found, datetime):
            return found, _time(value)
        if isinstance(found, int | float):
            return float(found), float(value)
    except ValueError as error:
        raise ValidationError(f"Value {value!r} does not fit the property {name}.") from error
    if name.startswith("HyperParameters."):
        try:
            return float(found), float(value)
        except ValueError:
            return found, value
    return found, value


def _time(value: str) -> datetime:
    found = datetime.fromisoformat(value)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]
