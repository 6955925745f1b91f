"""The folder that is named like a PyPI package, and the budget of what is in it."""

import ast
from pathlib import Path

import constructs
import pytest

import warmfold_constructs
from config.load import REPOSITORY

FOLDER = REPOSITORY / "constructs"
SOURCES = sorted(
    [*(FOLDER / "warmfold_constructs").glob("*.py"), *(REPOSITORY / "stacks").glob("*.py")]
)


def test_the_folder_is_no_package_and_does_not_hide_the_one_it_is_named_after() -> None:
    assert not (FOLDER / "__init__.py").exists()
    assert not list(FOLDER.glob("*.py"))
    assert constructs.__file__ is not None
    assert "site-packages" in Path(constructs.__file__).parts
    assert warmfold_constructs.__file__ is not None
    assert Path(warmfold_constructs.__file__).parent == FOLDER / "warmfold_constructs"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_constructor_reads_as_a_table_of_contents(path: Path) -> None:
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            assert function.end_lineno is not None
            assert function.end_lineno - function.lineno < 40, function.lineno
            assert len(function.args.kwonlyargs) <= 6, function.lineno


def test_the_app_holds_no_logic() -> None:
    text = (REPOSITORY / "app.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 45
    assert not [name for name in ("prod", "staging", "boto3", "aws_s3") if f'"{name}"' in text]
