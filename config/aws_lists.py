"""AWS's regions and instance types, for the reader, which knows no AWS library."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("aws.toml")


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def regions() -> tuple[str, ...]:
    """Every region that has SageMaker."""
    return tuple(_content()["regions"].split())


@cache
def instance_types() -> Mapping[str, tuple[str, ...]]:
    """By use (endpoint, processing, training, transform): every type that the API takes for it."""
    return {use: tuple(_names(given)) for use, given in _content().items() if use != "regions"}


def _names(families: Mapping[str, str]) -> list[str]:
    return [f"ml.{family}.{size}" for family in families for size in families[family].split()]
