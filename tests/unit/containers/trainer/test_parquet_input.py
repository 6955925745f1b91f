"""Parquet: the same data gives the same bytes as CSV, and what cannot be read is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arro3.core import Array, DataType, Table, list_array
from arro3.io import write_parquet

from tests.unit.containers.trainer.loans import CLASSIFICATION, REGRESSION, raw_rows, write_csv
from warmfold_contract.errors import UserError
from warmfold_contract.schema import Column
from warmfold_features import typed_column
from warmfold_trainer import parquet_input
from warmfold_trainer.raw_data import read_raw_data
from warmfold_trainer.raw_input import read_chunks

FLOAT, INTEGER, TEXT = DataType.float64(), DataType.int64(), DataType.string()
MONEY = DataType.decimal128(12, 2)
DATE, MOMENT = DataType.date32(), DataType.timestamp("us")
SHARED = DataType.dictionary(DataType.int32(), TEXT)


def array(values: list[Any], stored: DataType, *, made: DataType | None = None) -> Array:
    """Values stored as one type, made of another that arro3 takes from Python."""
    return Array(values, stored) if made is None else Array(values, made).cast(stored)


def write(path: Path, **columns: Array) -> Path:
    """The folder of a new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(Table.from_pydict({**columns}), path)
    return path.parent


def read(folder: Path, kind: Any) -> list[Any]:
    """Column ``x`` of the files in the folder, as a features function would get it."""
    made: list[Any] = []
    for chunk in read_chunks(folder, ["x"]):
        column = typed_column(chunk.columns["x"], Column("x", kind), place=chunk.place)
        made += column.tolist()
    return made


@pytest.mark.parametrize(
    "stored,kind,expected",
    [
        (array([1.5, None], FLOAT), "number", [1.5, np.nan]),
        (array([1.5, float("nan")], FLOAT), "number", [1.5, np.nan]),
        (array([2, 3], DataType.uint8()), "number", [2.0, 3.0]),
        (array([2, None], INTEGER), "number", [2.0, np.nan]),
        (array(["7", " "], TEXT), "number", [7.0, np.nan]),
        (array([1.5, None], MONEY, made=FLOAT), "number", [1.5, np.nan]),
        (array([1.5, None], MONEY, made=FLOAT), "money", [1.5, np.nan]),
        (array(["(3.5)", None], TEXT), "money", [-3.5, np.nan]),
        (array(["car", None, ""], TEXT), "category", ["car", None, None]),
        (array(["car", "home", "car"], SHARED, made=TEXT), "category", ["car", "home", "car"]),
        (array([7, None], INTEGER), "category", ["7", None]),
        (array([True, None], DataType.bool()), "category", ["true", None]),
        (array([2, -1, None], DATE, made=DataType.int32()), "date", [2.0, -1.0, np.nan]),
        (array([43_200_000_000, None], MOMENT, made=INTEGER), "date", [0.5, np.nan]),
        (
            array([3_600_000_000_000], DataType.timestamp("ns", tz="Asia/Tokyo"), made=INTEGER),
            "date",
            [1 / 24],
        ),
        (array(["1970-01-02", None], TEXT), "date", [1.0, np.nan]),
    ],
)
def test_a_stored_type_is_read_as_the_declared_kind(
    tmp_path: Path, stored: Array, kind: str, expected: list[Any]
) -> None:
    np.testing.assert_equal(read(write(tmp_path / "x.parquet", x=stored), kind), expected)


@pytest.mark.parametrize(
    "stored,kind,fault",
    [
        (array([1.0, float("inf")], FLOAT), "number", "row 2, column 'x': the number is not fin"),
        (array(["1", "many"], TEXT), "number", "data row 2, column 'x': expected a number"),
        (
            array([None, True], DataType.bool()),
            "number",
            "row 2, column 'x': expected a number, found true or false; write numbers, and null",
        ),
        (array([False], DataType.bool()), "date", "ISO date as text, found true or false"),
        (array([1.0], FLOAT), "category", "expected text, found a number"),
        (array([1], DATE, made=DataType.int32()), "number", "expected a number, found a date"),
        (array([1], INTEGER), "date", "expected an ISO date as text, found a number"),
    ],
)
def test_another_type_than_declared_is_refused(
    tmp_path: Path, stored: Array, kind: str, fault: str
) -> None:
    with pytest.raises(UserError, match=fault) as caught:
        read(write(tmp_path / "x.parquet", x=stored), kind)
    assert str(caught.value).startswith("x.parquet")
    assert "many" not in str(caught.value)


def test_all_columns_whose_types_cannot_be_read_are_named(tmp_path: Path) -> None:
    lists = list_array(np.array([0, 1], dtype=np.int32), array([1], INTEGER))
    bytes_ = array([b"a"], DataType.binary())
    folder = write(tmp_path / "x.parquet", x=bytes_, y=array([1], INTEGER), z=lists, other=bytes_)
    expected = (
        r"^x\.parquet: .* cannot be read: 'x' \(Binary\), 'z' \(List.*\); write numbers, text"
    )
    with pytest.raises(UserError, match=expected):
        list(read_chunks(folder, ["x", "y", "z"]))


def test_the_first_fault_of_each_column_is_told(tmp_path: Path) -> None:
    columns = (Column("a", "number"), Column("b", "category"), Column("c", "number"))
    project = replace(CLASSIFICATION, columns=columns, target="y", group=None, time=None)
    folder = write(
        tmp_path / "x.parquet",
        a=array([None, True, False], DataType.bool()),
        b=array([1.5, 2.5, None], FLOAT),
        c=array([1, 2, None], INTEGER),
        y=array(["1", None, "maybe"], TEXT),
    )
    with pytest.raises(UserError) as caught:
        read_raw_data(folder, project)
    a, b, y = str(caught.value).splitlines()
    assert a == (
        "x.parquet, data row 2, column 'a': expected a number, found true or false; write "
        "numbers, and null for a missing one"
    )
    assert b.startswith("x.parquet, data row 1, column 'b': expected text, found a number; write")
    assert "2 rows do not (1 null, 1 another value): x.parquet, data row 2; x.parquet, da" in y


def test_many_faults_are_counted(tmp_path: Path) -> None:
    declared = tuple(Column(f"c{number}", "number") for number in range(7))
    project = replace(CLASSIFICATION, columns=declared, target="y", group=None, time=None)
    bad = {column.name: array(["none", "0"], TEXT) for column in declared}
    folder = write(tmp_path / "x.parquet", **bad, y=array(["1", "0"], TEXT))
    with pytest.raises(UserError) as caught:
        read_raw_data(folder, project)
    *shown, rest = str(caught.value).splitlines()
    assert [line.partition("'")[2][:2] for line in shown] == ["c0", "c1", "c2", "c3", "c4"]
    assert rest == "2 more columns are at fault"


def test_several_files_are_read_in_chunks_that_know_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_input, "ROWS_AT_ONCE", 2)
    write(tmp_path / "b.parquet", x=array([4], INTEGER))
    write(tmp_path / "a.parquet", x=array([1, 2, 3], INTEGER))
    chunks = list(read_chunks(tmp_path, ["x"]))
    assert [(chunk.place(0), list(chunk.columns["x"])) for chunk in chunks] == [
        ("a.parquet, data row 1", [1, 2]),
        ("a.parquet, data row 3", [3]),
        ("b.parquet, data row 1", [4]),
    ]


def test_the_same_rows_as_csv_give_the_same_data(tmp_path: Path) -> None:
    rows = raw_rows()
    texts = {name: [row[name] or None for row in rows] for name in rows[0]}
    columns = {name: array(values, TEXT) for name, values in texts.items()}
    incomes = [None if text is None else float(text) for text in texts["income"]]
    columns["income"] = array(incomes, FLOAT)
    columns["bad"] = array([int(row["bad"]) for row in rows], INTEGER)
    folder = write(tmp_path / "parquet" / "loans.parquet", **columns)
    first = read_raw_data(write_csv(tmp_path / "csv", rows), CLASSIFICATION)
    other = read_raw_data(folder, CLASSIFICATION)
    assert first.fingerprint == other.fingerprint
    np.testing.assert_equal(dict(first.columns), dict(other.columns))
    np.testing.assert_array_equal(first.split.target, other.split.target)


@pytest.mark.parametrize(
    "stored,expected",
    [
        (array(["1", "0"], TEXT), [1, 0]),
        (array([1, 0], INTEGER), [1, 0]),
        (array([1.0, 0.0], FLOAT), [1, 0]),
    ],
)
def test_labels_may_be_stored_as_numbers(
    tmp_path: Path, stored: Array, expected: list[int]
) -> None:
    project = replace(CLASSIFICATION, columns=(), target="x", group=None, time=None)
    raw = read_raw_data(write(tmp_path / "x.parquet", x=stored), project)
    assert raw.split.target.tolist() == expected


@pytest.mark.parametrize(
    "stored,expected",
    [
        (array([86_400_000_000, 0], MOMENT, made=INTEGER), [1.0, 0.0]),
        (array([2, 1], DATE, made=DataType.int32()), [2.0, 1.0]),
        (array([7, 5], INTEGER), [7.0, 5.0]),
        (array([0.5, 0.25], FLOAT), [0.5, 0.25]),
        (array(["1970-01-02", "1970-01-01"], TEXT), [1.0, 0.0]),
        (array(["12", "11.5"], TEXT), [12.0, 11.5]),
    ],
)
def test_times_may_be_stored_as_dates_moments_or_numbers(
    tmp_path: Path, stored: Array, expected: list[float]
) -> None:
    project = replace(CLASSIFICATION, columns=(), target="y")
    customers = array([70, 70], INTEGER)
    columns = {"y": array(["1", "0"], TEXT), "signed": stored, "customer": customers}
    split = read_raw_data(write(tmp_path / "x.parquet", **columns), project).split
    assert split.time is not None
    assert split.group is not None
    assert (split.time.tolist(), split.group.tolist()) == (expected, [0, 0])


def test_labels_may_be_true_and_false(tmp_path: Path) -> None:
    project = replace(
        CLASSIFICATION,
        columns=(),
        target="x",
        positive_label="true",
        negative_label="false",
        group=None,
        time=None,
    )
    stored = array([False, True], DataType.bool())
    raw = read_raw_data(write(tmp_path / "x.parquet", x=stored), project)
    assert raw.split.target.tolist() == [0, 1]


def test_a_missing_label_is_null(tmp_path: Path) -> None:
    project = replace(CLASSIFICATION, columns=(), target="x", group=None, time=None)
    folder = write(tmp_path / "x.parquet", x=array([1.0, None, 2.5], FLOAT))
    with pytest.raises(
        UserError, match=r"2 rows do not .1 null, 1 another value.: x\.parquet, data"
    ):
        read_raw_data(folder, project)


def test_an_infinite_label_is_another_value(tmp_path: Path) -> None:
    project = replace(CLASSIFICATION, columns=(), target="x", group=None, time=None)
    folder = write(tmp_path / "x.parquet", x=array([1.0, float("inf"), -float("inf")], FLOAT))
    with pytest.raises(
        UserError, match=r"2 rows do not .0 null, 2 another value.: x\.parquet, data"
    ):
        read_raw_data(folder, project)


def test_missing_groups_times_and_targets_are_null_and_told_together(tmp_path: Path) -> None:
    project = replace(REGRESSION, columns=(), target="y", group="g", time="t")
    folder = write(
        tmp_path / "x.parquet",
        y=array([1.0, None, 2.5], FLOAT),
        g=array([1, 2, None], INTEGER),
        t=array([None, 2, 3], INTEGER),
    )
    with pytest.raises(UserError) as caught:
        read_raw_data(folder, project)
    said = str(caught.value)
    assert "the target column 'y' is null in 1 rows, and every row needs a value: x.parquet" in said
    assert "the group column 'g' is null in 1 rows" in said
    assert "the time column 't' is null in 1 rows" in said
    assert "blank" not in said


def cut(content: bytes) -> bytes:
    return content[:-20]


def overwritten(content: bytes) -> bytes:
    """Still has its magic bytes, and a footer that means nothing."""
    return content[:-60] + b"\xff" * 52 + content[-8:]


@pytest.mark.parametrize("damage", [cut, overwritten, lambda _: b"", lambda _: b"a,b\n1,2\n"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "x.parquet"
    write(path, x=array([1, 2], INTEGER))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"^x\.parquet is damaged, or no Parquet file"):
        read(tmp_path, "number")


def test_a_page_that_aborts_the_readers_process_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write(path, x=array(["a", "b", "a", None], TEXT))
    # The width of the dictionary's indices, in bits.
    path.write_bytes(path.read_bytes().replace(b"\x03\x07\x01\x03\x02", b"\xff\x07\x01\x03\x02"))
    with pytest.raises(UserError, match=r"^x\.parquet is damaged, or no Parquet file"):
        read(tmp_path, "category")


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^x\.parquet holds no rows"):
        read(write(tmp_path / "x.parquet", x=array([], INTEGER)), "number")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^x\.parquet lacks the columns \['x'\]"):
        read(write(tmp_path / "x.parquet", y=array([1], INTEGER)), "number")
