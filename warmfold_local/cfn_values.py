"""Template values as API values: CloudFormation lets numbers and booleans be strings."""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def typed(shape: Shape, value: Any) -> Any:
    """Values as the API wants them: templates may carry numbers and booleans as strings."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            key: typed(shape.members[key], item) if key in shape.members else item
            for key, item in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [typed(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: typed(shape.value, item) for key, item in value.items()}
    return _scalar(shape.type_name, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "string" and isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str):
        return value
    try:
        if kind in ("integer", "long"):
            return int(value)
        if kind in ("float", "double"):
            return float(value)
    except ValueError:
        return value  # the request's own validation names it
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value)
    return value
