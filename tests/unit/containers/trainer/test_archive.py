"""Unpacking model.tar.gz without trusting it."""

import io
import tarfile
from pathlib import Path

import pytest

from warmfold_contract.errors import UserError
from warmfold_trainer import archive
from warmfold_trainer.archive import unpack_model

ALLOWED = ("manifest.json", "model.txt")


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = 3 if kind == tarfile.REGTYPE else 0
    return info


def pack(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info in members:
            tar.addfile(info, io.BytesIO(b"abc"))
    return path


def unpack(tmp_path: Path, *members: tarfile.TarInfo) -> dict[str, bytes]:
    folder = tmp_path / "inside"
    folder.mkdir()
    unpack_model(pack(tmp_path / "model.tar.gz", *members), folder, ALLOWED)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("prefix", ["", "./"])
def test_the_allowed_files_are_copied(tmp_path: Path, prefix: str) -> None:
    made = unpack(
        tmp_path,
        member(".", tarfile.DIRTYPE),
        member(f"{prefix}model.txt"),
        member(f"{prefix}manifest.json"),
    )
    assert made == {"model.txt": b"abc", "manifest.json": b"abc"}


@pytest.mark.parametrize(
    "info,fault",
    [
        (member("../model.txt"), "holds '../model.txt'"),
        (member("/model.txt"), "holds '/model.txt'"),
        (member("sub/model.txt"), "holds 'sub/model.txt'"),
        (member("code.py"), "holds 'code.py'"),
        (member("sub", tarfile.DIRTYPE), "holds 'sub'"),
        (member("model.txt", tarfile.SYMTYPE, "/etc/passwd"), "model.txt .* not a regular file"),
        (member("model.txt", tarfile.LNKTYPE, "manifest.json"), "model.txt .* not a regular file"),
        (member("model.txt", tarfile.CHRTYPE), "model.txt .* not a regular file"),
        (member("model.txt", tarfile.DIRTYPE), "model.txt .* not a regular file"),
    ],
)
def test_any_other_member_is_refused_and_nothing_is_written_outside(
    tmp_path: Path, info: tarfile.TarInfo, fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        unpack(tmp_path, member("manifest.json"), info)
    assert {path.name for path in tmp_path.iterdir()} == {"model.tar.gz", "inside"}
    assert {path.name for path in (tmp_path / "inside").iterdir()} == {"manifest.json"}


def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.txt is in model\.tar\.gz twice"):
        unpack(tmp_path, member("model.txt"), member("model.txt"))


def test_a_bomb_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 2)
    with pytest.raises(UserError, match="has 3 bytes: too big"):
        unpack(tmp_path, member("model.txt"))


@pytest.mark.parametrize("kept", [0, 20, -40])
def test_an_empty_cut_or_foreign_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = pack(tmp_path / "model.tar.gz", member("model.txt"))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"model\.tar\.gz is not a readable gzip tar"):
        unpack_model(path, tmp_path, ALLOWED)


def test_no_archive_at_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the input holds no model\.tar\.gz"):
        unpack_model(tmp_path / "model.tar.gz", tmp_path, ALLOWED)
