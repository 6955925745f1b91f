"""The project's raw columns, target, groups and times out of its files, and their fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Column
from warmfold_features import typed_column
from warmfold_trainer.raw_input import RawChunk, read_chunks
from warmfold_trainer.required_columns import (
    GroupReader,
    LabelReader,
    RequiredReader,
    TargetNumberReader,
    TimeReader,
)
from warmfold_trainer.splits import SplitRows

_HASHED_AT_ONCE = 65_536


@dataclass(frozen=True, kw_only=True)
class RawData:
    """``split`` holds target, groups and times; ``fingerprint`` is a hex SHA-256 of the content."""

    columns: Columns
    split: SplitRows
    fingerprint: str
    files: int

    @property
    def rows(self) -> int:
        return len(self.split.target)

    def columns_of(self, rows: NDArray[np.intp]) -> Columns:
        """The columns of some rows only, as copies."""
        return {name: values[rows] for name, values in self.columns.items()}


def read_raw_data(folder: Path, project: Project) -> RawData:
    """Raises ``UserError`` for what a file's format refuses, a missing column, a bad cell or
    label, and a row without target, group or time."""
    required = _required_readers(project)
    columns = {column.name: _ColumnReader(column) for column in project.columns}
    wanted = list(dict.fromkeys([*columns, *(reader.name for reader in required.values())]))
    readers: list[_ColumnReader | RequiredReader] = [*columns.values(), *required.values()]
    files = set()
    for chunk in read_chunks(folder, wanted):
        files.add(chunk.file)
        for each in readers:
            each.add(chunk)
    found = {role: reader.values() for role, reader in required.items()}
    made = {name: reader.values() for name, reader in columns.items()}
    split = SplitRows(
        target=found["target"],
        task=project.task,
        group=found.get("group"),
        time=found.get("time"),
    )
    return RawData(
        columns=made, split=split, fingerprint=_fingerprint(made, found), files=len(files)
    )


def _required_readers(project: Project) -> Mapping[str, RequiredReader]:
    """What reads the target, the group and the time, by these words."""
    declared = {column.name: column for column in project.columns}
    readers: dict[str, RequiredReader] = {
        "target": TargetNumberReader(project.target)
        if project.task == "regression"
        else LabelReader(project)
    }
    if project.group is not None:
        readers["group"] = GroupReader(
            declared.get(project.group, Column(project.group, "category"))
        )
    if project.time is not None:
        readers["time"] = TimeReader(project.time, declared.get(project.time))
    return readers


class _ColumnReader:
    """Collects one column over the chunks."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._parts: list[NDArray[Any]] = []

    def add(self, chunk: RawChunk) -> None:
        values = chunk.columns[self._column.name]
        self._parts.append(typed_column(values, self._column, place=chunk.place))

    def values(self) -> NDArray[Any]:
        """The whole column; its parts are let go."""
        parts, self._parts = self._parts, []
        return np.concatenate(parts)


def _fingerprint(columns: Columns, required: Mapping[str, NDArray[Any]]) -> str:
    """Over the parsed content in row order: neither file names nor their format count."""
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(json.dumps(name).encode())
        if values.dtype != object:
            digest.update(values.astype("<f8", copy=False).data)
            continue
        for first in range(0, len(values), _HASHED_AT_ONCE):
            part = values[first : first + _HASHED_AT_ONCE]
            digest.update(json.dumps(part.tolist()).encode())
    for role, values in required.items():
        digest.update(role.encode())
        digest.update(np.ascontiguousarray(values, dtype="<f8").data)
    return digest.hexdigest()
