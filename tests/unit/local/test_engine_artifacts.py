"""Model archives: written reproducibly, unpacked only if they are harmless."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.engine.artifacts import ArtifactError, Limits, extract_model, make_tar

REGULAR = (tarfile.REGTYPE, b"content")


def archive(folder: Path, *members: tuple[str, bytes, bytes], link: str = "/etc/passwd") -> Path:
    """A gzip tar of members (name, type, content)."""
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = link if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_what_is_packed_comes_out_again(tmp_path: Path) -> None:
    folder = tmp_path / "a model"
    (folder / "deep").mkdir(parents=True)
    (folder / "model.txt").write_text("tree", encoding="utf-8")
    (folder / "deep" / "empty").write_bytes(b"")
    out = extract_model(make_tar(folder, tmp_path / "m.tar.gz"), tmp_path / "out")
    assert (out / "model.txt").read_text(encoding="utf-8") == "tree"
    assert (out / "deep" / "empty").read_bytes() == b""
    assert (out / "model.txt").stat().st_mode & 0o777 == 0o444


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    archives = []
    for name, moment in (("one", 1_000_000), ("two", 2_000_000)):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("b", "a") if name == "one" else ("a", "b"):
            (folder / file).write_text(file, encoding="utf-8")
            os.utime(folder / file, (moment, moment))
        archives.append(make_tar(folder, tmp_path / f"{name}.tar.gz").read_bytes())
    assert archives[0] == archives[1]


def test_links_and_special_files_are_not_packed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(ArtifactError, match="'link' is a link or a special file"):
        make_tar(folder, tmp_path / "m.tar.gz")


@pytest.mark.parametrize(
    "name, kind",
    [
        ("../escape", tarfile.REGTYPE),
        ("a/../../escape", tarfile.REGTYPE),
        ("/tmp/escape", tarfile.REGTYPE),
        ("a\\..\\escape", tarfile.REGTYPE),
        ("link", tarfile.SYMTYPE),
        ("link", tarfile.LNKTYPE),
        ("device", tarfile.CHRTYPE),
        ("device", tarfile.BLKTYPE),
        ("pipe", tarfile.FIFOTYPE),
    ],
)
def test_harmful_members_are_refused_by_name_and_nothing_is_left(
    tmp_path: Path, name: str, kind: bytes
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    path = archive(inner, ("good.txt", *REGULAR), (name, kind, b""))
    with pytest.raises(ArtifactError, match="member"):
        extract_model(path, inner / "out")
    assert [p.name for p in inner.iterdir()] == ["model.tar.gz"]
    assert [p.name for p in tmp_path.iterdir()] == ["inner"]


def test_a_link_to_a_member_of_the_archive_is_refused_too(tmp_path: Path) -> None:
    path = archive(tmp_path, ("a", *REGULAR), ("b", tarfile.LNKTYPE, b""), link="a")
    with pytest.raises(ArtifactError, match="'b' is not a plain file"):
        extract_model(path, tmp_path / "out")


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, ("a", *REGULAR), ("a", *REGULAR))
    with pytest.raises(ArtifactError, match="cannot be unpacked"):
        extract_model(path, tmp_path / "out")


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    path = archive(tmp_path, ("zeros", tarfile.REGTYPE, bytes(8_000_000)))
    assert path.stat().st_size < 20_000
    with pytest.raises(ArtifactError, match="more than 1000000 bytes"):
        extract_model(path, tmp_path / "out", Limits(total_bytes=1_000_000))


def test_a_header_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, 6_000_000_000
    path = tmp_path / "model.tar.gz"
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(10_000)))
    with pytest.raises(ArtifactError):
        extract_model(path, tmp_path / "out", Limits(total_bytes=5_000))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, *((f"f{i}", tarfile.REGTYPE, b"") for i in range(11)))
    with pytest.raises(ArtifactError, match="more than 10 members"):
        extract_model(path, tmp_path / "out", Limits(members=10))


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, ("a", tarfile.REGTYPE, os.urandom(100_000)))
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(ArtifactError, match=r"model\.tar\.gz cannot be unpacked"):
        extract_model(path, tmp_path / "out")


@given(st.binary(max_size=2000), st.booleans())
def test_arbitrary_bytes_are_refused_or_give_plain_files(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, packed: bool
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "model.tar.gz"
    path.write_bytes(gzip.compress(data) if packed else data)
    try:
        extract_model(path, folder / "out", Limits(total_bytes=100_000))
    except ArtifactError:
        assert not (folder / "out").exists()


def test_a_folder_that_holds_something_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(ArtifactError):
        extract_model(archive(tmp_path, ("a", *REGULAR)), out)
    assert [p.name for p in out.iterdir()] == ["mine"]
