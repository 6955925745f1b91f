"""The model artifact: refused unless it is exactly what the training job wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.errors import UserError
from warmfold_contract.manifest import FILE_NAME, Manifest, read_artifact
from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Schema
from warmfold_contract.tasks import CLASSIFICATION, TASKS
from warmfold_features import encode, project_features, typed_columns
from warmfold_features.calibration import Calibration, calibration_of
from warmfold_server.codec import Rows
from warmfold_server.scorers import Scorer, load_scorer


class ProjectError(Exception):
    """The project's own code failed on a row that has the right columns and kinds."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A verified model, and the project code that makes its features."""

    manifest: Manifest
    project: Project
    scorer: Scorer
    calibration: Calibration

    @property
    def schema(self) -> Schema:
        return self.manifest.schema

    def scores(self, rows: Rows) -> list[float]:
        """The probability of the positive label for each row, or the predicted number of a
        regression, in order, by one predict call.

        Raises ``UserError`` naming row and column for a value that cannot be scored, and
        ``ProjectError`` if the project's function fails.
        """
        # A sender's huge number may overflow in the project's arithmetic: `encode` refuses the
        # result with a message, so numpy need not warn.
        with np.errstate(all="ignore"):
            columns = typed_columns(rows, self.schema.columns)
            matrix = encode(self._features(columns, len(rows)), self.schema.features)
        scores = self.scorer.predict(matrix)
        if self.manifest.task == CLASSIFICATION:
            # A candidate that was fitted as a number goes beyond; for the others it is a no-op.
            scores = self.calibration.apply(np.clip(scores, 0.0, 1.0))
        if scores.shape != (len(rows),) or not np.isfinite(scores).all():
            raise RuntimeError(f"{len(rows)} rows: scores of shape {scores.shape}, or not finite")
        return [float(score) for score in scores]

    def _features(self, columns: Columns, rows: int) -> Columns:
        try:
            return project_features(self.project, columns, rows, self.schema.feature_set)
        except UserError as error:
            raise ProjectError(str(error)) from error


def load_model(folder: Path, project: Project, wheel: Mapping[str, str]) -> Model:
    """The model in ``folder``, verified and tried on one row.

    ``wheel`` describes the image's project wheel (``installed_wheel()``). Raises ``UserError``
    if a file is missing, changed, unknown or a link, if the model was trained with another
    wheel, does not fit its schema, has a calibration that is not sound, or cannot score a row
    whose every value is missing.
    """
    _require_plain_files(folder)
    manifest = read_artifact(folder)
    _require_known_files(folder, manifest)
    _require_task(manifest)
    _require_wheel(manifest, wheel)
    model = Model(
        manifest=manifest,
        project=project,
        scorer=_scorer(folder, manifest),
        calibration=calibration_of(manifest.calibration),
    )
    _require_score(model)
    return model


def _require_plain_files(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError("there is no model folder: the container was started without a model")
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise UserError(f"the model artifact holds {path.name!r}, which is not a plain file")


def _require_known_files(folder: Path, manifest: Manifest) -> None:
    """An artifact is data: a file that nobody declared (a pickle, a script) is not tolerated."""
    for path in sorted(folder.iterdir()):
        if path.name != FILE_NAME and path.name not in manifest.files:
            raise UserError(f"the model artifact holds {path.name!r}, unknown to {FILE_NAME}")
    needed = MODEL_FILES.get(manifest.algorithm)
    if needed is not None and needed not in manifest.files:
        raise UserError(f"{FILE_NAME} does not list {needed}")


def _require_task(manifest: Manifest) -> None:
    if manifest.task not in TASKS:
        raise UserError(
            f"the model is for {manifest.task!r}, this image serves {' and '.join(TASKS)}"
        )


def _require_wheel(manifest: Manifest, wheel: Mapping[str, str]) -> None:
    """Features must be computed by the code that the model was trained with."""
    trained, installed = manifest.project.get("wheel_sha256"), wheel["wheel_sha256"]
    if trained != installed:
        raise UserError(
            f"the model was trained with project wheel {trained}, this image holds {installed}: "
            "deploy the server image that was built with the trainer image"
        )


def _scorer(folder: Path, manifest: Manifest) -> Scorer:
    scorer = load_scorer(manifest.algorithm, folder)
    expected = len(manifest.schema.features)
    if scorer.features != expected:
        raise UserError(
            f"{MODEL_FILES[manifest.algorithm]} has {scorer.features} features, {FILE_NAME} says "
            f"{expected}"
        )
    return scorer


def _require_score(model: Model) -> None:
    """Also warms the code path, so that the first caller does not wait for it."""
    try:
        model.scores([{column.name: None for column in model.schema.columns}])
    except (UserError, ProjectError) as error:
        raise UserError(
            f"the model cannot score a row whose every value is missing: {error}"
        ) from error
