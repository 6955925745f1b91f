"""A tag is a content: the same for the same files, another for any change that matters."""

import re
from pathlib import Path

import pytest

from config.images import Kind, content_tag

FILES = (
    "containers/.dockerignore",
    "containers/build-requirements.txt",
    "containers/trainer/Dockerfile",
    "containers/server/Dockerfile",
    "containers/warmfold_contract/paths.py",
    "containers/warmfold_features/encode.py",
    "containers/warmfold_trainer/main.py",
    "containers/warmfold_server/main.py",
    "examples/project/pyproject.toml",
    "examples/project/src/project/features.py",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        _write(tmp_path / name, name)
    return tmp_path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def tag(root: Path, kind: Kind = "trainer") -> str:
    return content_tag(root, kind, "project", root / "examples" / "project")


def test_a_tag_is_the_model_and_sixteen_hex_digits(root: Path) -> None:
    assert re.fullmatch(r"project-[0-9a-f]{16}", tag(root))


def test_two_checkouts_of_the_same_files_have_the_same_tag(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "a folder with spaces"
    for name in reversed(FILES):
        _write(other / name, name)
    assert tag(other) == tag(root)


def test_trainer_and_server_differ(root: Path) -> None:
    assert tag(root, "trainer") != tag(root, "server")


@pytest.mark.parametrize("name", [name for name in FILES if "server" not in name])
def test_a_change_of_any_file_in_the_image_changes_the_tag(root: Path, name: str) -> None:
    before = tag(root)
    _write(root / name, "changed")
    assert tag(root) != before


def test_a_renamed_file_changes_the_tag(root: Path) -> None:
    before = tag(root)
    source = root / "containers" / "warmfold_trainer" / "main.py"
    source.rename(source.with_name("other.py"))
    assert tag(root) != before


@pytest.mark.parametrize(
    "name",
    [
        "containers/warmfold_trainer/__pycache__/main.cpython-312.pyc",
        "containers/warmfold_server/main.py",
        "containers/server/Dockerfile",
        "examples/project/data/rows.csv",
        "examples/project/tests/test_features.py",
        "examples/project/dist/project-1.0-py3-none-any.whl",
        "examples/project/src/project/__pycache__/features.pyc",
        "examples/project/src/project.egg-info/PKG-INFO",
        "examples/project/.ruff_cache/x",
    ],
)
def test_what_is_not_in_the_trainers_image_does_not_change_its_tag(root: Path, name: str) -> None:
    before = tag(root)
    _write(root / name, "changed")
    assert tag(root) == before


def test_data_of_a_package_inside_the_project_is_part_of_the_image(root: Path) -> None:
    before = tag(root)
    _write(root / "examples/project/src/project/data/levels.json", "[]")
    assert tag(root) != before


def test_bytes_that_move_between_files_change_the_tag(root: Path) -> None:
    folder = root / "containers" / "warmfold_trainer"
    _write(folder / "a.py", "xy")
    _write(folder / "b.py", "z")
    before = tag(root)
    _write(folder / "a.py", "x")
    _write(folder / "b.py", "yz")
    assert tag(root) != before


def test_a_missing_project_is_named(root: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        content_tag(root, "trainer", "project", root / "nowhere")
