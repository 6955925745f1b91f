"""A data scientist's project: an ordinary wheel that declares one entry point.

::

    [project.entry-points."warmfold.project"]
    project = "german_credit.project:PROJECT"

The wheel is layered on the trainer's and the server's image alike, so that a feature is computed
by the same code in training and when an applicant is scored.
"""

import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import Parser
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from warmfold_contract.errors import UserError
from warmfold_contract.manifest import sha256_of
from warmfold_contract.schema import DEFAULT_FEATURE_SET, KINDS, Column
from warmfold_contract.tasks import TASKS, Task

ENTRY_POINT_GROUP = "warmfold.project"

# Written when the image is built; names the wheel that the image holds.
PROJECT_FILE_VARIABLE = "WARMFOLD_PROJECT_FILE"

# Column name -> numpy array: float64 with NaN for a number, a date or money, object (str or None)
# for a category.
Columns = Mapping[str, Any]
FeaturesFunction = Callable[[Columns], Columns]

# Names of feature sets are folders' and configuration's, those of metrics are printed.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class ProjectMetric:
    """A score of the project's own, known as ``project.<name>``.

    ``function(target, score)`` gets two float arrays of one value a row and returns a finite
    number; it must depend on nothing else.
    """

    function: Callable[[Any, Any], float]
    greater_is_better: bool


@dataclass(frozen=True, kw_only=True)
class Project:
    """What the platform has to know of a project; everything else is the project's own.

    ``features`` maps raw columns to feature columns of the same length: float arrays are numeric
    features, object arrays categorical ones. It must depend on nothing but its argument's rows,
    row by row: the server calls it with a single one. ``feature_sets`` names further such
    functions, which a candidate may use instead.

    A classification has two labels; a regression has none, and a number as its target.
    ``group`` is a raw column whose values must not be on both sides of a split, ``time`` one that
    orders the rows (numbers, or ISO dates); neither need be among ``columns``.

    ``description``, ``intended_use`` and ``limits`` are plain sentences for the model card.
    """

    name: str
    columns: tuple[Column, ...]
    target: str
    features: FeaturesFunction
    positive_label: str = ""
    negative_label: str = ""
    task: Task = "classification"
    feature_sets: Mapping[str, FeaturesFunction] = field(default_factory=dict)
    group: str | None = None
    time: str | None = None
    metrics: Mapping[str, ProjectMetric] = field(default_factory=dict)
    description: str = ""
    intended_use: str = ""
    limits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ``UserError`` for a declaration that contradicts itself."""
        for check in (self._column_fault, self._target_fault, self._name_fault):
            fault = check()
            if fault is not None:
                raise UserError(f"project {self.name!r}: {fault}")

    @property
    def feature_functions(self) -> Mapping[str, FeaturesFunction]:
        """Every feature set's function by its name, ``default`` first."""
        return {DEFAULT_FEATURE_SET: self.features, **self.feature_sets}

    def _column_fault(self) -> str | None:
        names = [column.name for column in self.columns]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            return f"columns declared twice: {repeated}"
        kinds = sorted({column.kind for column in self.columns} - set(KINDS))
        if kinds:
            return f"unknown column kinds {kinds}: use {', '.join(map(repr, KINDS))}"
        for column in self.columns:
            if column.decimal not in (".", ","):
                return f"column {column.name!r}: decimal is {column.decimal!r}, use '.' or ','"
            if column.kind != "money" and (column.decimal, column.currency) != (".", ""):
                return f"column {column.name!r}: only a money column has decimal and currency"
        return None

    def _target_fault(self) -> str | None:
        if self.target in (column.name for column in self.columns):
            return f"the target {self.target!r} is among the columns: the model would be told it"
        if self.target in (self.group, self.time):
            return f"the target {self.target!r} cannot be the group or the time as well"
        if self.task not in TASKS:
            return f"unknown task {self.task!r}: use {' or '.join(map(repr, TASKS))}"
        if self.task == "regression":
            labelled = self.positive_label or self.negative_label
            return "a regression has no labels: remove them" if labelled else None
        if not self.positive_label.strip() or not self.negative_label.strip():
            return "a classification needs a positive_label and a negative_label"
        if self.positive_label == self.negative_label:
            return f"both labels are {self.positive_label!r}"
        return None

    def _name_fault(self) -> str | None:
        if DEFAULT_FEATURE_SET in self.feature_sets:
            return f"feature set {DEFAULT_FEATURE_SET!r} is the one that `features` makes"
        for name in (*self.feature_sets, *self.metrics):
            if not _PLAIN_NAME.fullmatch(name):
                return (
                    f"{name!r} cannot name a feature set or metric: use up to 63 letters, digits, "
                    "'-' and '_'"
                )
        return None


def load_project() -> Project:
    """The one project installed in this environment.

    Raises ``UserError`` if there is none, more than one, or the entry point cannot be imported or
    is not a ``Project``.
    """
    found = list(entry_points(group=ENTRY_POINT_GROUP))
    if len(found) != 1:
        names = ", ".join(sorted(point.value for point in found)) or "none"
        raise UserError(
            f"this image must hold exactly one project with an entry point in the group "
            f"{ENTRY_POINT_GROUP!r}; found: {names}"
        )
    try:
        project = found[0].load()
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"entry point {found[0].value!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(project, Project):
        raise UserError(f"entry point {found[0].value!r} is not a warmfold_contract Project")
    return project


def installed_wheel() -> dict[str, str]:
    """Name, version and SHA-256 (``wheel_sha256``) of the image's project wheel.

    Raises ``UserError`` if the image was built without the file that says so.
    """
    path = os.environ.get(PROJECT_FILE_VARIABLE, "")
    if not path or not Path(path).is_file():
        raise UserError(f"{PROJECT_FILE_VARIABLE} does not name the image's project file")
    values = json.loads(Path(path).read_text(encoding="utf-8"))
    return {key: str(values[key]) for key in ("name", "version", "wheel_sha256")}


def write_project_file(wheel: Path, target: Path) -> None:
    """What ``installed_wheel`` reads, about the wheel that an image is built with."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode("utf-8"), headersonly=True)
    values = {
        "name": metadata["Name"],
        "version": metadata["Version"],
        "wheel_sha256": sha256_of(wheel),
    }
    target.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":  # for the Dockerfiles: python -m warmfold_contract.project WHEEL TARGET
    write_project_file(Path(sys.argv[1]), Path(sys.argv[2]))
