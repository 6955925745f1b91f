"""Finding a metric by name, and what a project's own may do."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from warmfold_contract.errors import UserError
from warmfold_contract.metric_names import METRIC_DIRECTIONS, direction_of
from warmfold_contract.project import Project, ProjectMetric
from warmfold_contract.schema import Column
from warmfold_contract.tasks import CLASSIFICATION, REGRESSION
from warmfold_trainer.metric import Metric, check_tasks, find_metric, metrics_of
from warmfold_trainer.scores import ScoreError

LABELS = np.array([0, 1, 0, 1], dtype=np.uint8)
NUMBERS = np.array([0.5, -2.0, 3.0, 1.0])
SCORES = np.array([0.2, 0.7, 0.6, 0.9])


def project_with(function: Callable[[Any, Any], Any], *, greater: bool = False) -> Project:
    metric = ProjectMetric(function=function, greater_is_better=greater)
    return Project(
        name="tiny",
        columns=(Column("amount", "number"),),
        target="bad",
        positive_label="yes",
        negative_label="no",
        features=lambda columns: columns,
        metrics={"cost": metric},
    )


def cost(function: Callable[[Any, Any], Any]) -> Metric:
    return find_metric("project.cost", project=project_with(function))


@pytest.mark.parametrize("name", [*METRIC_DIRECTIONS, "quantile_loss:0.9"])
def test_every_named_metric_is_there_and_prefers_the_truth(name: str) -> None:
    metric = find_metric(name)
    target: Any = LABELS if metric.task == CLASSIFICATION else NUMBERS
    truth, wrong = target.astype(float), np.array([0.9, 0.2, 0.1, 0.8])
    best, worst = metric.function(target, truth), metric.function(target, wrong)
    assert (best > worst) == metric.greater_is_better == (direction_of(name) == "Maximize")
    assert best != worst


def test_the_best_round_follows_the_metrics_direction_and_takes_the_fewest_of_equals() -> None:
    curve = np.array([0.2, 0.7, 0.7, 0.1, 0.1])
    assert find_metric("auc").best_round(curve) == 2
    assert find_metric("log_loss").best_round(curve) == 4


def test_an_unknown_metric_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="unknown metric 'f2': use one of auc, gini"):
        find_metric("f2")


def test_a_projects_metric_gets_the_rows_and_names_its_direction() -> None:
    project = project_with(lambda target, score: np.mean(target == (score > 0.5)), greater=True)
    metric = find_metric("project.cost", direction="Maximize", project=project)
    assert metric.greater_is_better
    assert metric.function(LABELS, SCORES) == 0.75
    assert "project.cost" in metrics_of(CLASSIFICATION, project)


def test_a_direction_that_is_not_the_projects_is_refused() -> None:
    with pytest.raises(UserError, match=r"'project\.cost' is to be 'Maximize' .* 'Minimize'"):
        find_metric("project.cost", direction="Maximize", project=project_with(lambda t, s: 1.0))


def test_a_metric_that_the_project_does_not_have_is_answered_with_those_it_has() -> None:
    with pytest.raises(UserError, match=r"no metric 'profit'.*: project\.cost"):
        find_metric("project.profit", project=project_with(lambda t, s: 1.0))


@pytest.mark.parametrize("value", [math.nan, math.inf, "0.5x", None, np.array([1.0, 2.0])])
def test_a_projects_metric_must_return_one_finite_number(value: object) -> None:
    with pytest.raises(UserError, match=r"metric 'project\.cost' returned"):
        cost(lambda target, score: value).function(LABELS, SCORES)


def test_a_failing_project_metric_is_told_by_type_and_place_without_data() -> None:
    def fails(target: Any, score: Any) -> float:
        raise ValueError(f"the secret is {score[0]}")

    with pytest.raises(UserError, match=r"raised ValueError at test_metric\.py line") as caught:
        cost(fails).function(LABELS, SCORES)
    assert "secret" not in str(caught.value)


def test_a_projects_metric_cannot_change_the_rows() -> None:
    def spoils(target: Any, score: Any) -> float:
        score[:] = 1.0
        return 1.0

    with pytest.raises(UserError, match="raised ValueError"):
        cost(spoils).function(LABELS, SCORES)
    assert SCORES[0] == 0.2


def test_a_metric_beyond_the_range_of_floats_is_no_metric() -> None:
    with pytest.raises(ScoreError, match="rmse is beyond the range"):
        find_metric("rmse").function(np.array([1e200, 0.0]), np.array([-1e200, 0.0]))


def test_numbers_cannot_be_fitted_as_two_classes() -> None:
    with pytest.raises(UserError, match="set the candidate's task to 'regression'"):
        check_tasks(find_metric("rmse"), CLASSIFICATION, REGRESSION)


def test_a_metric_of_the_other_task_is_refused_with_those_that_suit() -> None:
    with pytest.raises(UserError, match=r"'auc' is for classification, .*use one of rmse, mae, r2"):
        check_tasks(find_metric("auc"), REGRESSION, REGRESSION)


def test_two_classes_may_be_fitted_as_numbers_and_ranked_by_their_own_metrics() -> None:
    check_tasks(find_metric("auc"), REGRESSION, CLASSIFICATION)
    check_tasks(cost(lambda t, s: 1.0), REGRESSION, REGRESSION)
