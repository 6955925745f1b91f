"""Pages of the List operations: complete, in order, steady while records come and go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.listing import as_datetime, list_page

START = datetime(2026, 1, 1, tzinfo=UTC)
RECORDS = st.lists(st.integers(0, 5), max_size=25).map(
    lambda hours: [record(index, hour) for index, hour in enumerate(hours)]
)


def record(index: int, hour: int = 0, status: str = "InService") -> dict[str, Any]:
    return {
        "Name": f"name-{index:02d}",
        "CreationTime": START + timedelta(hours=hour),
        "Status": status,
    }


def page(records: list[dict[str, Any]], **request: Any) -> dict[str, Any]:
    return list_page(request, records, result="Items", name="Name", status="Status")


def names(records: list[dict[str, Any]], **request: Any) -> list[str]:
    """Over all pages."""
    found, token = [], None
    while True:
        answer = page(records, **request, **({"NextToken": token} if token else {}))
        found += [item["Name"] for item in answer["Items"]]
        token = answer.get("NextToken")
        if token is None:
            return found


@given(
    records=RECORDS,
    size=st.integers(1, 7),
    sort_by=st.sampled_from(["Name", "CreationTime", "Status"]),
    order=st.sampled_from(["Ascending", "Descending"]),
)
def test_pages_together_are_the_whole_list_in_order(
    records: list[dict[str, Any]], size: int, sort_by: str, order: str
) -> None:
    expected = sorted(records, key=lambda r: (r[sort_by], r["Name"]), reverse=order == "Descending")
    found = names(records, MaxResults=size, SortBy=sort_by, SortOrder=order)
    assert found == [r["Name"] for r in expected]


@given(records=RECORDS.filter(lambda r: len(r) > 3))
def test_a_deleted_record_between_pages_hides_no_other(records: list[dict[str, Any]]) -> None:
    first = page(records, MaxResults=2, SortOrder="Ascending")
    gone = first["Items"][-1]
    left = [r for r in records if r is not gone]
    rest = page(left, MaxResults=50, SortOrder="Ascending", NextToken=first["NextToken"])
    seen = {item["Name"] for item in first["Items"] + rest["Items"]}
    assert seen == {r["Name"] for r in records}


def test_ten_newest_first_is_the_default() -> None:
    records = [record(index, hour=index) for index in range(12)]
    answer = page(records)
    assert [item["Name"] for item in answer["Items"]] == [f"name-{i:02d}" for i in range(11, 1, -1)]


def test_records_are_filtered_by_name_status_and_time() -> None:
    records = [record(1, 1), record(2, 2, "Failed"), record(12, 3)]
    assert names(records, NameContains="name-1", SortBy="Name", SortOrder="Ascending") == [
        "name-12"
    ]
    assert names(records, NameContains="2", StatusEquals="Failed") == ["name-02"]
    after = (START + timedelta(hours=2)).timestamp()
    assert names(records, CreationTimeAfter=after) == ["name-12", "name-02"]
    assert names(records, CreationTimeBefore=after, SortOrder="Ascending") == ["name-01", "name-02"]
    assert names(records, LastModifiedTimeAfter=after) == ["name-12", "name-02"]


@pytest.mark.parametrize("token", ["", "nonsense", "bnVsbA==", "WzEsMl0=", "WyJhIiwiYiJd"])
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match="Invalid NextToken"):
        page([record(1)], NextToken=token)


def test_timestamps_come_as_numbers_texts_or_datetimes() -> None:
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert as_datetime(moment.timestamp()) == moment
    assert as_datetime(moment.isoformat()) == moment
    assert as_datetime(moment) is moment
