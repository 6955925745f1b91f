"""A small repository: the platform's real packages, a tiny lock, a tiny project."""

import hashlib
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from warmfold.images import ImageSpec, Kind, build_images

CONTAINERS = Path(__file__).parents[3] / "containers"

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "tiny-project"
version = "1.5"

[project.entry-points."warmfold.project"]
project = "tiny_project:PROJECT"

[tool.hatch.build.targets.wheel]
packages = ["src/tiny_project"]
"""

PROJECT = """
import locked

from warmfold_contract.project import Project

PROJECT = Project(
    name=locked.NAME,
    columns=(),
    target="bad",
    positive_label="yes",
    negative_label="no",
    features=dict,
)
"""


@dataclass(frozen=True)
class Repository:
    root: Path

    @property
    def project(self) -> Path:
        return self.root / "examples" / "tiny project"

    @property
    def images(self) -> Path:
        return self.root / "build" / "images"

    def lock(self, kind: Kind) -> Path:
        return self.root / "containers" / kind / "requirements.txt"

    def image(self, kind: Kind, tag: str = "tiny-0123") -> ImageSpec:
        return ImageSpec(
            repository=f"warmfold-local-{kind}", tag=tag, kind=kind, project_dir=self.project
        )

    def build(self, *images: ImageSpec) -> tuple[list[Path], list[str]]:
        """The images' folders, and what the watcher of the build was told."""
        told: list[str] = []
        return build_images(self.root, self.images, images, progress=told.append), told


def make_repository(root: Path) -> Repository:
    """Every path has a space in it, as a user's may."""
    repository = Repository(root)
    packages = ("warmfold_contract", "warmfold_features", "warmfold_trainer", "warmfold_server")
    for package in packages:
        shutil.copytree(
            CONTAINERS / package,
            root / "containers" / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    requirement = write_locked_wheel(root / "index")
    write_locks(repository, ("trainer", "server"), requirement)
    write_project(repository.project)
    return repository


def write_project(folder: Path, *, pyproject: str = PYPROJECT, code: str = PROJECT) -> Path:
    (folder / "src" / "tiny_project").mkdir(parents=True)
    (folder / "src" / "tiny_project" / "__init__.py").write_text(code)
    (folder / "pyproject.toml").write_text(pyproject)
    return folder


def write_locks(repository: Repository, kinds: Sequence[Kind], requirement: str) -> None:
    for kind in kinds:
        repository.lock(kind).parent.mkdir(parents=True)
        repository.lock(kind).write_text(f"{requirement}\n    # via {kind}/requirements.in\n")


def write_locked_wheel(folder: Path) -> str:
    """The one requirement of the lock, from a file instead of an index; the lock's line."""
    folder.mkdir(parents=True)
    wheel = folder / "locked-1.0-py3-none-any.whl"
    info = "locked-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("locked.py", 'NAME = "tiny-project"\n')
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: locked\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"locked.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"locked @ {wheel.as_uri()} --hash=sha256:{digest}"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "a repository")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """With both images built."""
    repository = make_repository(tmp_path_factory.mktemp("shared") / "a repository")
    repository.build(repository.image("trainer"), repository.image("server"))
    return repository
