"""Unpacking ``model.tar.gz``: only known names, only regular files, only so much of them."""

import shutil
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from warmfold_contract.errors import UserError

ARCHIVE_NAME = "model.tar.gz"

# Far above any model of trees; a tar bomb ends here.
MAX_FILE_BYTES = 2 * 1024**3


def unpack_model(archive: Path, folder: Path, allowed: Collection[str]) -> None:
    """Copy the allowed files out of the archive; paths, links and modes in it are never followed.

    Raises ``UserError`` if the archive is missing or damaged, or a member is not an allowed name,
    not a regular file, too big, or there twice.
    """
    if not archive.is_file():
        raise UserError(f"the input holds no {archive.name}")
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                _unpack_member(tar, member, folder, allowed)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise UserError(f"{archive.name} is not a readable gzip tar: {error}") from error


def read_member(archive: Path, name: str) -> bytes:
    """One file's content; what else the archive holds is passed over.

    Raises ``UserError`` if the archive is missing or damaged, or has no such regular file, or one
    that is too big.
    """
    if not archive.is_file():
        raise UserError(f"the input holds no {archive.name}")
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.name.removeprefix("./") == name and member.isreg():
                    return _content(tar, member, archive.name)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise UserError(f"{archive.name} is not a readable gzip tar: {error}") from error
    raise UserError(f"{archive.name} holds no file {name!r}")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: str) -> bytes:
    if member.size > MAX_FILE_BYTES:
        raise UserError(f"{member.name} in {archive} has {member.size} bytes: too big")
    source = tar.extractfile(member)
    if source is None:
        raise UserError(f"{member.name} in {archive} cannot be read")
    with source:
        return source.read()


def _unpack_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, allowed: Collection[str]
) -> None:
    if member.isdir() and PurePosixPath(member.name) == PurePosixPath("."):
        return
    name = member.name.removeprefix("./")
    if name not in allowed:
        raise UserError(f"{ARCHIVE_NAME} holds {member.name!r}; a model has {sorted(allowed)} only")
    if not member.isreg():
        raise UserError(f"{name} in {ARCHIVE_NAME} is not a regular file")
    if member.size > MAX_FILE_BYTES:
        raise UserError(f"{name} in {ARCHIVE_NAME} has {member.size} bytes: too big for a model")
    target = folder / name
    if target.exists():
        raise UserError(f"{name} is in {ARCHIVE_NAME} twice")
    source = tar.extractfile(member)
    if source is None:
        raise UserError(f"{name} in {ARCHIVE_NAME} cannot be read")
    with source, target.open("xb") as sink:
        shutil.copyfileobj(source, sink)
