"""The constructs as a library: the wheel alone carries another CDK app, its README's examples."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from config.load import REPOSITORY
from tests.unit.infrastructure.assembly import read_assembly
from warmfold.templates import child_environment

FOLDER = REPOSITORY / "constructs"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked as an installer does it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=FOLDER, check=True, capture_output=True, timeout=120)
    (file,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def class_names(tree: ast.Module) -> set[str]:
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and [base for base in node.bases if isinstance(base, ast.Name) and base.id == "Construct"]
    }


def test_every_construct_has_an_example() -> None:
    used = "\n".join(EXAMPLES)
    for path in sorted((FOLDER / "warmfold_constructs").glob("*.py")):
        for name in class_names(ast.parse(path.read_text(encoding="utf-8"))):
            assert re.search(rf"^(\w+ = )?{name}\(", used, flags=re.MULTILINE), name


def test_the_library_has_the_projects_version() -> None:
    versions = {
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
        for folder in (REPOSITORY, FOLDER)
    }
    assert len(versions) == 1


def test_the_wheel_holds_packages_of_its_own_and_no_caches(wheel: Path) -> None:
    assert {path.name for path in wheel.iterdir()} == {
        "warmfold",
        "warmfold_constructs",
        "warmfold_constructs-0.1.0.dist-info",
        "warmfold_contract",
        "warmfold_shapes",
    }
    assert {path.name for path in (wheel / "warmfold").iterdir()} == {
        "__init__.py",
        "errors.py",
        "pipeline",
    }
    assert not [path for path in wheel.rglob("*") if path.suffix == ".pyc"]


def test_another_app_runs_every_example_with_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    checks = f"""
import constructs, sys, warmfold, warmfold_constructs
assert warmfold_constructs.__file__.startswith({str(wheel)!r}), warmfold_constructs.__file__
assert warmfold.__file__.startswith({str(wheel)!r}), warmfold.__file__
assert constructs.__file__.startswith({sysconfig.get_path("purelib")!r}), constructs.__file__
assert not [path for path in sys.path if path.startswith({str(FOLDER)!r})], sys.path
"""
    (tmp_path / "other_app.py").write_text(checks + "\n".join(EXAMPLES), encoding="utf-8")
    result = subprocess.run(
        # Without `site`: the project's own packages are installed beside the wheel's dependencies.
        [sys.executable, "-S", "other_app.py"],
        cwd=tmp_path,
        env={
            **child_environment(),
            "CDK_OUTDIR": str(tmp_path / "out"),
            "CDK_VALIDATION": "false",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join([str(wheel), sysconfig.get_path("purelib")]),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    templates = read_assembly(tmp_path / "out").templates
    assert set(templates) == {"credit", "credit-serving", "trial"}
    assert len(templates["credit"].of_type("AWS::Lambda::Function")) == 9
