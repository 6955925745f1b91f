"""One raw value, as CSV text or JSON, by its column's kind.

Each function raises ``ValueError`` whose text says what is wrong, never the value.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from warmfold_contract.schema import Column

Cell = float | str | None

# `float()` alone also takes "nan", "infinity" and "1_000", none of which a data file should mean.
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")

# ISO 8601's calendar dates and times; `fromisoformat` alone also takes week dates and more.
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
MICROSECONDS_A_DAY = 86_400_000_000

# What may part thousands beside the comma or point that is not the decimal sign.
_THOUSANDS = "' \u00a0\u202f"


def parser_of(column: Column) -> Callable[[object], Cell]:
    """What reads one value of this column."""
    if column.kind == "category":
        return category
    if column.kind == "money":
        pattern = _money_pattern(column.decimal, column.currency)
        return lambda value: money(value, pattern, column.decimal)
    return date_days if column.kind == "date" else number


def number(value: object) -> float:
    """Blank text and ``None`` are NaN."""
    if value is None:
        return math.nan
    if isinstance(value, str):
        return _number_of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, found {_kind(value)}")  # noqa: TRY004
    return _finite(value)


def category(value: object) -> str | None:
    """Blank text and ``None`` are ``None``, whole numbers (codes) become their text."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"expected text, found {_kind(value)}")


def date_days(value: object) -> float:
    """Days since 1970-01-01 in UTC, which a time without an offset is taken to be in."""
    if value is None:
        return math.nan
    if not isinstance(value, str):
        raise ValueError(f"expected an ISO date as text, found {_kind(value)}")  # noqa: TRY004
    text = value.strip()
    if not text:
        return math.nan
    moment = _moment(text)
    if moment is None:
        raise ValueError("expected an ISO date like 2024-03-01, found other text")
    return (moment - _EPOCH) / _DAY


def date_text(days: float) -> str:
    """What ``date_days`` reads as ``days``: a date, or to the microsecond a date and time."""
    whole = math.floor(days)
    moment = _EPOCH + timedelta(days=whole, microseconds=round((days - whole) * MICROSECONDS_A_DAY))
    text = moment.replace(tzinfo=None).isoformat()
    return text.removesuffix("T00:00:00")


def money(value: object, pattern: re.Pattern[str], decimal: str) -> float:
    """An amount as its column declares it; a number is the amount itself."""
    if not isinstance(value, str):
        return number(value)
    text = value.strip()
    if not text:
        return math.nan
    match = pattern.fullmatch(text)
    found = {} if match is None else {key: text for key, text in match.groupdict().items() if text}
    signs = len({"open", "first", "second", "last"} & found.keys())
    if match is None or signs > 1 or {"before", "after"} <= found.keys():
        raise ValueError("expected an amount in the column's currency and decimal sign")
    digits = re.sub(f"[^0-9{re.escape(decimal)}]", "", found["amount"]).replace(decimal, ".")
    amount = _finite(digits)
    negative = "open" in found or "-" in (found.get(key) for key in ("first", "second", "last"))
    return -amount if negative else amount


@lru_cache
def _money_pattern(decimal: str, currency: str) -> re.Pattern[str]:
    thousands = f"[{re.escape((',' if decimal == '.' else '.') + _THOUSANDS)}]"
    point = re.escape(decimal)
    whole = rf"(?:[0-9]{{1,3}}(?P<parted>{thousands})[0-9]{{3}}(?:(?P=parted)[0-9]{{3}})*|[0-9]+)"
    amount = rf"(?P<amount>{whole}(?:{point}[0-9]*)?|{point}[0-9]+)"
    before, after = (
        (rf"(?P<{name}>{re.escape(currency)})?\s*" if currency else "")
        for name in ("before", "after")
    )
    return re.compile(
        rf"(?P<open>\()?(?P<first>[-+])?\s*{before}(?P<second>[-+])?{amount}\s*{after}"
        rf"(?P<last>-)?(?(open)\))"
    )


def _number_of_text(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return _finite(text)
    if not text.strip():
        return math.nan
    raise ValueError("expected a number, found text")


def _moment(text: str) -> datetime | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _finite(value: float | str) -> float:
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ValueError("the number is not finite (NaN, infinite or beyond 1.8e308)")
    return result


def _kind(value: object) -> str:
    """A JSON value's kind in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, datetime):
        return "a date"
    return "a list" if isinstance(value, list | tuple) else "text"
