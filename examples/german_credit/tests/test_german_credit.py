"""The project's own tests: features row by row, and nothing protected among them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from german_credit.features import (
    NOT_USED,
    ORDERED,
    amount_per_month,
    features,
    levels,
)
from german_credit.project import PROJECT
from warmfold_features import encode, infer_features, project_features, typed_columns

Rows = list[dict[str, str]]

DATA = Path(__file__).parents[1] / "data" / "german_credit.csv"


@pytest.fixture(scope="module")
def rows() -> Rows:
    with DATA.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_project_declares_every_column_of_the_data(rows: Rows) -> None:
    assert [*(column.name for column in PROJECT.columns), PROJECT.target] == list(rows[0])


def test_the_sample_of_applicants_is_the_first_rows_of_the_data_without_the_outcome(
    rows: Rows,
) -> None:
    lines = DATA.with_name("applicants.jsonl").read_text(encoding="utf-8").splitlines()
    sample = [json.loads(line) for line in lines]
    for applicant, row in zip(sample, rows[:5], strict=True):
        assert {name: str(value) for name, value in applicant.items()} == {
            name: value for name, value in row.items() if name != PROJECT.target
        }


def test_the_labels_are_those_of_the_data(rows: Rows) -> None:
    assert {row["creditability"] for row in rows} == {
        PROJECT.positive_label,
        PROJECT.negative_label,
    }


def test_every_ordered_text_occurs_in_the_data_and_only_unknown_is_missing(rows: Rows) -> None:
    for name, order in ORDERED.items():
        texts = {row[name] for row in rows}
        assert set(order) <= texts
        assert all("unknown" in text for text in texts - set(order))


def test_protected_attributes_change_no_feature(rows: Rows) -> None:
    plain = features(typed_columns(rows[:50], PROJECT.columns))
    changed = [{**row, **dict.fromkeys(NOT_USED, "something else")} for row in rows[:50]]
    other = features(typed_columns(changed, PROJECT.columns))
    assert set(plain).isdisjoint(NOT_USED)
    for name, values in plain.items():
        np.testing.assert_array_equal(values, other[name])


def test_a_row_alone_has_the_features_it_has_among_others(rows: Rows) -> None:
    columns = typed_columns(rows, PROJECT.columns)
    together = project_features(PROJECT, columns, len(rows))
    schema = infer_features(together)
    matrix = encode(together, schema)
    for position in range(0, len(rows), 97):
        alone = features(typed_columns(rows[position : position + 1], PROJECT.columns))
        np.testing.assert_array_equal(encode(alone, schema)[0], matrix[position])


def test_an_applicant_of_whom_nothing_is_known_has_features_without_values() -> None:
    empty = {column.name: None for column in PROJECT.columns}
    made = features(typed_columns([empty], PROJECT.columns))
    schema = infer_features(made)
    assert np.isnan(encode(made, schema)).all()


def test_amount_per_month_is_missing_without_a_duration() -> None:
    made = amount_per_month(np.array([600.0, 600.0, np.nan]), np.array([12.0, 0.0, 12.0]))
    np.testing.assert_array_equal(made, [50.0, np.nan, np.nan])


def test_levels_follow_the_order_and_leave_unknown_texts_missing() -> None:
    texts = np.array(["low", "high", "?", None], dtype=object)
    np.testing.assert_array_equal(levels(texts, {"low": 0, "high": 1}), [0, 1, np.nan, np.nan])
