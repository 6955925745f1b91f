"""The project's raw columns and target out of a table of texts, and their fingerprint."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns, Project
from warmfold_features.columns import typed_column
from warmfold_trainer.csv_input import RawTable

_ROWS_NAMED = 10
_CHECK_LABELS = "check the project's positive_label and negative_label"


@dataclass(frozen=True, kw_only=True)
class RawData:
    """``target`` is 1 for the positive label; ``fingerprint`` is a hex SHA-256 of the content."""

    columns: Columns
    target: NDArray[np.uint8]
    fingerprint: str

    def columns_of(self, rows: NDArray[np.intp]) -> Columns:
        """The columns of some rows only, as copies."""
        return {name: values[rows] for name, values in self.columns.items()}


def read_raw_data(table: RawTable, project: Project) -> RawData:
    """Raises ``UserError`` for a missing column, a bad cell or a bad label."""
    wanted = [*(column.name for column in project.columns), project.target]
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise UserError(
            f"{table.files[0][0]} lacks the columns {missing} that project {project.name!r} "
            "declares: its first row must be a header with these names"
        )
    columns = {
        column.name: typed_column(table.columns[column.name], column, place=table.place)
        for column in project.columns
    }
    target = _target(table, project)
    return RawData(columns=columns, target=target, fingerprint=_fingerprint(columns, target))


def _target(table: RawTable, project: Project) -> NDArray[np.uint8]:
    codes = {project.negative_label: 0, project.positive_label: 1}
    labels = table.columns[project.target]
    _check_labels(table, project, labels_allowed=codes)
    target = np.array([codes[label] for label in labels], dtype=np.uint8)
    if target.min() == target.max():
        only = project.positive_label if target[0] else project.negative_label
        raise UserError(
            f"the target column {project.target!r} holds only {only!r}: both labels are needed "
            f"to learn from; {_CHECK_LABELS}"
        )
    return target


def _check_labels(table: RawTable, project: Project, labels_allowed: dict[str, int]) -> None:
    labels = table.columns[project.target]
    wrong = [place for place, label in enumerate(labels) if label not in labels_allowed]
    if not wrong:
        return
    blank = sum(not labels[position].strip() for position in wrong)
    places = "; ".join(table.place(position) for position in wrong[:_ROWS_NAMED])
    more = f" and {len(wrong) - _ROWS_NAMED} more" if len(wrong) > _ROWS_NAMED else ""
    raise UserError(
        f"the target column {project.target!r} must hold {project.positive_label!r} or "
        f"{project.negative_label!r}; {len(wrong)} rows do not ({blank} blank, "
        f"{len(wrong) - blank} another text): {places}{more}; correct them, or {_CHECK_LABELS}"
    )


def _fingerprint(columns: Columns, target: NDArray[np.uint8]) -> str:
    """Over the parsed content in row order, so neither file names nor a byte order mark count."""
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(json.dumps(name).encode())
        if values.dtype == object:
            digest.update(json.dumps(values.tolist()).encode())
        else:
            digest.update(values.astype("<f8").tobytes())
    digest.update(target.tobytes())
    return digest.hexdigest()
