"""Strict CSV: what is doubtful is refused, with its place and without its value."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.errors import UserError
from warmfold_trainer import csv_input
from warmfold_trainer.raw_input import RawChunk, read_chunks

CELL = st.text(st.characters(exclude_characters="\0\r", codec="utf-8"), max_size=6)


def chunks_of(folder: Path, *wanted: str) -> list[RawChunk]:
    return list(read_chunks(folder, wanted))


def write(folder: Path, name: str, content: str | bytes) -> Path:
    folder.mkdir(exist_ok=True)
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    return folder


@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
def test_what_the_csv_module_writes_is_read_back(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("a", "b"), *rows])
    folder = write(tmp_path_factory.mktemp("csv"), "x.csv", text.getvalue())
    (chunk,) = chunks_of(folder, "a", "b")
    assert list(zip(chunk.columns["a"], chunk.columns["b"], strict=True)) == rows


def test_files_are_read_in_the_order_of_their_names_and_rows_know_their_place(
    tmp_path: Path,
) -> None:
    write(tmp_path, "b.csv", "x,y\n3,c\n")
    write(tmp_path, "a.csv", "x,y\n1,a\n2,b\n")
    write(tmp_path, "notes.md", "not data")
    first, second = chunks_of(tmp_path, "x")
    assert [list(chunk.columns["x"]) for chunk in (first, second)] == [["1", "2"], ["3"]]
    assert [first.place(row) for row in range(2)] == ["a.csv, data row 1", "a.csv, data row 2"]
    assert second.place(0) == "b.csv, data row 1"
    assert set(first.columns) == {"x"}


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_at_the_end_change_nothing(
    tmp_path: Path,
) -> None:
    plain = chunks_of(write(tmp_path / "plain", "x.csv", "a,b\n1,2\n"), "b")
    content = b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n"
    other = chunks_of(write(tmp_path / "other", "x.csv", content), "b")
    assert other == plain


@pytest.mark.parametrize(
    "content,fault",
    [
        (b"", "x.csv is empty"),
        (b"\n \n", "x.csv is empty"),
        (b"a,b\n", "x.csv has a header but no data rows"),
        (b"a,b\n\n\n", "x.csv has a header but no data rows"),
        (b"a,b\n1,2\n7\n", "x.csv, data row 2: expected 2 values as in the header, found 1"),
        (b"a,b\n7,8,9\n", "x.csv, data row 1: expected 2 values as in the header, found 3"),
        (b"a,b\n\n1,2\n", "x.csv, data row 1: the row is blank"),
        (b"a,a\n1,2\n", "x.csv: columns 1 and 2 of the header have one name"),
        (b"a;b\n1,5;2\n", "x.csv: the header is one field with semicolons in it; separate the"),
        (b"a\tb\n1\t2\n", "x.csv: the header is one field with tabs in it"),
        (b"a|b\n1|2\n", "x.csv: the header is one field with vertical bars in it"),
        (b"a,\n1,2\n", "x.csv: column 2 of the header has no name"),
        (b"a,b\n1,\xff\n", "x.csv is not UTF-8 at byte offset 6 \\(line 2\\)"),
        (b"\xef\xbb\xbfa,b\n1,\xff\n", "x.csv is not UTF-8 at byte offset 9 \\(line 2\\)"),
        ("a,b\n1,2\n".encode("utf-16"), "x.csv holds a NUL byte at byte offset 3 \\(line 1\\)"),
        (b"a,b\n1,\0\n", "x.csv holds a NUL byte at byte offset 6 \\(line 2\\)"),
        (b'a,b\n1,"2"3\n', "x.csv, line 2: broken CSV"),
        (b'a,b\n1,"2\n', "x.csv, line 2: broken CSV"),
    ],
)
def test_a_doubtful_file_is_refused_with_its_place(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        chunks_of(write(tmp_path / "raw", "x.csv", content))


@pytest.mark.parametrize(
    "header,fault",
    [
        ("a,c", "first at column 2"),
        ("b,a", "the same columns in another order"),
        ("a,b,c", "2 columns against 3"),
    ],
)
def test_files_with_different_headers_are_refused(tmp_path: Path, header: str, fault: str) -> None:
    write(tmp_path, "1.csv", "a,b\n1,2\n")
    write(tmp_path, "2.csv", f"{header}\n{header}\n")
    with pytest.raises(UserError, match=f"2.csv has another header than 1.csv: {fault}"):
        chunks_of(tmp_path)


def test_a_folder_without_csv_or_none_at_all_is_refused(tmp_path: Path) -> None:
    for folder in (write(tmp_path / "raw", "data.txt", "x"), tmp_path / "nowhere"):
        with pytest.raises(
            UserError, match=f"the input {folder.name!r} holds no .csv or .parquet file"
        ):
            chunks_of(folder)


@pytest.fixture
def two_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_input, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(csv_input, "_BLOCK_BYTES", 3)


@pytest.mark.usefixtures("two_rows_at_once")
def test_a_long_file_is_read_in_chunks_that_know_their_place(tmp_path: Path) -> None:
    chunks = chunks_of(write(tmp_path, "x.csv", "a\n1\n2\n3\n4\n5\n\n\n\n"), "a")
    assert [list(chunk.columns["a"]) for chunk in chunks] == [["1", "2"], ["3", "4"], ["5"]]
    assert [chunk.place(0) for chunk in chunks] == [f"x.csv, data row {n}" for n in (1, 3, 5)]


@pytest.mark.usefixtures("two_rows_at_once")
@pytest.mark.parametrize(
    "content,fault",
    [
        (b"a,b\n1,2\n3,4\n5\n", "data row 3: expected 2 values"),
        (b"a,b\n1,2\n3,4\n5,6\n\n\n\n7,8\n", "data row 4: the row is blank"),
        (b"a,b\n1,2\n3,4\n\n\n\n\n", None),
        (b'a,b\n1,2\n3,4\n5,"6\n', "line 4: broken CSV"),
        ("a,b\n1,é\n3,é".encode() + b"\xc3", "not UTF-8 at byte offset 13 .line 3."),
        ("a,b\n1,é\n3,é\n".encode() + b"\xff", "not UTF-8 at byte offset 14 .line 4."),
        (b"a,b\n1,2\n3,4\n5,\0\n", "NUL byte at byte offset 14 .line 4."),
    ],
)
def test_a_fault_is_found_beyond_the_first_chunk(
    tmp_path: Path, content: bytes, fault: str | None
) -> None:
    folder = write(tmp_path / "raw", "x.csv", content)
    if fault is None:
        assert sum(chunk.rows for chunk in chunks_of(folder)) == 2
    else:
        with pytest.raises(UserError, match=fault):
            chunks_of(folder)


def test_a_wanted_column_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^x\.csv lacks the columns \['c'\]"):
        chunks_of(write(tmp_path, "x.csv", "a,b\n1,2\n"), "a", "c")


def test_csv_beside_parquet_is_refused(tmp_path: Path) -> None:
    write(write(tmp_path, "x.csv", "a\n1\n"), "x.parquet", b"")
    with pytest.raises(UserError, match=r"holds both \.csv and \.parquet files"):
        chunks_of(tmp_path, "a")
