"""The metrics a search may rank trials by: names, tasks and directions.

``quantile_loss:0.9`` is the pinball loss at the quantile 0.9; ``project.<name>`` is a metric of
the project's own, whose direction only the project and its configuration know.
"""

import re
from collections.abc import Mapping
from typing import Literal

from warmfold_contract.errors import UserError
from warmfold_contract.settings import NumberSetting
from warmfold_contract.tasks import CLASSIFICATION, REGRESSION, Task

# AWS's words for the two directions (HyperParameterTuningJobObjective.Type).
Direction = Literal["Maximize", "Minimize"]

PROJECT_PREFIX = "project."
QUANTILE_LOSS = "quantile_loss"

_CLASSIFICATION: Mapping[str, Direction] = {
    "auc": "Maximize",
    "gini": "Maximize",
    "ks": "Maximize",
    "log_loss": "Minimize",
    "brier": "Minimize",
    "pr_auc": "Maximize",
}
_REGRESSION: Mapping[str, Direction] = {
    "rmse": "Minimize",
    "mae": "Minimize",
    "r2": "Maximize",
}

# Those without a parameter.
METRIC_DIRECTIONS: Mapping[str, Direction] = {**_CLASSIFICATION, **_REGRESSION}

# As ``project.Project`` allows them.
_PROJECT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_QUANTILE = NumberSetting(
    name="the quantile of quantile_loss", minimum=0, maximum=1, open_minimum=True, open_maximum=True
)


def check_metric_name(name: str) -> None:
    """Raises ``UserError`` naming the metrics there are, unless ``name`` is one of them.

    Whether the project has a metric ``project.<name>`` is found when the project is loaded.
    """
    if name in METRIC_DIRECTIONS or is_project_metric(name):
        return
    if name.startswith(f"{QUANTILE_LOSS}:"):
        quantile_of(name)
        return
    raise UserError(
        f"unknown metric {name!r}: use one of {', '.join(METRIC_DIRECTIONS)}, "
        f"{QUANTILE_LOSS}:<quantile> or {PROJECT_PREFIX}<name>"
    )


def is_project_metric(name: str) -> bool:
    """Whether ``name`` is spelled as a metric that the project defines."""
    return name.startswith(PROJECT_PREFIX) and bool(
        _PROJECT_NAME.fullmatch(name.removeprefix(PROJECT_PREFIX))
    )


def quantile_of(name: str) -> float:
    """The quantile of ``quantile_loss:<quantile>``; raises ``UserError`` if it is none."""
    return _QUANTILE.parse(name.removeprefix(f"{QUANTILE_LOSS}:"))


def metric_task(name: str) -> Task | None:
    """The task of the project that ``name`` measures; ``None``: the project decides.

    Raises ``UserError`` like ``check_metric_name``.
    """
    check_metric_name(name)
    if is_project_metric(name):
        return None
    return CLASSIFICATION if name in _CLASSIFICATION else REGRESSION


def direction_of(name: str) -> Direction | None:
    """Which end of the metric is good; ``None``: a project's metric, whose configuration says.

    Raises ``UserError`` like ``check_metric_name``.
    """
    check_metric_name(name)
    if is_project_metric(name):
        return None
    return METRIC_DIRECTIONS.get(name, "Minimize")
