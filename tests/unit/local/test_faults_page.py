"""docs/faults.md says what is there: the kinds with their members, and tests that exist."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from warmfold_local.faults.kinds import KINDS, Fault

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \|.*$", PAGE, re.MULTILINE)
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


def test_all_thirty_faults_have_a_row() -> None:
    assert [int(row) for row in ROWS] == list(range(1, 31))


@pytest.mark.parametrize("file, name", TESTS)
def test_the_tests_that_are_named_exist(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not name or f"\ndef {name}(" in text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_described_with_its_members(kind: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |"))
    usual = {each.name for each in fields(Fault)}
    for each in fields(KINDS[kind]):
        assert each.name in usual or f"`{each.name}`" in row
