"""Raw files to feature sets, by the functions that the processing job calls."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.containers.trainer.loans import (
    CLASSIFICATION,
    REGRESSION,
    changed,
    plain_values,
    raw_rows,
    write_csv,
)
from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns, Project
from warmfold_features import encode, project_features, typed_columns
from warmfold_trainer import csv_input, feature_building
from warmfold_trainer.feature_building import BuiltSets, build_feature_sets
from warmfold_trainer.feature_set import read_feature_set, write_feature_sets
from warmfold_trainer.process import request_lines
from warmfold_trainer.raw_data import RawData, read_raw_data
from warmfold_trainer.splits import SplitPlan

ROWS = raw_rows()
GROUPED = SplitPlan(folds=3, holdout_fraction=0.2, seed=1, assignment="grouped")
TIME = replace(GROUPED, assignment="time")
UNGROUPED = replace(CLASSIFICATION, group=None)


def raw_of(folder: Path, project: Project, rows: list[dict[str, str]]) -> RawData:
    return read_raw_data(write_csv(folder / "raw", rows), project)


def built(folder: Path, project: Project, plan: SplitPlan = GROUPED) -> BuiltSets:
    return build_feature_sets(project, raw_of(folder, project, ROWS), plan)


@pytest.fixture
def few_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_input, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(feature_building, "ROWS_AT_ONCE", 7)


def test_each_kind_of_column_reaches_the_features_as_promised(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, CLASSIFICATION, ROWS)
    assert {name: values.dtype.kind for name, values in raw.columns.items()} == {
        "income": "f",
        "purpose": "O",
        "opened": "f",
        "price": "f",
    }
    row = next(place for place, row in enumerate(ROWS) if all(row.values()))
    opened = np.datetime64("1970-01-01") + int(raw.columns["opened"][row])
    assert str(opened) == ROWS[row]["opened"]
    assert f"${raw.columns['price'][row]:,.2f}" == ROWS[row]["price"]


def test_every_feature_set_is_written_once_beside_what_they_share(tmp_path: Path) -> None:
    sets = built(tmp_path, CLASSIFICATION)
    write_feature_sets(tmp_path / "train", sets.train)
    default = read_feature_set(tmp_path / "train", with_folds=True)
    other = read_feature_set(tmp_path / "train", "plain", with_folds=True)
    assert [feature.name for feature in other.schema.features] == ["price_to_income"]
    assert (default.feature_set, other.feature_set) == ("default", "plain")
    np.testing.assert_array_equal(default.row_id, other.row_id)
    assert default.fold_hash == other.fold_hash
    np.testing.assert_array_equal(default.features, sets.train[0].features)


def test_a_group_is_on_one_side_of_every_split(tmp_path: Path) -> None:
    sets = built(tmp_path, CLASSIFICATION, replace(GROUPED, repeats=2))
    train, holdout = sets.train[0], sets.holdout[0]
    customers = np.array([row["customer"] for row in ROWS])
    held_out = set(customers[holdout.row_id - 1])
    assert train.folds == 6
    for number in range(1, train.folds + 1):
        learn, validate = (customers[train.row_id[rows] - 1] for rows in train.fold_rows(number))
        assert set(learn).isdisjoint({*validate, *held_out})


def test_a_fold_in_order_of_time_trains_on_earlier_days_only(tmp_path: Path) -> None:
    sets = built(tmp_path, UNGROUPED, TIME)
    train, holdout = sets.train[0], sets.holdout[0]
    days = np.array([row["signed"] for row in ROWS])
    for number in range(1, 4):
        learn, validate = (days[train.row_id[rows] - 1] for rows in train.fold_rows(number))
        assert max(learn) < min(validate)
        assert max(validate) < min(days[holdout.row_id - 1])


@pytest.mark.usefixtures("few_rows_at_once")
def test_how_many_rows_are_read_and_made_at_once_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = built(tmp_path, CLASSIFICATION)
    monkeypatch.undo()
    many = built(tmp_path, CLASSIFICATION)
    for one, other in zip((*few.train, *few.holdout), (*many.train, *many.holdout), strict=True):
        np.testing.assert_array_equal(one.features, other.features)
        assert one.schema == other.schema
        assert one.data_fingerprint == other.data_fingerprint


def test_a_level_that_only_the_hold_out_has_is_missing_there(tmp_path: Path) -> None:
    signed = max(row["signed"] for row in ROWS)
    rows = [{**ROWS[0], "signed": signed, "purpose": "plane"}, *ROWS]
    raw = raw_of(tmp_path, UNGROUPED, rows)
    sets = build_feature_sets(UNGROUPED, raw, TIME)
    holdout = sets.holdout[0]
    assert sets.train[0].schema.features[1].levels == ("boat", "car", "home")
    (place,) = np.flatnonzero(holdout.row_id == 1)
    assert np.isnan(holdout.features[place, 1])


def test_the_request_lines_give_the_server_the_hold_outs_features(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, UNGROUPED, ROWS)
    holdout = build_feature_sets(UNGROUPED, raw, TIME).holdout
    lines = list(request_lines(raw, holdout[0].row_id - 1, UNGROUPED.columns))
    requests = [json.loads(line) for line in lines]
    columns = typed_columns(requests, UNGROUPED.columns)
    for expected in holdout:
        made = project_features(UNGROUPED, columns, len(requests), expected.feature_set)
        np.testing.assert_array_equal(encode(made, expected.schema.features), expected.features)
    blank = [request["opened"] for request in requests if request["opened"] is None]
    assert blank  # a missing date is null
    assert all(len(request["opened"] or "2020-01-01") == 10 for request in requests)


def test_a_regressions_target_is_its_number(tmp_path: Path) -> None:
    sets = built(tmp_path, REGRESSION, replace(GROUPED, assignment="stratified"))
    train = sets.train[0]
    assert train.target.dtype == np.float64
    assert train.target.tolist() == [float(ROWS[row - 1]["loss"]) for row in train.row_id]
    write_feature_sets(tmp_path / "train", sets.train)
    again = read_feature_set(tmp_path / "train", with_folds=True)
    assert (again.task, again.schema.positive_label) == ("regression", "")


def test_the_fingerprint_is_that_of_the_parsed_content(tmp_path: Path) -> None:
    first = raw_of(tmp_path / "1", CLASSIFICATION, ROWS)
    spaced = [{**row, "income": f" {row['income']} "} for row in ROWS]
    other = changed(ROWS, 5, customer="nobody")
    assert raw_of(tmp_path / "2", CLASSIFICATION, spaced).fingerprint == first.fingerprint
    assert raw_of(tmp_path / "3", CLASSIFICATION, other).fingerprint != first.fingerprint
    again = raw_of(tmp_path / "4", UNGROUPED, other)
    assert again.fingerprint == raw_of(tmp_path / "5", UNGROUPED, ROWS).fingerprint


@pytest.mark.parametrize(
    "project,cells,fault",
    [
        (CLASSIFICATION, {"customer": " "}, "group column 'customer' is blank in 1 rows.* row 3;"),
        (CLASSIFICATION, {"signed": ""}, "the time column 'signed' is blank in 1 rows"),
        (CLASSIFICATION, {"signed": "soon"}, "data row 3, column 'signed': expected an ISO date"),
        (CLASSIFICATION, {"opened": "1/2/20"}, "row 3, column 'opened': expected an ISO date"),
        (CLASSIFICATION, {"price": "12,34 €"}, "row 3, column 'price': expected an amount"),
        (REGRESSION, {"loss": ""}, "the target column 'loss' is blank in 1 rows"),
        (REGRESSION, {"loss": "high"}, "data row 3, column 'loss': expected a number, found text"),
    ],
)
def test_a_cell_that_every_row_needs_is_asked_for_with_its_place(
    tmp_path: Path, project: Project, cells: dict[str, str], fault: str
) -> None:
    with pytest.raises(UserError, match=f"{fault}") as caught:
        raw_of(tmp_path, project, changed(ROWS, 3, **cells))
    assert "data row 3" in str(caught.value)
    assert not any(text.strip() and text in str(caught.value) for text in cells.values())


@pytest.mark.usefixtures("few_rows_at_once")
def test_many_faults_are_counted_over_all_chunks_and_the_first_are_named(tmp_path: Path) -> None:
    rows = [{**row, "customer": ""} if n % 2 else row for n, row in enumerate(ROWS)]
    with pytest.raises(
        UserError, match=r"blank in 60 rows.*: loans.csv, data row 2; .* and 50 more"
    ):
        raw_of(tmp_path, CLASSIFICATION, rows)


def test_times_may_be_numbers_and_groups_a_declared_column(tmp_path: Path) -> None:
    rows = [{**row, "signed": f"{n % 40}", "income": f"{n % 30}"} for n, row in enumerate(ROWS)]
    project = replace(CLASSIFICATION, group="income")
    raw = raw_of(tmp_path, project, rows)
    assert raw.split.time is not None
    assert raw.split.group is not None
    assert raw.split.time[:3].tolist() == [0, 1, 2]
    assert raw.split.group.tolist() == [n % 30 for n in range(len(rows))]
    blank_first = changed(rows, 1, signed=" ")
    with pytest.raises(UserError, match="the time column 'signed' is blank in 1 rows"):
        raw_of(tmp_path / "blank", project, blank_first)
    with pytest.raises(UserError, match="column 'signed': expected a number"):
        raw_of(tmp_path / "mixed", project, changed(rows, 4, signed="2020-01-01"))


def shifty(columns: Columns) -> Columns:
    """Text where no value is known: its dtype depends on the rows."""
    if np.isnan(columns["income"]).all():
        return {"income": np.full(len(columns["income"]), None, dtype=object)}
    return {"income": columns["income"]}


@pytest.mark.usefixtures("few_rows_at_once")
@pytest.mark.parametrize(
    "function,fault",
    [
        (lambda columns: {"a": columns["price"] - columns["price"][0]}, "depends on other rows"),
        (
            lambda columns: {"a": np.arange(len(columns["price"])) * 1.0},
            "feature 'a' of project 'loans' depends on other rows: data row",
        ),
        (
            lambda columns: {f"n{len(columns['price'])}": columns["price"]},
            "makes other features of a single row than of many",
        ),
    ],
)
def test_a_function_that_looks_at_other_rows_is_found_out(
    tmp_path: Path, function: Any, fault: str
) -> None:
    project = replace(CLASSIFICATION, features=function)
    with pytest.raises(UserError, match=fault):
        built(tmp_path, project)


@pytest.mark.usefixtures("few_rows_at_once")
def test_a_function_whose_dtypes_depend_on_the_data_is_refused(tmp_path: Path) -> None:
    rows = [
        {**row, "income": "" if n < 63 else "1", "signed": str(n)} for n, row in enumerate(ROWS)
    ]
    project = replace(UNGROUPED, features=shifty)
    raw = raw_of(tmp_path, project, rows)
    with pytest.raises(UserError, match="makes other features, or other kinds of them, of some"):
        build_feature_sets(project, raw, TIME)


def test_a_set_at_fault_is_named(tmp_path: Path) -> None:
    project = replace(CLASSIFICATION, feature_sets={"bad": lambda columns: {"a": 1}})
    fault = r"features function of set 'bad' of project 'loans' returned int for 'a'"
    with pytest.raises(UserError, match=fault):
        built(tmp_path, project)
    columns = typed_columns([], CLASSIFICATION.columns)
    with pytest.raises(UserError, match="has no feature set 'worse'; it has: default, bad"):
        project_features(project, columns, 0, "worse")


def test_the_raw_columns_are_the_same_for_every_set(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, CLASSIFICATION, ROWS)
    before = plain_values(raw.columns_of(np.arange(3)))
    build_feature_sets(CLASSIFICATION, raw, GROUPED)
    np.testing.assert_equal(plain_values(raw.columns_of(np.arange(3))), before)
