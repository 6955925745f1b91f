"""Dates and money out of raw values."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.errors import UserError
from warmfold_contract.schema import Column
from warmfold_features import date_text, typed_column

DAY = Column("day", "date")


def days(text: object) -> float:
    return float(typed_column([text], DAY)[0])


def amount(text: object, **declared: str) -> float:
    return float(typed_column([text], Column("price", "money", **declared))[0])


@pytest.mark.parametrize(
    "text,expected",
    [
        ("1970-01-01", 0),
        (" 1969-12-31 ", -1),
        ("2024-02-29", 19782),
        ("1970-01-02T06:00", 1.25),
        ("1970-01-02 06:00:00", 1.25),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1970-01-01T00:00:00.5", 0.5 / 86400),
        ("", math.nan),
        (None, math.nan),
    ],
)
def test_a_date_is_its_days_since_1970_in_utc(text: str | None, expected: float) -> None:
    np.testing.assert_equal(days(text), expected)


@pytest.mark.parametrize(
    "text",
    ["01/02/2024", "2024-13-01", "2023-02-29", "20240101", "2024-W01-1", "2024-01", "٢٠٢٤-01-01"],
)
def test_any_other_text_is_no_date(text: str) -> None:
    with pytest.raises(UserError, match=r"^row 1, column 'day': expected an ISO date") as error:
        days(text)
    assert text not in str(error.value)


def test_a_number_is_no_date_because_its_unit_is_not_known() -> None:
    with pytest.raises(UserError, match="expected an ISO date as text, found a number"):
        days(19782)


@given(st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2140, 1, 1)))  # noqa: DTZ001
def test_a_date_is_written_as_it_is_read_to_the_microsecond(moment: datetime) -> None:
    read = days(moment.isoformat())
    assert days(date_text(read)) == read
    exact = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1)
    assert read == exact


@pytest.mark.parametrize(
    "text,expected",
    [
        ("$1,234.50", 1234.5),
        ("1,234,567", 1234567),
        ("$ 12", 12),
        ("12$", 12),
        (".50", 0.5),
        ("12.", 12),
        ("-$5", -5),
        ("$-5", -5),
        ("5-", -5),
        ("+5", 5),
        ("(12.30)", -12.3),
        ("($1,000)", -1000),
        ("1 234", 1234),
        ("1\u00a0234.5", 1234.5),
        ("1'234", 1234),
        ("", math.nan),
        (None, math.nan),
        (7, 7),
    ],
)
def test_an_amount_is_read_as_its_column_declares(text: object, expected: float) -> None:
    np.testing.assert_equal(amount(text, currency="$"), expected)


@pytest.mark.parametrize(
    "text,expected", [("1.234,50 EUR", 1234.5), ("1.234 EUR", 1234), ("EUR 0,5", 0.5), ("-3", -3)]
)
def test_a_decimal_comma_and_a_currencys_code_can_be_declared(text: str, expected: float) -> None:
    assert amount(text, decimal=",", currency="EUR") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("€5", "5 EUR", "$5$", "-(5)", "--5", "1,23", "12,34.5", "1,234 567", "1.234,50", "5e3"),
        *("(5", "5)", "$", ",", "free", "1..5", "٣"),
    ],
)
def test_what_the_column_does_not_declare_is_no_amount(text: str) -> None:
    with pytest.raises(UserError, match=r"^row 1, column 'price': expected an amount") as error:
        amount(text, currency="$")
    assert f"{text!r}" not in str(error.value)


@given(st.integers(-(10**12), 10**12), st.sampled_from([".", ","]))
def test_amounts_in_cents_are_read_back_in_either_notation(cents: int, decimal: str) -> None:
    text = f"{cents / 100:,.2f}"
    if decimal == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    assert amount(text, decimal=decimal) == cents / 100
