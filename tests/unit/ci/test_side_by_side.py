"""The processes of `make test`."""

import re
from pathlib import Path

import pytest

from config.load import REPOSITORY
from tests.run import GROUPS, Runner

PASSES = "def test_it() -> None:\n    assert True\n"
FAILS = "def test_it() -> None:\n    assert 'what was' == 'what should be'\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q -p no:cacheprovider\n")
    (tmp_path / "test_good.py").write_text(PASSES)
    (tmp_path / "test_bad.py").write_text(FAILS)
    return tmp_path


def files_of(arguments: list[str]) -> set[Path]:
    """What pytest would take with these arguments, of the folder `tests`."""
    ignored = {argument.partition("=")[2] for argument in arguments if "=" in argument}
    roots = [argument for argument in arguments if "=" not in argument] or ["tests"]
    found = {path for root in roots for path in found_in(REPOSITORY / root)}
    return found - {path for root in ignored for path in found_in(REPOSITORY / root)}


def found_in(path: Path) -> set[Path]:
    return {path} if path.is_file() else set(path.rglob("test_*.py"))


def test_every_test_belongs_to_one_group() -> None:
    taken = [path for arguments in GROUPS.values() for path in files_of(arguments)]
    assert sorted(taken) == sorted(found_in(REPOSITORY / "tests"))


def test_one_group_that_fails_fails_all_and_shows_why(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert Runner(folder).run({"the good": ["test_good.py"], "the bad": ["test_bad.py"]}) == 1
    said = capfd.readouterr().out
    assert re.search(r"^the good +\. +\[100%\]$", said, re.MULTILINE)
    assert re.search(r"^the bad +F +\[100%\]$", said, re.MULTILINE)
    _, _, of_the_bad = said.partition("-- the bad\n")
    assert "assert 'what was' == 'what should be'" in of_the_bad.partition("-- ")[0]
    assert said.endswith("failed: the bad\n")


def test_a_group_without_tests_is_no_success(folder: Path) -> None:
    assert (
        Runner(folder).run({"none": ["test_good.py", "--deselect", "test_good.py::test_it"]}) == 1
    )


def test_groups_that_pass_are_a_success(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert Runner(folder).run({"a": ["test_good.py"], "b": ["test_good.py"]}) == 0
    assert capfd.readouterr().out.endswith("all groups passed\n")
