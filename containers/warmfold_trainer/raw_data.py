"""The project's raw columns, target, groups and times out of its files, and their fingerprint."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Column
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
# A job's failure reason holds 1,024 bytes.
_FAULTS_SHOWN = 5


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
    """Raises ``UserError`` for what a file's format refuses or a missing column; otherwise one for
    all columns with a value of the wrong kind, the first place in each, and all labels that are
    wrong and rows without target, group or time."""
    required = _required_readers(project)
    columns = {column.name: _ColumnReader(column) for column in project.columns}
    wanted = list(dict.fromkeys([*columns, *(reader.name for reader in required.values())]))
    readers: list[_ColumnReader | RequiredReader] = [*columns.values(), *required.values()]
    files, faults = set(), _Faults()
    for chunk in read_chunks(folder, wanted):
        files.add(chunk.file)
        faults.add(readers, chunk)
    found = {role: faults.values(reader) for role, reader in required.items()}
    faults.check()
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
        self.name = column.name
        self._column = column
        self._parts: list[NDArray[Any]] = []

    def add(self, chunk: RawChunk) -> None:
        self._parts.append(chunk.typed(self._column))

    def values(self) -> NDArray[Any]:
        """The whole column; its parts are let go."""
        parts, self._parts = self._parts, []
        return np.concatenate(parts)


class _Faults:
    """What is wrong with the columns, at most one fault of each."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def add(self, readers: Iterable["_ColumnReader | RequiredReader"], chunk: RawChunk) -> None:
        """Give the chunk to those readers that have no fault so far."""
        for reader in readers:
            if reader.name not in self._found:
                try:
                    reader.add(chunk)
                except UserError as error:
                    self._found[reader.name] = str(error)

    def values(self, reader: RequiredReader) -> NDArray[Any]:
        """All values of a reader, none if it is at fault."""
        if reader.name not in self._found:
            try:
                return reader.values()
            except UserError as error:
                self._found[reader.name] = str(error)
        return np.empty(0)

    def check(self) -> None:
        if self._found:
            shown = list(self._found.values())[:_FAULTS_SHOWN]
            more = len(self._found) - len(shown)
            rest = [f"{more} more columns are at fault"] if more else []
            raise UserError("\n".join([*shown, *rest]))


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
