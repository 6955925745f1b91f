"""Raw values to typed columns."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.schema import Column
from warmfold_features import Cells, typed_column, typed_columns
from warmfold_features.columns import Place, row_place

COLUMNS = (Column("amount", "number"), Column("purpose", "category"))


def number_column(values: Cells, name: str, *, place: Place = row_place) -> NDArray[Any]:
    return typed_column(values, Column(name, "number"), place=place)


def category_column(values: Cells, name: str) -> NDArray[Any]:
    return typed_column(values, Column(name, "category"))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read_back_from_its_text_and_as_json(number: float) -> None:
    assert number_column([repr(number), number], "amount").tolist() == [number, number]


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_is_missing(blank: str | None) -> None:
    assert math.isnan(number_column([blank], "amount")[0])
    assert category_column([blank], "purpose")[0] is None


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "1,5", "0x10", "secret", "--1", "1e", "."])
def test_text_that_is_no_plain_number_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(
        UserError, match=r"row 2, column 'amount': expected a number, found text"
    ) as e:
        number_column(["1", text], "amount")
    assert f"'{text}'" not in str(e.value)


@pytest.mark.parametrize("huge", ["1e309", "-1e309", math.inf, math.nan, 10**400])
def test_numbers_that_are_not_finite_are_refused(huge: object) -> None:
    with pytest.raises(UserError, match="row 1, column 'amount': the number is not finite"):
        number_column([huge], "amount")


@pytest.mark.parametrize(
    "value,kind", [(True, "true or false"), ([1], "a list"), ({"a": 1}, "an object")]
)
def test_other_json_kinds_are_refused_by_kind(value: object, kind: str) -> None:
    with pytest.raises(UserError, match=f"expected a number, found {kind}"):
        number_column([value], "amount")
    with pytest.raises(UserError, match=f"expected text, found {kind}"):
        category_column([value], "purpose")


def test_a_whole_number_is_a_category_code_but_a_fraction_is_not() -> None:
    assert category_column([7], "purpose")[0] == "7"
    with pytest.raises(UserError, match="expected text, found a number; write it as text"):
        category_column([7.5], "purpose")


@given(st.text().filter(lambda text: text.strip()))
def test_category_texts_are_kept_as_they_are(text: str) -> None:
    assert category_column([text], "purpose")[0] == text


def test_rows_become_columns_and_other_keys_are_ignored() -> None:
    made = typed_columns(
        [{"amount": 1, "purpose": "car", "id": 5}, {"amount": None, "purpose": None}], COLUMNS
    )
    assert list(made) == ["amount", "purpose"]
    np.testing.assert_array_equal(made["amount"], [1.0, np.nan])
    assert made["amount"].dtype == np.float64
    assert made["purpose"].tolist() == ["car", None]


def test_a_missing_key_names_row_and_column() -> None:
    with pytest.raises(UserError, match="row 2, column 'purpose': is missing"):
        typed_columns([{"amount": 1, "purpose": "car"}, {"amount": 1}], COLUMNS)


def test_the_caller_says_where_a_row_stands() -> None:
    with pytest.raises(UserError, match=r"^loans\.csv, data row 10, column"):
        number_column(
            ["x"], "amount", place=lambda position: f"loans.csv, data row {position + 10}"
        )


@given(
    st.lists(
        st.one_of(
            st.floats(allow_nan=False, allow_infinity=False).map(repr),
            st.sampled_from(["", "nan", "inf", "1_000", "1e309", " 1", "e", "+-1", "٣"]),
        )
    )
)
def test_a_column_of_texts_is_read_as_its_cells_one_by_one(texts: list[str]) -> None:
    """The fast way for many texts takes and refuses what the way for a single request does."""

    def alone(text: str) -> float | None:
        try:
            return float(number_column([None, text], "amount")[1])
        except UserError:
            return None

    expected = [alone(text) for text in texts]
    if None in expected:
        with pytest.raises(UserError, match=f"^row {expected.index(None) + 1}, column 'amount'"):
            number_column(texts, "amount")
    else:
        np.testing.assert_array_equal(number_column(texts, "amount"), np.array(expected, float))


def test_arrays_out_of_a_file_are_read_by_kind() -> None:
    floats = np.array([1.5, np.nan])
    days = np.array(["1970-01-02T12:00", "NaT"], dtype="M8[us]")
    np.testing.assert_array_equal(number_column(floats, "amount"), floats)
    np.testing.assert_array_equal(typed_column(floats, Column("paid", "money")), floats)
    np.testing.assert_array_equal(typed_column(days, Column("day", "date")), [1.5, np.nan])
    with pytest.raises(UserError, match="row 2, column 'amount': the number is not finite"):
        number_column(np.array([np.nan, np.inf]), "amount")
    with pytest.raises(UserError, match="row 1, column 'purpose': expected text, found a number"):
        category_column(floats, "purpose")
    with pytest.raises(UserError, match="row 1, column 'amount': expected a number, found a date"):
        number_column(days, "amount")
    with pytest.raises(UserError, match="row 1, column 'day': expected an ISO date as text, found"):
        typed_column(floats, Column("day", "date"))
