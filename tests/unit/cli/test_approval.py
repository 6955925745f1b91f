"""What `warmfold approve` says of the version beside the latest approved one."""

import re
from dataclasses import replace

import pytest

from tests.unit.report.builders import report_data
from warmfold.cli.approval import kept_back, worse_than_approved
from warmfold.report.collect import Package
from warmfold.runs.orders import Orders
from warmfold_contract.metric_names import Direction

DATA = {"data_fingerprint": "d", "fold_hash": "f"}


def package(version: int, **metadata: str) -> Package:
    return replace(report_data().package, version=version, metadata=metadata)


def test_a_worse_version_is_told_with_both_scores() -> None:
    new = package(4, metric="auc", score="0.770000", **DATA)
    approved = package(3, metric="auc", score="0.781250", **DATA)
    assert worse_than_approved(new, approved, None) == (
        "version 4 is worse than version 3, the latest approved: hold-out AUC 0.7700 against "
        "0.7812, on the same rows; it is approved all the same: `warmfold pin 3` keeps version 3 "
        "at the endpoint, or brings it back"
    )


def test_scores_of_other_rows_compare_only_roughly() -> None:
    new = package(4, metric="auc", score="0.77", **DATA)
    approved = package(3, metric="auc", score="0.78", **{**DATA, "fold_hash": "other"})
    said = worse_than_approved(new, approved, None)
    assert said is not None
    assert "0.7700 against 0.7800, on other rows, so that they compare only roughly; " in said


@pytest.mark.parametrize("difference, worse", [("-0.020000", True), ("0.010000", False)])
def test_the_evaluations_own_comparison_counts_more_than_an_older_score(
    difference: str, worse: bool
) -> None:
    compared = {"champion_version": "3", "difference_to_champion": difference}
    new = package(4, metric="auc", score="0.77", **DATA, **compared)
    approved = package(3, metric="auc", score="0.771")
    said = worse_than_approved(new, approved, None)
    assert (said is not None) == worse
    assert said is None or "0.7700 against 0.7900, on the same rows; " in said


@pytest.mark.parametrize(
    "metric, own, score, other, worse",
    [
        ("auc", None, "0.8", "0.7", False),
        ("auc", None, "0.8", "0.8", False),
        ("rmse", None, "18.5", "18.0", True),
        ("rmse", None, "17.5", "18.0", False),
        ("project.profit", "Maximize", "5", "7", True),
        ("project.loss", "Minimize", "5", "7", False),
        ("project.loss", None, "9", "7", False),
    ],
)
def test_the_metric_says_which_score_is_worse(
    metric: str, own: Direction | None, score: str, other: str, worse: bool
) -> None:
    new, approved = package(2, metric=metric, score=score), package(1, metric=metric, score=other)
    assert (worse_than_approved(new, approved, own) is not None) == worse


@pytest.mark.parametrize(
    "new, approved",
    [
        ({}, {"metric": "auc", "score": "0.9"}),
        ({"metric": "auc", "score": "0.7"}, {}),
        ({"metric": "auc", "score": "0.7"}, {"metric": "gini", "score": "0.9"}),
        (
            {"metric": "auc", "score": "0.7", "champion_version": "1"}
            | {"difference_to_champion": "none"},
            {},
        ),
    ],
)
def test_what_cannot_be_compared_is_not_warned_of(
    new: dict[str, str], approved: dict[str, str]
) -> None:
    assert worse_than_approved(package(2, **new), package(1, **approved), None) is None


@pytest.mark.parametrize(
    "orders, newest, reason",
    [
        (Orders(frozen=True, version=None), 4, "is frozen: `warmfold unfreeze`"),
        (Orders(frozen=False, version=2), 4, "pinned to version 2: `warmfold pin latest`"),
        (Orders(frozen=False, version=None), 7, "version 7 is .* newer.* `warmfold pin 4`"),
    ],
)
def test_an_approval_that_deploys_nothing_says_why(
    orders: Orders, newest: int, reason: str
) -> None:
    said = kept_back(4, newest, orders)
    assert said is not None
    assert re.search(reason, said)


@pytest.mark.parametrize("orders", [Orders(frozen=False, version=v) for v in (None, 4)])
def test_the_newest_or_pinned_version_is_deployed(orders: Orders) -> None:
    assert kept_back(4, 4, orders) is None
