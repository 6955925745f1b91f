"""Images for the process engine: what the Dockerfiles build for Docker, as folders.

``{images_dir}/{repository}/{tag}/`` holds ``image.json`` (entry point, command, environment, like
an OCI image's configuration) and ``app/`` (the platform's packages and the project's wheel).
The locked requirements are a virtual environment under ``{images_dir}/layers/``, shared by every
image whose lock is the same.
"""

import hashlib
import json
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from warmfold.container_images import (
    IMAGE_FILE,
    ContainerEngine,
    Recipe,
    build_container_image,
    engine_client,
    up_to_date,
)
from warmfold.image_steps import ImageBuildError, Steps, published, put_aside
from warmfold_contract.project import PROJECT_FILE_VARIABLE, write_project_file

Kind = Literal["trainer", "server"]
Progress = Callable[[str], None]

PROJECT_FILE = "warmfold_project.json"
SHARED_PACKAGES = ("warmfold_contract", "warmfold_features")

# SageMaker passes these itself; they are the default for whoever starts the image by hand.
COMMANDS: dict[Kind, str] = {"trainer": "train", "server": "serve"}

# Held to the Dockerfiles' ENV lines by a test.
_COMMON_ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",  # the code is compiled, and read-only where it runs
    "PYTHONUNBUFFERED": "1",  # a metric line is read while the job runs
    "PYTHONSAFEPATH": "1",  # a file in the working folder must not hide a module
}
ENVIRONMENT: dict[Kind, dict[str, str]] = {
    "trainer": _COMMON_ENVIRONMENT,
    # OpenMP's spinning costs a small request up to 20 times its own work (docs/decisions/0006).
    "server": {**_COMMON_ENVIRONMENT, "OMP_NUM_THREADS": "1"},
}

# Loads the project as a job would: a missing entry point or dependency is found here.
_TRY_PROJECT = (
    "from warmfold_contract.project import installed_wheel, load_project; "
    "load_project(); installed_wheel()"
)

_VENV = (sys.executable, "-m", "venv", "--without-pip")
_PIP = (sys.executable, "-m", "pip")
_INSTALL_LOCK = ("install", "--no-compile", "--require-hashes", "--requirement")

_REPOSITORY = re.compile(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """One image: its ECR repository name, its content tag, and the project in it."""

    repository: str
    tag: str
    kind: Kind
    project_dir: Path

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"


def ignore(message: str) -> None:
    """The progress of a build that nobody watches."""


def build_images(
    root: Path,
    images_dir: Path,
    images: Sequence[ImageSpec],
    *,
    engine: ContainerEngine | None = None,
    progress: Progress = ignore,
) -> list[Path]:
    """The folders of ``images``, in their order; those that are there already are left alone.

    ``root`` is the repository. Without an ``engine`` the Python that runs this (with pip and
    hatchling) becomes the images' Python. ``progress`` is told before each slow step. Raises
    ``ImageBuildError``.
    """
    for image in images:
        _require_buildable(image)
    if engine is not None:
        return _build_by_engine(root.resolve(), images_dir.resolve(), images, engine, progress)
    builder = _Builder(root.resolve(), images_dir.resolve(), progress)
    return [builder.build(image) for image in images]


def _build_by_engine(
    root: Path,
    images_dir: Path,
    images: Sequence[ImageSpec],
    engine: ContainerEngine,
    progress: Progress,
) -> list[Path]:
    client = engine_client(engine)
    targets = []
    for image in images:
        target = images_dir / image.repository / image.tag
        targets.append(target)
        if up_to_date(client, target):
            continue
        progress(f"image {image.name}: building it with {engine}")
        recipe = Recipe(
            name=image.name,
            dockerfile=root / "containers" / image.kind / "Dockerfile",
            project_dir=image.project_dir.resolve(),
        )
        log_path = images_dir / "logs" / f"{image.repository}-{image.tag}.log"
        build_container_image(client, recipe, target, images_dir / "building", log_path)
    return targets


def _require_buildable(image: ImageSpec) -> None:
    if not _REPOSITORY.fullmatch(image.repository) or not _TAG.fullmatch(image.tag):
        raise ImageBuildError(f"{image.name!r} is not a repository and tag that ECR allows")
    if not (image.project_dir / "pyproject.toml").is_file():
        raise ImageBuildError(
            f"image {image.name}: {image.project_dir} has no pyproject.toml: it must be the "
            "folder of a project"
        )


@dataclass(frozen=True)
class _Builder:
    root: Path
    images_dir: Path
    progress: Progress

    @property
    def workshop(self) -> Path:
        return self.images_dir / "building"

    def build(self, image: ImageSpec) -> Path:
        target = self.images_dir / image.repository / image.tag
        layer = self._layer_folder(image.kind)
        configuration = _configuration(image.kind, layer, target / "app")
        if _python(layer).exists() and _read(target / IMAGE_FILE) == configuration:
            return target
        steps = Steps(image.name, self.images_dir / "logs" / f"{image.repository}-{image.tag}.log")
        self._require_layer(layer, image, steps)
        self.progress(f"image {image.name}: building the project's wheel")
        # An image is out of date when the checkout was moved or has another Python.
        put_aside(target, self.workshop)
        with published(target, self.workshop) as folder:
            self._fill(folder, target, layer, image, steps)
            text = json.dumps(configuration, indent=2) + "\n"
            (folder / IMAGE_FILE).write_text(text, encoding="utf-8")
        return target

    def _layer_folder(self, kind: Kind) -> Path:
        """Named by all that decides what is in it: the lock, and the Python it is for."""
        lines = self._lock(kind).read_text(encoding="utf-8").splitlines()
        # Without the comments, which name the file and so differ between equal locks.
        lock = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        python = [sys.version, sysconfig.get_platform(), sys.base_prefix]
        digest = hashlib.sha256("\n".join([*python, *lock]).encode())
        return self.images_dir / "layers" / digest.hexdigest()[:16]

    def _lock(self, kind: Kind) -> Path:
        return self.root / "containers" / kind / "requirements.txt"

    def _require_layer(self, layer: Path, image: ImageSpec, steps: Steps) -> None:
        if _python(layer).exists():
            return
        self.progress(f"image {image.name}: installing the locked requirements")
        put_aside(layer, self.workshop)
        with published(layer, self.workshop) as folder:
            steps.run("making a virtual environment", [*_VENV, folder])
            steps.run(
                "installing the locked requirements",
                [*_PIP, "--python", _python(folder), *_INSTALL_LOCK, self._lock(image.kind)],
            )
            _compile(folder / "lib", layer / "lib", _python(folder), steps)

    def _fill(
        self, folder: Path, target: Path, layer: Path, image: ImageSpec, steps: Steps
    ) -> None:
        app = folder / "app"
        for package in (*SHARED_PACKAGES, f"warmfold_{image.kind}"):
            shutil.copytree(
                self.root / "containers" / package,
                app / package,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        wheel = _build_wheel(image, folder / "wheel", steps)
        steps.run(
            "installing the project's wheel",
            [*_PIP, "install", "--no-compile", "--no-deps", "--no-index", "--target", app, wheel],
        )
        write_project_file(wheel, app / PROJECT_FILE)
        shutil.rmtree(wheel.parent)
        _compile(app, target / "app", _python(layer), steps)
        steps.run(
            "loading the project in its image",
            [_python(layer), "-c", _TRY_PROJECT],
            _configuration(image.kind, layer, app)["Env"],
        )


def _configuration(kind: Kind, layer: Path, app: Path) -> dict[str, Any]:
    environment = {
        "PATH": f"{layer}/bin:/usr/bin:/bin",
        "PYTHONPATH": str(app),
        PROJECT_FILE_VARIABLE: str(app / PROJECT_FILE),
        **ENVIRONMENT[kind],
    }
    entrypoint = ["python", "-m", f"warmfold_{kind}"]
    return {"Entrypoint": entrypoint, "Cmd": [COMMANDS[kind]], "Env": environment}


def _build_wheel(image: ImageSpec, folder: Path, steps: Steps) -> Path:
    # No build isolation: that would install a build backend from the index, unlocked.
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir")
    steps.run("building the project's wheel", [*_PIP, "wheel", *options, folder, image.project_dir])
    (wheel,) = folder.glob("*.whl")
    return wheel


def _compile(folder: Path, final: Path, python: Path, steps: Steps) -> None:
    """Bytecode, whose tracebacks name the place where the folder will be."""
    options = ("-m", "compileall", "-q", "-j", "0")
    steps.run("compiling bytecode", [python, *options, "-s", folder, "-p", final, folder])


def _python(layer: Path) -> Path:
    return layer / "bin" / "python"


def _read(path: Path) -> object:
    """The JSON in ``path``, or ``None`` where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
