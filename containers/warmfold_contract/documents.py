"""Reading JSON documents that came from elsewhere."""

import json
from typing import Any

from warmfold_contract.errors import UserError


def json_object(name: str, text: str | bytes) -> dict[str, Any]:
    """The object that the document ``name`` holds; raises ``UserError`` if it holds none."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise UserError(f"{name} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise UserError(f"{name} must be a JSON object")
    return values
