"""Parameter values of an execution: what was given at its start, by type, else the default."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.pipeline_definition import Parameter


def resolve_parameters(
    declared: Mapping[str, Parameter], given: list[dict[str, str]] | None
) -> dict[str, Any]:
    """Values by name, in the definition's order.

    Raises ``ValidationError`` naming every parameter that is unknown, missing or of another type.
    """
    values = {item["Name"]: item["Value"] for item in given or []}
    faults = [f"there is no parameter {name}" for name in values if name not in declared]
    resolved: dict[str, Any] = {}
    for name, parameter in declared.items():
        try:
            resolved[name] = _value(parameter, values.get(name))
        except ValueError as error:
            faults.append(f"parameter {name} {error}")
    if faults:
        raise ValidationError("Invalid pipeline parameters: " + "; ".join(faults))
    return resolved


def typed(text: str, kind: str) -> Any:
    """``text`` as a ``String``, ``Integer``, ``Float`` or ``Boolean``. Raises ``ValueError``."""
    return _PARSERS[kind](text)


def _value(parameter: Parameter, given: str | None) -> Any:
    value = parameter.default if given is None else typed(given, parameter.type)
    if value is None:
        raise ValueError("has no default and was not given")
    if parameter.allowed and value not in parameter.allowed:
        raise ValueError(f"is {value!r}, not one of {list(parameter.allowed)}")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"is {text!r}, not an Integer") from error


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"is {text!r}, not a Float") from error
    if not math.isfinite(value):
        raise ValueError(f"is {text!r}, not a finite Float")
    return value


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"is {text!r}, not a Boolean")
    return text.lower() == "true"


_PARSERS: dict[str, Callable[[str], Any]] = {
    "String": str,
    "Integer": _integer,
    "Float": _float,
    "Boolean": _boolean,
}
