"""Raw rows to encoded feature sets: split first, then features, then levels from training rows.

Features are made and encoded some rows at a time, so that memory holds the raw columns and the
encoded matrices, and little else.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Feature, Schema
from warmfold_features import encode, infer_features, project_features
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.raw_data import RawData
from warmfold_trainer.splits import HOLDOUT, SplitPlan, assign_folds, fold_hash

ROWS_AT_ONCE = 65_536

_Rows = NDArray[np.intp]
_Matrix = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class BuiltSets:
    """Each feature set of the training rows, with their folds, and of the hold-out, with its
    groups."""

    train: tuple[FeatureSet, ...]
    holdout: tuple[FeatureSet, ...]


def build_feature_sets(project: Project, raw: RawData, plan: SplitPlan) -> BuiltSets:
    """Raises ``UserError``.

    A features function sees training rows or hold-out rows, never both, and the schema's levels
    come from the training rows alone: nothing of the hold-out can reach the training channel.
    """
    places = assign_folds(raw.split, plan)
    train_rows = np.flatnonzero(places[:, 0] != HOLDOUT)
    holdout_rows = np.flatnonzero(places[:, 0] == HOLDOUT)
    shared: dict[str, Any] = {
        "data_fingerprint": raw.fingerprint,
        "fold_hash": fold_hash(places),
        "folds": plan.folds * plan.repeats,
        "repeats": plan.repeats,
        "assignment": plan.assignment,
        "task": project.task,
    }
    train, holdout = [], []
    for name in project.feature_functions:
        maker = _SetMaker(project, raw, name)
        features, matrix = maker.fitted(train_rows)
        shared["schema"] = _schema(project, name, features)
        train.append(_feature_set(raw, train_rows, matrix, fold=places[train_rows], shared=shared))
        held_out = maker.encoded(holdout_rows, features)
        holdout.append(_feature_set(raw, holdout_rows, held_out, fold=None, shared=shared))
    return BuiltSets(train=tuple(train), holdout=tuple(holdout))


def _feature_set(
    raw: RawData,
    rows: _Rows,
    matrix: _Matrix,
    *,
    fold: NDArray[np.int16] | None,
    shared: dict[str, Any],
) -> FeatureSet:
    return FeatureSet(
        features=matrix,
        target=raw.split.target[rows],
        row_id=rows.astype(np.int64) + 1,
        fold=fold,
        group=None if fold is not None else _groups(raw, rows),
        **shared,
    )


def _groups(raw: RawData, rows: _Rows) -> NDArray[np.int64] | None:
    """The rows' groups, numbered anew; ``None`` if the project declares none."""
    if raw.split.group is None:
        return None
    _, codes = np.unique(raw.split.group[rows], return_inverse=True)
    return codes.astype(np.int64)


def _schema(project: Project, name: str, features: tuple[Feature, ...]) -> Schema:
    return Schema(
        columns=project.columns,
        features=features,
        target=project.target,
        positive_label=project.positive_label,
        negative_label=project.negative_label,
        feature_set=name,
    )


class _SetMaker:
    """One feature set's function on chosen rows."""

    def __init__(self, project: Project, raw: RawData, name: str) -> None:
        self._project = project
        self._raw = raw
        self._name = name

    def fitted(self, rows: _Rows) -> tuple[tuple[Feature, ...], _Matrix]:
        """The features that training rows make, with their levels, and the encoded matrix."""
        matrix: _Matrix = np.empty((len(rows), 0), dtype=np.float32)
        parts: list[tuple[Feature, ...]] = []
        for start in range(0, len(rows), ROWS_AT_ONCE):
            chosen = rows[start : start + ROWS_AT_ONCE]
            made = self._made(chosen)
            self._check_row_by_row(chosen, made)
            parts.append(infer_features(made))
            self._check_same_features(parts[0], parts[-1])
            if start == 0:
                matrix = np.empty((len(rows), len(made)), dtype=np.float32)
            # In codes of this part's own levels, until those of all parts are known.
            matrix[start : start + len(chosen)] = encode(made, parts[-1])
        features = _merged(parts)
        _recode(matrix, parts, features)
        return features, matrix

    def encoded(self, rows: _Rows, features: tuple[Feature, ...]) -> _Matrix:
        """Other rows, in the codes of known features."""
        matrix = np.empty((len(rows), len(features)), dtype=np.float32)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            chosen = rows[start : start + ROWS_AT_ONCE]
            matrix[start : start + len(chosen)] = encode(self._made(chosen), features)
        return matrix

    def _made(self, rows: _Rows) -> Columns:
        columns = self._raw.columns_of(rows)
        return project_features(self._project, columns, len(rows), self._name)

    def _check_row_by_row(self, rows: _Rows, features: Columns) -> None:
        """The server makes features of single rows: first, middle and last must come out alike."""
        for position in sorted({0, len(rows) // 2, len(rows) - 1}):
            alone = self._made(rows[position : position + 1])
            if list(alone) != list(features):
                raise UserError(
                    f"project {self._project.name!r} makes other features of a single row than of "
                    "many"
                )
            for name, values in features.items():
                if not _same(alone[name][0], values[position]):
                    raise UserError(
                        f"feature {name!r} of project {self._project.name!r} depends on other "
                        f"rows: data row {rows[position] + 1} gives another value alone than "
                        "among all training rows; compute each row from its own columns only"
                    )

    def _check_same_features(self, first: tuple[Feature, ...], other: tuple[Feature, ...]) -> None:
        if [(one.name, one.kind) for one in first] != [(one.name, one.kind) for one in other]:
            raise UserError(
                f"project {self._project.name!r} makes other features, or other kinds of them, of "
                "some rows than of others: names, order and dtypes must not depend on the data"
            )


def _merged(parts: list[tuple[Feature, ...]]) -> tuple[Feature, ...]:
    """The features with the levels of all parts, sorted."""
    return tuple(
        Feature(
            first.name,
            first.kind,
            tuple(sorted({level for part in parts for level in part[position].levels})),
        )
        for position, first in enumerate(parts[0])
    )


def _recode(
    matrix: _Matrix, parts: list[tuple[Feature, ...]], features: tuple[Feature, ...]
) -> None:
    """Each part's codes to those of the merged levels, in place."""
    for position, feature in enumerate(features):
        codes = {level: code for code, level in enumerate(feature.levels)}
        for number, part in enumerate(parts):
            own = part[position].levels
            if own == feature.levels:
                continue
            # NaN, the code of a missing category, is taken from the end.
            table = np.array([*(codes[level] for level in own), np.nan], dtype=np.float32)
            rows = slice(number * ROWS_AT_ONCE, (number + 1) * ROWS_AT_ONCE)
            column = matrix[rows, position]
            column[:] = table[np.where(np.isnan(column), len(own), column).astype(np.intp)]


def _same(one: object, other: object) -> bool:
    """Equal, or both NaN."""
    return bool(one == other) or (one != one and other != other)
