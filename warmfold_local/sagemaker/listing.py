"""Filters, order and pages that the List operations share.

A List operation hands its request and records here; ``protocol.encode`` then keeps of each
record what the summary shape names, so a record may be as full as its Describe answer.
"""

import base64
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from warmfold_local.cloud import Record
from warmfold_local.errors import ValidationError

# "The default value is 10" (botocore's documentation of MaxResults, most List operations).
DEFAULT_PAGE = 10

# The request's time filters, and the comparison each asks for.
_TIME_FILTERS: dict[str, tuple[str, Callable[[datetime, datetime], bool]]] = {
    "CreationTimeAfter": ("CreationTime", lambda value, limit: value >= limit),
    "CreationTimeBefore": ("CreationTime", lambda value, limit: value <= limit),
    "LastModifiedTimeAfter": ("LastModifiedTime", lambda value, limit: value >= limit),
    "LastModifiedTimeBefore": ("LastModifiedTime", lambda value, limit: value <= limit),
}


def list_page(
    request: dict[str, Any],
    records: Iterable[Record],
    *,
    result: str,
    name: str,
    status: str | None = None,
    sort_by: dict[str, str] | None = None,
    default_sort: str = "CreationTime",
    default_order: str = "Descending",
) -> dict[str, Any]:
    """One page, as ``{result: [...], "NextToken": ...}``.

    ``name`` and ``status`` are the record's members behind ``NameContains``, ``StatusEquals`` and
    the sort keys ``Name`` and ``Status``; ``sort_by`` adds or overrides sort keys. Raises
    ``ValidationError`` for a token that is not ours.
    """
    keys = {"Name": name, "CreationTime": "CreationTime", "LastModifiedTime": "LastModifiedTime"}
    keys |= {"Status": status} if status is not None else {}
    keys |= sort_by or {}
    field = keys.get(request.get("SortBy", default_sort), "CreationTime")

    def position(record: Record) -> list[Any]:
        return [_sortable(record.get(field)), str(record[name])]

    descending = request.get("SortOrder", default_order) == "Descending"
    found = [r for r in records if _matches(request, r, name, status)]
    found.sort(key=position, reverse=descending)
    if request.get("NextToken") is not None:
        found = _behind(_decode(request["NextToken"]), found, position, descending=descending)
    size = int(request.get("MaxResults", DEFAULT_PAGE))
    page: dict[str, Any] = {result: found[:size]}
    if len(found) > size:
        page["NextToken"] = _encode(position(found[size - 1]))
    return page


def _behind(
    last: list[Any],
    records: list[Record],
    position: Callable[[Record], list[Any]],
    *,
    descending: bool,
) -> list[Record]:
    """Those that come after the last one of the page before."""
    try:
        return [r for r in records if (position(r) < last if descending else position(r) > last)]
    except TypeError as error:
        raise ValidationError("Invalid NextToken") from error


def as_datetime(value: object) -> datetime:
    """A timestamp of a request: JSON 1.1 sends epoch seconds, an internal caller a datetime.

    Raises ``ValidationError`` for what is no time.
    """
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return datetime.fromtimestamp(float(str(value)), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ValidationError(f"{value!r} is not a timestamp.") from error


def _matches(request: dict[str, Any], record: Record, name: str, status: str | None) -> bool:
    contains = request.get("NameContains")
    if contains is not None and contains not in str(record[name]):
        return False
    wanted = request.get("StatusEquals")
    if wanted is not None and status is not None and record.get(status) != wanted:
        return False
    return all(
        compare(record.get(field) or record["CreationTime"], as_datetime(request[key]))
        for key, (field, compare) in _TIME_FILTERS.items()
        if request.get(key) is not None
    )


def _sortable(value: object) -> float | str:
    """A JSON value that sorts like ``value``: a missing number or time comes first."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, int | float):
        return float(value)
    return value if isinstance(value, str) else 0.0


def _encode(position: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _decode(token: str) -> list[Any]:
    try:
        position = json.loads(base64.urlsafe_b64decode(token.encode()))
    except ValueError as error:
        raise ValidationError("Invalid NextToken") from error
    if not isinstance(position, list) or [type(part) for part in position[1:]] != [str]:
        raise ValidationError("Invalid NextToken")
    return position
