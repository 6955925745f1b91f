"""Raw rows to encoded feature sets: split first, then features, then levels from training rows."""

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Schema
from warmfold_features import encode, infer_features, project_features
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.raw_data import RawData
from warmfold_trainer.splits import HOLDOUT, assign_folds, fold_hash


def build_feature_sets(
    project: Project, raw: RawData, *, folds: int, holdout_fraction: float, seed: int
) -> tuple[FeatureSet, FeatureSet]:
    """Training rows with their folds, and the hold-out; raises ``UserError``.

    The features function sees one of them at a time, and the schema's levels come from the
    training rows alone: nothing of the hold-out can reach the training channel.
    """
    assignment = assign_folds(raw.target, folds=folds, holdout_fraction=holdout_fraction, seed=seed)
    train_rows = np.flatnonzero(assignment != HOLDOUT)
    holdout_rows = np.flatnonzero(assignment == HOLDOUT)
    train_features = _features(project, raw, train_rows)
    holdout_features = _features(project, raw, holdout_rows)
    _check_row_by_row(project, raw, train_rows, train_features)
    schema = _schema(project, train_features)

    def feature_set(
        features: Columns, rows: NDArray[np.intp], fold: NDArray[np.int16] | None
    ) -> FeatureSet:
        return FeatureSet(
            features=encode(features, schema.features),
            target=raw.target[rows],
            row_id=rows.astype(np.int64) + 1,
            fold=fold,
            schema=schema,
            data_fingerprint=raw.fingerprint,
            fold_hash=fold_hash(assignment),
            folds=folds,
        )

    return (
        feature_set(train_features, train_rows, assignment[train_rows]),
        feature_set(holdout_features, holdout_rows, None),
    )


def _schema(project: Project, train_features: Columns) -> Schema:
    return Schema(
        columns=project.columns,
        features=infer_features(train_features),
        target=project.target,
        positive_label=project.positive_label,
        negative_label=project.negative_label,
    )


def _features(project: Project, raw: RawData, rows: NDArray[np.intp]) -> Columns:
    return project_features(project, raw.columns_of(rows), len(rows))


def _check_row_by_row(
    project: Project, raw: RawData, rows: NDArray[np.intp], features: Columns
) -> None:
    """The server computes features of single rows: first, middle and last must come out alike."""
    for position in sorted({0, len(rows) // 2, len(rows) - 1}):
        alone = _features(project, raw, rows[position : position + 1])
        if list(alone) != list(features):
            raise UserError(
                f"project {project.name!r} makes other features of a single row than of many"
            )
        for name, values in features.items():
            if not _same(alone[name][0], values[position]):
                raise UserError(
                    f"feature {name!r} of project {project.name!r} depends on other rows: data "
                    f"row {rows[position] + 1} gives another value alone than among all training "
                    "rows; compute each row from its own columns only"
                )


def _same(one: object, other: object) -> bool:
    """Equal, or both NaN."""
    return bool(one == other) or (one != one and other != other)
