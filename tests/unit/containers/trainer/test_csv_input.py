"""Strict CSV: what is doubtful is refused, with its place and without its value."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.errors import UserError
from warmfold_trainer.csv_input import read_csv_folder

CELL = st.text(st.characters(exclude_characters="\0\r", codec="utf-8"), max_size=6)


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
    table = read_csv_folder(folder)
    assert list(zip(table.columns["a"], table.columns["b"], strict=True)) == rows


def test_files_are_read_in_the_order_of_their_names_and_rows_know_their_place(
    tmp_path: Path,
) -> None:
    write(tmp_path, "b.csv", "x,y\n3,c\n")
    write(tmp_path, "a.csv", "x,y\n1,a\n2,b\n")
    write(tmp_path, "notes.md", "not data")
    table = read_csv_folder(tmp_path)
    assert table.columns["x"] == ("1", "2", "3")
    assert [table.place(row) for row in range(3)] == [
        "a.csv, data row 1",
        "a.csv, data row 2",
        "b.csv, data row 1",
    ]
    assert table.rows == 3


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_at_the_end_change_nothing(
    tmp_path: Path,
) -> None:
    plain = read_csv_folder(write(tmp_path / "plain", "x.csv", "a,b\n1,2\n"))
    other = read_csv_folder(write(tmp_path / "other", "x.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n"))
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
        read_csv_folder(write(tmp_path / "raw", "x.csv", content))


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
        read_csv_folder(tmp_path)


def test_a_folder_without_csv_or_none_at_all_is_refused(tmp_path: Path) -> None:
    for folder in (write(tmp_path / "raw", "data.txt", "x"), tmp_path / "nowhere"):
        with pytest.raises(UserError, match=f"the input {folder.name!r} holds no .csv file"):
            read_csv_folder(folder)
