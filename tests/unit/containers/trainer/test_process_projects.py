"""The processing job with other projects' code."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from tests.unit.containers.trainer.jobs import DATA, SPLIT, Job, install_example
from tests.unit.containers.trainer.processing import LINES, outputs, read
from warmfold_trainer.feature_set import read_feature_set

PROJECT_CODE = """
import numpy as np
from german_credit.project import PROJECT as GOOD
from dataclasses import replace

def features(columns):
    {body}

PROJECT = replace(GOOD, features=features)
"""


def replace_project(site: Path, body: str) -> None:
    (site / "german_credit" / "project_under_test.py").write_text(PROJECT_CODE.format(body=body))
    points = next(site.glob("*.dist-info")) / "entry_points.txt"
    points.write_text("[warmfold.project]\nproject = german_credit.project_under_test:PROJECT\n")


@pytest.mark.parametrize(
    "body,fault",
    [
        ("raise ValueError(columns['purpose'][0])", "raised ValueError at project_under_test.py"),
        ("return {'a': columns['credit_amount'][1:]}", r"returned shape \(799,\) for 'a'"),
        ("return {'a': 3.0}", "returned float for 'a'"),
        ("return {'a': columns['credit_amount'] / 0.0}", "feature 'a' is infinite"),
        (
            "return {'a': columns['credit_amount'] - columns['credit_amount'].mean()}",
            "feature 'a' of project 'german-credit' depends on other rows",
        ),
    ],
)
def test_a_features_function_at_fault_is_named_and_leaves_nothing(
    tmp_path: Path, job: Job, body: str, fault: str
) -> None:
    job = Job(paths=job.paths, site=install_example(tmp_path / "site"))
    replace_project(job.site, body)
    job.put(job.paths.processing_input("raw"), DATA)
    finished = job.run("process", **SPLIT)
    assert finished.code == 1
    assert re.search(fault, finished.reason)
    assert "radio" not in finished.reason + finished.err
    assert outputs(job.paths) == {}


GROUPED_PROJECT = """
from dataclasses import replace
from german_credit.project import PROJECT as GOOD

def amount(columns):
    return {"amount": columns["credit_amount"]}

PROJECT = replace(GOOD, group="purpose", time="age_in_years", feature_sets={"amount": amount})
"""


@pytest.fixture
def grouped(tmp_path: Path, job: Job) -> Job:
    """A job of the example with the purpose of the credit as its group, and its data."""
    site = install_example(tmp_path / "site")
    replace_project(site, "return {}")
    (site / "german_credit" / "project_under_test.py").write_text(GROUPED_PROJECT)
    job.put(job.paths.processing_input("raw"), DATA)
    return Job(paths=job.paths, site=site)


def test_a_project_with_groups_is_split_by_them_and_has_all_its_feature_sets(grouped: Job) -> None:
    finished = grouped.run(
        "process",
        **{**SPLIT, "WARMFOLD_FOLDS": "3"},
        WARMFOLD_REPEATS="2",
        WARMFOLD_ASSIGNMENT="grouped",
    )
    assert finished.code == 0, finished.err
    train, holdout = read(grouped.paths)
    purposes = np.array([row["purpose"] for row in csv.DictReader(LINES)])
    assert (train.folds, train.repeats, train.assignment) == (6, 2, "grouped")
    for number in range(1, 7):
        learn, validate = (purposes[train.row_id[rows] - 1] for rows in train.fold_rows(number))
        assert set(learn).isdisjoint({*validate, *purposes[holdout.row_id - 1]})
    _, codes = np.unique(purposes[holdout.row_id - 1], return_inverse=True)
    assert holdout.group is not None
    assert holdout.group.tolist() == codes.tolist()
    small = read_feature_set(grouped.paths.processing_output("train"), "amount", with_folds=True)
    assert small.features.shape == (train.rows, 1)


@pytest.mark.parametrize(
    "changed,fault",
    [
        ({}, "10 groups of the project's group column are on both sides of a split, first in data"),
        ({"WARMFOLD_ASSIGNMENT": "time"}, "groups of the project's group column are on both sides"),
        (
            {"WARMFOLD_ASSIGNMENT": "grouped", "WARMFOLD_FOLDS": "12"},
            "12 folds need at least 12 gr",
        ),
        ({"WARMFOLD_ASSIGNMENT": "time", "WARMFOLD_REPEATS": "2"}, "WARMFOLD_REPEATS is 2, but"),
    ],
)
def test_folds_that_the_groups_do_not_allow_are_refused_and_leave_nothing(
    grouped: Job, changed: dict[str, str], fault: str
) -> None:
    finished = grouped.run("process", **{**SPLIT, **changed})
    assert finished.code == 1
    assert fault in finished.reason
    assert outputs(grouped.paths) == {}
