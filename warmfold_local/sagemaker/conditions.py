"""The conditions of a Condition step, on values that have been resolved already."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from warmfold_local.sagemaker.expressions import ExpressionError

Condition = Mapping[str, Any]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}

# Members that each type needs; the SageMaker SDK writes Not for NotEquals and NotIn.
MEMBERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Equals", "NotEquals", *_ORDER), ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "NotIn": ("QueryValue", "Values"),
    "Not": ("Expression",),
    "Or": ("Conditions",),
}


def holds(condition: Condition) -> bool:
    """Whether one condition is true.

    Raises ``ExpressionError`` if values are ordered that have no order, a text and a number, say.
    """
    kind = condition["Type"]
    if kind in _ORDER:
        return _ordered(kind, condition["LeftValue"], condition["RightValue"])
    return _LOGIC[kind](condition)


def all_hold(conditions: Sequence[Condition]) -> bool:
    """The conditions of a step are joined by "and"."""
    return all(holds(condition) for condition in conditions)


def faults(condition: Any, place: str) -> list[str]:
    """What is wrong with a condition as written, before its values are known."""
    if not isinstance(condition, dict):
        return [f"{place} is not a condition"]
    kind = condition.get("Type")
    if not isinstance(kind, str) or kind not in MEMBERS:
        return [f"{place}.Type is {kind!r}, not one of {', '.join(MEMBERS)}"]
    missing = [name for name in MEMBERS[kind] if name not in condition]
    if missing:
        return [f"{place} ({kind}) needs {' and '.join(missing)}"]
    nested = {"Or": condition.get("Conditions"), "Not": [condition.get("Expression")]}.get(kind, [])
    if not isinstance(nested, list):
        return [f"{place}.Conditions is not a list"]
    return [
        fault for index, item in enumerate(nested) for fault in faults(item, f"{place}[{index}]")
    ]


def _ordered(kind: str, left: Any, right: Any) -> bool:
    if _family(left) != _family(right) or _family(left) not in ("number", "text"):
        raise ExpressionError(
            f"{kind} cannot compare a {_family(left)} with a {_family(right)}: give both the "
            "same type"
        )
    return _ORDER[kind](left, right)


def _equal(left: Any, right: Any) -> bool:
    return _family(left) == _family(right) and bool(left == right)


def _family(value: Any) -> str:
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "structure"


def _among(condition: Condition) -> bool:
    return any(_equal(condition["QueryValue"], value) for value in condition["Values"])


_LOGIC: dict[str, Callable[[Condition], bool]] = {
    "Equals": lambda c: _equal(c["LeftValue"], c["RightValue"]),
    "NotEquals": lambda c: not _equal(c["LeftValue"], c["RightValue"]),
    "In": _among,
    "NotIn": lambda c: not _among(c),
    "Not": lambda c: not holds(c["Expression"]),
    "Or": lambda c: any(holds(each) for each in c["Conditions"]),
}
