"""Put a plan's choice in the place of ``auto`` in an environment's file, and touch nothing else."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.load import CHOICES
from config.rules import ChosenByPlan
from warmfold.errors import WarmfoldError

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?\s*(#.*)?")


def write_choices(path: Path, model: str, choices: Mapping[tuple[str, str], str]) -> list[str]:
    """The keys that said ``auto``, now decided; ``choices`` has a value for each of ``CHOICES``.

    Raises ``WarmfoldError``, with the file as it was, if an ``auto`` is not on a line of its own.
    """
    text = path.read_text(encoding="utf-8")
    index, tables = _model(tomllib.loads(text), model)
    undecided = _undecided(tables)
    for section, key in undecided:
        text = _replaced(text, index, section, key, choices[section, key])
    _, after = _model(tomllib.loads(text), model)
    for section, key in undecided:
        if after[section][key] != choices[section, key]:
            raise WarmfoldError(
                f"{path}: {section}.{key} of model {model} stands in a form that cannot be "
                f"changed safely: write {choices[section, key]!r} there yourself"
            )
    _write(path, text)
    return [f"{section}.{key}" for section, key in undecided]


def require_undecided(path: Path, model: str) -> None:
    """Raises ``WarmfoldError`` if nothing of the model says ``auto``."""
    _, tables = _model(tomllib.loads(path.read_text(encoding="utf-8")), model)
    if not _undecided(tables):
        raise WarmfoldError(
            f"{path}: model {model}: nothing was changed: set engine and/or strategy to "
            f'"{ChosenByPlan.word}" first'
        )


def _undecided(tables: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (section, key)
        for section, key in CHOICES
        if tables.get(section, {}).get(key) == ChosenByPlan.word
    ]


def _model(values: Mapping[str, Any], name: str) -> tuple[int, dict[str, Any]]:
    models = list(values["models"])
    index = [model["name"] for model in models].index(name)
    return index, models[index]


def _replaced(text: str, index: int, section: str, key: str, value: str) -> str:
    """The text with ``key = "auto"`` changed in the section of the index-th model."""
    lines, current, section_name = text.splitlines(keepends=True), -1, ""
    wanted = re.compile(rf"""(\s*{key}\s*=\s*)(["']){ChosenByPlan.word}\2""")
    for number, line in enumerate(lines):
        header = _HEADER.fullmatch(line.rstrip("\r\n"))
        if header is not None:
            section_name = header[2]
            current += header[1] == "[[" and section_name == "models"
        elif current == index and section_name == f"models.{section}":
            lines[number] = wanted.sub(rf'\g<1>"{value}"', line, count=1)
    return "".join(lines)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8", newline="")
    temporary.replace(path)
