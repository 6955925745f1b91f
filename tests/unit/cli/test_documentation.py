"""The pages say what is there: commands that the command line takes, keys of the files, pages."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import ENVIRONMENTS, REPOSITORY
from warmfold.cli.parser import make_parser

PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "constructs" / "README.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
_BLOCK = re.DOTALL | re.MULTILINE
FREE = {"tags", "static", "ranges"}  # tables whose keys are the user's


def commands(page: Path) -> Iterator[str]:
    """Every line of a code block, and every inline code, that calls `warmfold`."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```", text, _BLOCK)
    lines = [line for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=_BLOCK))
    for code in [*lines, *inline]:
        for call in re.findall(r"(?:^|\$\()(?:\.venv/bin/)?warmfold( [^|#)\"]*)", code.strip()):
            yield call.strip()


COMMANDS = sorted({(page.name, call) for page in PAGES for call in commands(page)})


def test_the_pages_name_commands() -> None:
    assert len(COMMANDS) > 30


def exit_code(words: list[str]) -> object:
    try:
        make_parser().parse_args(words)
    except SystemExit as error:
        return error.code
    return 0


@pytest.mark.parametrize("page, call", COMMANDS)
def test_a_command_of_the_pages_is_one_that_there_is(page: str, call: str) -> None:
    assert exit_code([word.replace("VERSION", "1") for word in shlex.split(call)]) == 0


def named_files() -> set[str]:
    """Modules that the pages run, and files of the repository that they name, as paths."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    modules = re.findall(r"python -m ((?:benchmarks|tests)[\w.]+)", text)
    paths = re.findall(r"`((?:benchmarks|tests|containers|config|examples)/[\w./-]+\.\w+)`", text)
    return {*paths, *(module.replace(".", "/") + ".py" for module in modules)}


@pytest.mark.parametrize("path", sorted(named_files()))
def test_a_file_of_the_pages_is_there(path: str) -> None:
    assert (REPOSITORY / path).is_file()


def keys(values: object) -> Iterator[str]:
    if isinstance(values, list):
        for value in values:
            yield from keys(value)
    elif isinstance(values, dict):
        for key, value in values.items():
            yield key
            yield from keys({} if key in FREE else value)


def test_every_key_of_an_environment_is_explained() -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    files = [tomllib.loads(path.read_text(encoding="utf-8")) for path in ENVIRONMENTS.glob("*")]
    named = set(re.findall(r"[a-z0-9_]+", page))
    assert {key for values in files for key in keys(values)} - named == set()


def targets(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            yield target


@pytest.mark.parametrize(
    "page, target",
    sorted(
        {
            (page.relative_to(REPOSITORY).as_posix(), target)
            for page in [*PAGES, *(REPOSITORY / "docs" / "decisions").glob("*.md")]
            for target in targets(page)
        }
    ),
)
def test_a_link_leads_to_a_file(page: str, target: str) -> None:
    assert ((REPOSITORY / page).parent / target).exists()


def test_every_page_is_linked_from_another() -> None:
    linked = {(page.parent / target).resolve() for page in PAGES for target in targets(page)}
    assert [page.name for page in PAGES[1:] if page.resolve() not in linked] == []
