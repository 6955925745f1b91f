"""The content tag of an image: what is in it names it, so that a tag never changes its meaning."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Kind = Literal["trainer", "server"]

# Made by tools while the sources are used; never part of an image.
_MADE = {"__pycache__", "dist", "build"}
# A project's data reaches SageMaker through S3, and its tests run on the laptop.
_NOT_IN_IMAGE = {"data", "tests"}
# What both images are built with beside their own folders.
_SHARED_FILES = ("build-requirements.txt", ".dockerignore")
_TAG_DIGITS = 16


def content_tag(root: Path, kind: Kind, model: str, project: Path) -> str:
    """``{model}-{16 hex digits}`` of the SHA-256 over every file that the image is built from.

    ``root`` is the repository. Paths go into the hash relative to it and to ``project``, so that
    the same commit has the same tag in every checkout. Raises ``FileNotFoundError`` if a folder
    is missing.
    """
    digest = hashlib.sha256()
    containers = root / "containers"
    for name in (kind, "warmfold_contract", "warmfold_features", f"warmfold_{kind}"):
        _add(digest, f"containers/{name}", containers / name, frozenset())
    for name in _SHARED_FILES:
        _add_file(digest, f"containers/{name}", containers / name)
    _add(digest, "project", project, frozenset(_NOT_IN_IMAGE))
    return f"{model}-{digest.hexdigest()[:_TAG_DIGITS]}"


def _add(digest: "hashlib._Hash", label: str, folder: Path, left_out: frozenset[str]) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: an image is built from it")
    for name, path in sorted(_files(folder, left_out)):
        _add_file(digest, f"{label}/{name}", path)


def _add_file(digest: "hashlib._Hash", label: str, path: Path) -> None:
    content = path.read_bytes()
    # Lengths keep two different trees from giving the same bytes.
    digest.update(f"{label}\0{len(content)}\0".encode())
    digest.update(content)


def _files(folder: Path, left_out: frozenset[str]) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if path.is_file() and not _is_made(relative) and relative.parts[0] not in left_out:
            yield relative.as_posix(), path


def _is_made(relative: Path) -> bool:
    return relative.suffix == ".pyc" or any(
        part in _MADE or part.startswith(".") or part.endswith(".egg-info")
        for part in relative.parts
    )
