"""The names of metrics: which there are, what they measure, and which end is good."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.errors import UserError
from warmfold_contract.metric_names import (
    METRIC_DIRECTIONS,
    check_metric_name,
    direction_of,
    metric_task,
    quantile_of,
)
from warmfold_contract.tasks import TASKS


@pytest.mark.parametrize("name", METRIC_DIRECTIONS)
def test_a_metric_of_the_platform_has_a_task_and_a_direction(name: str) -> None:
    assert metric_task(name) in TASKS
    assert direction_of(name) == METRIC_DIRECTIONS[name]


def test_a_quantile_loss_names_its_quantile() -> None:
    assert quantile_of("quantile_loss:0.9") == 0.9
    assert metric_task("quantile_loss:0.9") == "regression"
    assert direction_of("quantile_loss:0.9") == "Minimize"


@pytest.mark.parametrize("name", ["quantile_loss:0", "quantile_loss:1", "quantile_loss:half"])
def test_a_quantile_beyond_its_range_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"quantile of quantile_loss is .*: use a number above 0"):
        check_metric_name(name)


def test_a_projects_metric_leaves_task_and_direction_to_the_project() -> None:
    assert metric_task("project.profit") is None
    assert direction_of("project.profit") is None


@pytest.mark.parametrize("name", ["", "AUC", "f1", "quantile_loss", "project.", "project.a b"])
def test_another_name_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(UserError, match=r"unknown metric .*: use one of auc, .*project\.<name>"):
        check_metric_name(name)


@given(st.text(max_size=30))
def test_any_name_is_either_known_or_a_users_mistake(name: str) -> None:
    with contextlib.suppress(UserError):
        check_metric_name(name)
        assert metric_task(name) in (None, *TASKS)
        assert direction_of(name) in (None, "Maximize", "Minimize")
