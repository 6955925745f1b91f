"""A real environment's values, changed in one place."""

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

from config.load import ENVIRONMENTS
from tests.unit.example_model import EXAMPLE

Place = tuple[str | int, ...]


def values(environment: str = "prod") -> dict[str, Any]:
    """What stands in the file of a real environment, as plain values, with the example only."""
    content = tomllib.loads((ENVIRONMENTS / f"{environment}.toml").read_text(encoding="utf-8"))
    content["models"] = [model for model in content["models"] if model["name"] == EXAMPLE]
    return content


def set_at(content: dict[str, Any], place: Place, value: object) -> dict[str, Any]:
    """A copy of ``content`` with the value at ``place`` replaced or added."""
    changed = copy.deepcopy(content)
    at(changed, place[:-1])[place[-1]] = value
    return changed


def at(content: Any, place: Place) -> Any:
    for part in place:
        content = content[part]
    return content


def dotted(place: Place) -> str:
    """The place as messages name it: ``models[0].tuning.max_trials``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def write(folder: Path, content: dict[str, Any], environment: str = "prod") -> Path:
    """The folder, now with ``content`` as TOML (every value is an inline table or JSON scalar)."""
    lines = [f"{json.dumps(key)} = {_toml(value)}" for key, value in content.items()]
    path = folder / f"{environment}.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _toml(value: object) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return str(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
