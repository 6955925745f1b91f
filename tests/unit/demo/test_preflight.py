"""What is wrong is said before anything is started, all of it at once."""

import os
from pathlib import Path

import pytest

from warmfold.demo.preflight import (
    check,
    data_faults,
    default_data,
    folder_faults,
    training_data_faults,
)
from warmfold.errors import WarmfoldError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    cdk = tmp_path / "node_modules" / "aws-cdk" / "bin" / "cdk"
    cdk.parent.mkdir(parents=True)
    cdk.touch()
    return tmp_path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    return path


def test_a_good_set_up_passes(root: Path, data: Path) -> None:
    check(root, data)


def test_a_missing_data_file_is_named_with_a_remedy(root: Path) -> None:
    with pytest.raises(WarmfoldError, match=r"nowhere\.csv does not exist: .*--data"):
        check(root, root / "nowhere.csv")


def test_an_empty_data_file_is_refused(root: Path, data: Path) -> None:
    data.write_bytes(b"")
    with pytest.raises(WarmfoldError, match="is empty"):
        check(root, data)


def test_a_folder_is_no_data_file(tmp_path: Path) -> None:
    assert list(data_faults(tmp_path)) == [
        f"data file {tmp_path} is not a file: name a CSV or Parquet file by --data"
    ]


@pytest.mark.parametrize("name", ["data.txt", "data.csv.gz"])
def test_a_file_that_no_run_reads_is_refused_by_its_name(data: Path, name: str) -> None:
    path = data.rename(data.with_name(name))
    assert list(training_data_faults(path)) == [
        (
            f"data file {path}: a run reads only files whose names end with .csv or .parquet: "
            "rename it, or name another one by --data"
        )
    ]


def test_the_case_of_a_data_files_name_does_not_matter(data: Path) -> None:
    assert list(training_data_faults(data.rename(data.with_name("DATA.CSV")))) == []


def test_everything_that_is_missing_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WarmfoldError) as raised:
        check(tmp_path, tmp_path / "nowhere.csv")
    for fault in ("nowhere.csv does not exist", "run `make setup`", "install Node.js 20"):
        assert fault in str(raised.value)


def test_an_old_node_is_refused_with_its_version(
    root: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = root / "node"
    node.write_text("#!/bin/sh\necho v18.19.0\n", encoding="utf-8")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(root))
    with pytest.raises(WarmfoldError, match=r"is Node\.js v18\.19\.0: install 20 or newer"):
        check(root, data)


def test_the_projects_only_csv_is_the_default(root: Path) -> None:
    folder = root / "data"
    folder.mkdir()
    with pytest.raises(WarmfoldError, match="no CSV file"):
        default_data(root)
    (folder / "one.csv").touch()
    assert default_data(root) == folder / "one.csv"
    (folder / "two.csv").touch()
    with pytest.raises(WarmfoldError, match="2 CSV files"):
        default_data(root)


def test_folders_that_can_be_made_are_no_fault_and_are_not_made(tmp_path: Path) -> None:
    new = tmp_path / "not" / "there"
    assert list(folder_faults(new / "images", new / "state", new / "report.html")) == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_a_folder_is_named_with_a_remedy(root: Path, data: Path) -> None:
    faults = folder_faults(data / "images", data / "state", data / "report.html")
    with pytest.raises(WarmfoldError) as raised:
        check(root, data, faults)
    said = str(raised.value).splitlines()
    instead = ", not a folder: move it, or name another one by"
    assert said == [
        f"images folder {data}/images: {data} is a file, not a folder: move it",
        f"state folder {data}/state: {data} is a file{instead} --state-dir",
        f"report folder {data}: {data} is a file{instead} --report",
    ]


def test_a_folder_that_cannot_be_written_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's answer is replaced: the superuser, who may run the tests, may write anywhere."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK and path == tmp_path)
    faults = list(folder_faults(tmp_path / "images", tmp_path, tmp_path / "report.html"))
    said = f"{tmp_path} cannot be written: allow it"
    assert faults == [
        f"images folder {tmp_path}/images: {said}",
        f"state folder {tmp_path}: {said}, or name another one by --state-dir",
        f"report folder {tmp_path}: {said}, or name another one by --report",
    ]


def test_a_report_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    [fault] = folder_faults(tmp_path, tmp_path, tmp_path)
    assert fault == f"report {tmp_path} is a folder: name a file by --report"
