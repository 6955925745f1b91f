"""What a batch transform does with records: mini-batches, filters and joins."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.transform_filters import Filter, RecordError
from warmfold_local.sagemaker.transform_records import Plan, assemble, mini_batches


def plan(**members: Any) -> Plan:
    values = {
        "by_line": True,
        "one_by_one": False,
        "payload_bytes": 20,
        "assemble_lines": True,
        "compressed": False,
        "processing": None,
    }
    return Plan(**{**values, **members})


@given(st.lists(st.text("abc", min_size=1, max_size=12), max_size=30), st.booleans())
def test_mini_batches_hold_every_record_in_order_and_fit_the_payload(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], one_by_one: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "input"
    path.write_text("\r\n".join(lines) + "\n\n", encoding="utf-8")
    batches = list(mini_batches(path, plan(one_by_one=one_by_one)))
    records = [record.decode() for batch in batches for record in batch.records]
    assert records == lines
    assert all(len(batch.body) <= 20 for batch in batches)
    assert [b.first for b in batches] == [
        1 + sum(len(earlier.records) for earlier in batches[:i]) for i in range(len(batches))
    ]
    if one_by_one:
        assert all(len(batch.records) == 1 for batch in batches)


def test_a_record_above_the_payload_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_text("short\n" + "x" * 20 + "\n", encoding="utf-8")
    with pytest.raises(RecordError, match="record 2 is larger than MaxPayloadInMB"):
        list(mini_batches(path, plan()))


def test_an_object_is_sent_whole_without_a_split(tmp_path: Path) -> None:
    path = tmp_path / "input.gz"
    path.write_bytes(gzip.compress(b"a\nb\n"))
    whole = plan(by_line=False, compressed=True, assemble_lines=False)
    (batch,) = mini_batches(path, whole)
    assert batch.body == b"a\nb\n"
    assert assemble(batch, b"reply", whole) == b"reply"


@pytest.mark.parametrize(
    "path, record, expected",
    [
        ("$", {"a": 1}, {"a": 1}),
        ("$.a", {"a": 1, "b": 2}, 1),
        ("$['a','b']", {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}),
        ("$.a.b", {"a": {"b": [1]}}, [1]),
        ("$.*", {"a": 1, "b": 2}, [1, 2]),
        ("$.a[0,-1]", {"a": [1, 2, 3]}, [1, 3]),
        ("$[1:]", ["1", "2", "3"], ["2", "3"]),
        ("$[-1]", ["1", "2", "3"], "3"),
    ],
)
def test_a_filter_selects_as_the_service_documents(path: str, record: Any, expected: Any) -> None:
    assert Filter(path).apply(record) == expected


@pytest.mark.parametrize("path", ["$.b", "$.a.b", "$[0]", "$['a','b']"])
def test_a_record_without_what_the_filter_names_is_an_error(path: str) -> None:
    with pytest.raises(RecordError, match="the record lacks what"):
        Filter(path).apply({"a": "text"})


@pytest.mark.parametrize(
    "path, error",
    [
        ("a.b", ValidationError),
        ("$[", ValidationError),
        ("", ValidationError),
        ("$..a", ValidationError),
        ("$[?(@.x>1)]", ValidationError),
        ("$[0:2]", UnsupportedOperation),
    ],
)
def test_a_filter_that_is_not_offered_is_refused(path: str, error: type[ServiceError]) -> None:
    with pytest.raises(error):
        Filter(path)
