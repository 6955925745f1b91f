"""The metrics that trials are ranked by: the platform's own, and those that a project defines."""

import functools
import math
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.metric_names import (
    METRIC_DIRECTIONS,
    PROJECT_PREFIX,
    QUANTILE_LOSS,
    check_metric_name,
    direction_of,
    is_project_metric,
    metric_task,
    quantile_of,
)
from warmfold_contract.project import Project, ProjectMetric, load_project
from warmfold_contract.tasks import CLASSIFICATION, REGRESSION, Task
from warmfold_trainer import regression_scores, scores
from warmfold_trainer.scores import ScoreError

_Function = Callable[[Any, Any], float]

R2 = "r2"

_FUNCTIONS: Mapping[str, _Function] = {
    "auc": scores.auc,
    "gini": scores.gini,
    "ks": scores.ks,
    "log_loss": scores.log_loss,
    "brier": scores.brier,
    "pr_auc": scores.pr_auc,
    "rmse": regression_scores.rmse,
    "mae": regression_scores.mae,
    R2: regression_scores.r2,
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """``task`` is that of the projects it measures; ``None``: the project that defines it."""

    name: str
    function: _Function
    greater_is_better: bool
    task: Task | None

    def best_round(self, curve: NDArray[np.float64]) -> int:
        """Rounds (from 1) at the best value of a curve; the fewest of equals."""
        best = curve.argmax() if self.greater_is_better else curve.argmin()
        return int(best) + 1


def find_metric(
    name: str, *, direction: str | None = None, project: Project | None = None
) -> Metric:
    """The metric of this name; for ``project.<name>`` the image's project is loaded if not given.

    Its ``function(target, score)`` returns a finite number or raises: ``ScoreError`` if these
    scores have none, ``UserError`` if a project's function fails. ``direction`` is
    what the configuration says of a project's metric. Raises ``UserError`` naming the metrics
    there are, or a direction that is not the project's.
    """
    check_metric_name(name)
    if is_project_metric(name):
        found = project_metrics(load_project() if project is None else project)
        metric = _of_project(name, found)
    else:
        metric = _built_in(name)
    _check_direction(metric, direction)
    return metric


def check_tasks(metric: Metric, candidate: Task, project: Task) -> None:
    """A candidate may fit two classes as numbers, but not numbers as two classes.

    Raises ``UserError`` for that, or for a metric of the other task.
    """
    if (candidate, project) == (CLASSIFICATION, REGRESSION):
        raise UserError(
            "the candidate is a classification, but the project's target is a number: set the "
            f"candidate's task to {REGRESSION!r}"
        )
    if metric.task not in (None, project):
        names = [name for name in METRIC_DIRECTIONS if metric_task(name) == project]
        raise UserError(
            f"metric {metric.name!r} is for {metric.task}, but the project is a {project}: use "
            f"one of {', '.join(names)}, or a metric of the project's own"
        )


def metrics_of(task: Task, project: Project) -> dict[str, Metric]:
    """All metrics without a parameter that measure a project of this task, its own ones last."""
    built_in = [_built_in(name) for name in METRIC_DIRECTIONS if metric_task(name) == task]
    return {metric.name: metric for metric in built_in} | project_metrics(project)


def values_of(
    metrics: Mapping[str, Metric], target: NDArray[Any], score: NDArray[np.float64]
) -> dict[str, float]:
    """By name, without those that these rows have none of, such as r2 of targets that are equal.

    Raises ``UserError`` if a project's function fails.
    """
    found: dict[str, float] = {}
    for name, metric in metrics.items():
        with suppress(ScoreError):
            found[name] = metric.function(target, score)
    return found


def check_folds(metric: Metric, targets: Iterable[NDArray[Any]]) -> None:
    """Raises ``UserError`` for a fold (of ``targets``, in order) that no model could be scored on.

    Classes are in every fold by its assignment; a project's metric says so itself.
    """
    if metric.name != R2:
        return
    for number, target in enumerate(targets, start=1):
        if target.min() == target.max():
            raise UserError(
                f"fold {number} has one single target, of which there is no {R2}: use another "
                "metric or assignment, fewer folds, or add data"
            )


def project_metrics(project: Project) -> dict[str, Metric]:
    """The project's own, by the name a configuration uses."""
    return {
        PROJECT_PREFIX + short: Metric(
            name=PROJECT_PREFIX + short,
            function=functools.partial(_call_project, PROJECT_PREFIX + short, declared),
            greater_is_better=declared.greater_is_better,
            task=None,
        )
        for short, declared in project.metrics.items()
    }


def _built_in(name: str) -> Metric:
    if name.startswith(QUANTILE_LOSS):
        function: _Function = functools.partial(
            regression_scores.quantile_loss, quantile=quantile_of(name)
        )
    else:
        function = _FUNCTIONS[name]
    return Metric(
        name=name,
        function=functools.partial(_call_built_in, name, function),
        greater_is_better=direction_of(name) == "Maximize",
        task=metric_task(name),
    )


def _of_project(name: str, found: Mapping[str, Metric]) -> Metric:
    if name not in found:
        raise UserError(
            f"the project has no metric {name.removeprefix(PROJECT_PREFIX)!r}; in its `metrics` "
            f"are: {', '.join(found) or 'none'}"
        )
    return found[name]


def _check_direction(metric: Metric, direction: str | None) -> None:
    declared = "Maximize" if metric.greater_is_better else "Minimize"
    if direction not in (None, declared):
        raise UserError(
            f"metric {metric.name!r} is to be {direction!r} by the configuration, but its own "
            f"direction is {declared!r}: make the two agree"
        )


def _call_built_in(name: str, function: _Function, target: Any, score: Any) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        value = function(target, score)
    if not math.isfinite(value):
        raise ScoreError(f"{name} is beyond the range of a float")
    return value


def _call_project(name: str, declared: ProjectMetric, target: Any, score: Any) -> float:
    """The project's function on arrays that it cannot change.

    Only the exception's type and place are reported: its text may hold a data value.
    """
    arrays = [np.array(values, dtype=np.float64) for values in (target, score)]
    for values in arrays:
        values.flags.writeable = False
    try:
        result = declared.function(*arrays)
    except Exception as error:
        raise UserError(
            f"metric {name!r} raised {type(error).__name__} at {_place(error)}"
        ) from error
    try:
        value = float(result)
    except (TypeError, ValueError):
        raise UserError(
            f"metric {name!r} returned {type(result).__name__}: return one number"
        ) from None
    if not math.isfinite(value):
        raise UserError(
            f"metric {name!r} returned {value} for {len(score)} rows: return a finite number"
        )
    return value


def _place(error: Exception) -> str:
    """File and line of the innermost frame, without the directory."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name} line {frame.lineno}, in {frame.name}"
