"""Every key that a file may have stands in docs/configuration.md."""

import dataclasses
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest

from config.load import REPOSITORY
from config.settings import Settings

_PAGE = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")


def inside(kind: Any) -> Iterator[type]:
    """The tables that a type holds."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        yield kind
    elif get_origin(kind) is not None or isinstance(kind, types.UnionType):
        for part in get_args(kind):
            yield from inside(part)


def keys(kind: type, place: str) -> Iterator[tuple[str, str]]:
    """Every key below a table, with the table's own name in the file."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        if not field.metadata.get("in_file", True):
            continue
        yield place, field.name
        for table in inside(hints[field.name]):
            yield from keys(table, field.name)


@pytest.mark.parametrize("place,key", sorted(set(keys(Settings, ""))))
def test_every_key_is_explained(place: str, key: str) -> None:
    named = rf"[`\[\s.{{]{re.escape(key)}[`\].\s:,]"
    assert re.search(named, _PAGE), f"{place}.{key}"


def test_a_table_of_storage_has_a_row_for_each_of_its_keys() -> None:
    rows = re.findall(r"^\| `\[storage\] (\w+)` \| \S", _PAGE, flags=re.MULTILINE)
    assert rows == [
        "removable",
        "access_log_retention_days",
        "noncurrent_version_retention_days",
        "batch_retention_days",
    ]
