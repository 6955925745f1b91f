"""A data scientist's project: an ordinary wheel that declares one entry point.

::

    [project.entry-points."warmfold.project"]
    project = "german_credit.project:PROJECT"

The wheel is layered on the trainer's and the server's image alike, so that a feature is computed
by the same code in training and when an applicant is scored.
"""

import json
import os
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.parser import Parser
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from warmfold_contract.errors import UserError
from warmfold_contract.manifest import sha256_of
from warmfold_contract.schema import Column

ENTRY_POINT_GROUP = "warmfold.project"

# Written when the image is built; names the wheel that the image holds.
PROJECT_FILE_VARIABLE = "WARMFOLD_PROJECT_FILE"

# Column name -> numpy array: float64 with NaN for a number, object (str or None) for a category.
Columns = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Project:
    """What the platform has to know of a project; everything else is the project's own.

    ``features`` maps raw columns to feature columns of the same length: float arrays are numeric
    features, object arrays categorical ones. It must depend on nothing but its argument's rows,
    row by row: the server calls it with a single one.

    ``description``, ``intended_use`` and ``limits`` are plain sentences for the model card.
    """

    name: str
    columns: tuple[Column, ...]
    target: str
    positive_label: str
    negative_label: str
    features: Callable[[Columns], Columns]
    description: str = ""
    intended_use: str = ""
    limits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ``UserError`` for a declaration that contradicts itself."""
        fault = self._fault()
        if fault is not None:
            raise UserError(f"project {self.name!r}: {fault}")

    def _fault(self) -> str | None:
        names = [column.name for column in self.columns]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            return f"columns declared twice: {repeated}"
        kinds = sorted({column.kind for column in self.columns} - {"number", "category"})
        if kinds:
            return f"unknown column kinds {kinds}: use 'number' or 'category'"
        if self.target in names:
            return f"the target {self.target!r} is among the columns: the model would be told it"
        if self.positive_label == self.negative_label:
            return f"both labels are {self.positive_label!r}"
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
