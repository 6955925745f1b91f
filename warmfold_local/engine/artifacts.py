"""``model.tar.gz``: written the same way every time, read as data that nobody vouches for."""

import gzip
import io
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


class ArtifactError(Exception):
    """An archive that is not written, or refused; the message names the member and the fault."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Largest archive that is unpacked: all of it together, decompressed, and its members."""

    total_bytes: int = 4 * 1024**3
    members: int = 10_000


DEFAULT_LIMITS = Limits()


def make_tar(folder: Path, target: Path) -> Path:
    """Pack the files below ``folder`` into a gzip tar: same content, same bytes.

    Raises ``ArtifactError`` for a link or a special file: hosting refuses archives with links
    ("shouldn't contain any symlinks", SageMaker hosting FAQ), so one is not even written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*")):
            _add(archive, path, path.relative_to(folder).as_posix())
    return target


def extract_model(tar_path: Path, folder: Path, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Unpack a gzip tar into ``folder``, which must not exist or be empty; files read-only.

    Only regular files and folders are taken, under plain relative names; links, devices, sparse
    files, doubles and anything over ``limits`` are refused, and then ``folder`` is left as it was.
    Raises ``ArtifactError``.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with gzip.open(tar_path) as unpacked:
            _extract(_Bounded(unpacked, limits.total_bytes), partial, limits)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except (gzip.BadGzipFile, EOFError, tarfile.TarError, OSError) as error:
        raise ArtifactError(f"{tar_path.name} cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        raise ArtifactError(f"{name!r} is a link or a special file: artifacts hold plain files")
    if path.is_dir():
        return
    member = tarfile.TarInfo(name)
    member.size = path.stat().st_size
    member.mode = 0o644
    with path.open("rb") as stream:
        archive.addfile(member, stream)


class _Bounded(io.RawIOBase):
    """A decompressed stream that ends with an error at ``limit`` bytes.

    It bounds everything: members, their headers, which tarfile reads into memory, and padding.
    """

    def __init__(self, stream: gzip.GzipFile, limit: int) -> None:
        self._stream = stream
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        room = self._limit - self._stream.tell()
        data = self._stream.read(room + 1 if size < 0 else min(size, room + 1))
        if len(data) > room:
            raise ArtifactError(f"the archive holds more than {self._limit} bytes")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0 and offset > self._limit:
            raise ArtifactError(f"the archive holds more than {self._limit} bytes")
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _extract(stream: _Bounded, folder: Path, limits: Limits) -> None:
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in _checked(archive, limits):
            target = folder / PurePosixPath(member.name)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            source = archive.extractfile(member)
            if source is None:
                raise ArtifactError(f"member {member.name!r} has no content")
            with source, target.open("xb") as sink:
                shutil.copyfileobj(source, sink, 1024 * 1024)
            target.chmod(0o444)


def _checked(archive: tarfile.TarFile, limits: Limits) -> Iterator[tarfile.TarInfo]:
    for count, member in enumerate(archive, start=1):
        if count > limits.members:
            raise ArtifactError(f"the archive has more than {limits.members} members")
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\\" in member.name:
            raise ArtifactError(f"member {member.name!r} would lie outside the folder")
        if not (member.isdir() or member.isfile()) or member.issparse():
            raise ArtifactError(f"member {member.name!r} is not a plain file")
        yield member
