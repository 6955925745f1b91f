"""The model artifact: refused unless it is exactly what the training job wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np

from warmfold_contract.errors import UserError
from warmfold_contract.manifest import FILE_NAME, Manifest, read_artifact
from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Schema
from warmfold_features import encode, project_features, typed_columns
from warmfold_server.codec import Rows

MODEL_FILE = "model.txt"

# What this server can score; the trainer writes both into the manifest.
ALGORITHM = "lightgbm"
TASK = "binary_classification"


class ProjectError(Exception):
    """The project's own code failed on a row that has the right columns and kinds."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A verified model, and the project code that makes its features."""

    manifest: Manifest
    project: Project
    booster: lightgbm.Booster

    @property
    def schema(self) -> Schema:
        return self.manifest.schema

    def scores(self, rows: Rows) -> list[float]:
        """The probability of the positive label for each row, in order, by one predict call.

        Raises ``UserError`` naming row and column for a value that cannot be scored, and
        ``ProjectError`` if the project's function fails.
        """
        # A sender's huge number may overflow in the project's arithmetic: `encode` refuses the
        # result with a message, so numpy need not warn.
        with np.errstate(all="ignore"):
            columns = typed_columns(rows, self.schema.columns)
            matrix = encode(self._features(columns, len(rows)), self.schema.features)
        # LightGBM takes a shared lock here, but each call also writes the range of trees into
        # the booster (its issue 6142). All our calls ask for every tree, so they write the same
        # values and may run side by side. One thread, because OpenMP's spinning at the end of a
        # call costs a small request more than a second core gains.
        scores = np.asarray(self.booster.predict(matrix, num_iteration=-1, num_threads=1))
        if scores.shape != (len(rows),) or not np.isfinite(scores).all():
            raise RuntimeError(f"{len(rows)} rows: scores of shape {scores.shape}, or not finite")
        return [float(score) for score in scores]

    def _features(self, columns: Columns, rows: int) -> Columns:
        try:
            return project_features(self.project, columns, rows)
        except UserError as error:
            raise ProjectError(str(error)) from error


def load_model(folder: Path, project: Project, wheel: Mapping[str, str]) -> Model:
    """The model in ``folder``, verified and tried on one row.

    ``wheel`` describes the image's project wheel (``installed_wheel()``). Raises ``UserError``
    if a file is missing, changed, unknown or a link, if the model was trained with another
    wheel, does not fit its schema, or cannot score a row whose every value is missing.
    """
    _require_plain_files(folder)
    manifest = read_artifact(folder)
    _require_known_files(folder, manifest)
    _require_algorithm(manifest)
    _require_wheel(manifest, wheel)
    model = Model(manifest=manifest, project=project, booster=_booster(folder, manifest))
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
    if MODEL_FILE not in manifest.files:
        raise UserError(f"{FILE_NAME} does not list {MODEL_FILE}")


def _require_algorithm(manifest: Manifest) -> None:
    if (manifest.algorithm, manifest.task) != (ALGORITHM, TASK):
        raise UserError(
            f"the model is {manifest.algorithm!r} for {manifest.task!r}, this image serves "
            f"{ALGORITHM!r} for {TASK!r}"
        )


def _require_wheel(manifest: Manifest, wheel: Mapping[str, str]) -> None:
    """Features must be computed by the code that the model was trained with."""
    trained, installed = manifest.project.get("wheel_sha256"), wheel["wheel_sha256"]
    if trained != installed:
        raise UserError(
            f"the model was trained with project wheel {trained}, this image holds {installed}: "
            "deploy the server image that was built with the trainer image"
        )


def _booster(folder: Path, manifest: Manifest) -> lightgbm.Booster:
    try:
        booster = lightgbm.Booster(model_file=folder / MODEL_FILE)
    except lightgbm.basic.LightGBMError as error:
        raise UserError(f"{MODEL_FILE} is not a LightGBM model: {error}") from error
    expected = len(manifest.schema.features)
    if booster.num_feature() != expected or booster.num_model_per_iteration() != 1:
        raise UserError(
            f"{MODEL_FILE} has {booster.num_feature()} features and "
            f"{booster.num_model_per_iteration()} outputs, {FILE_NAME} says {expected} and 1"
        )
    return booster


def _require_score(model: Model) -> None:
    """Also warms the code path, so that the first caller does not wait for it."""
    try:
        model.scores([{column.name: None for column in model.schema.columns}])
    except (UserError, ProjectError) as error:
        raise UserError(
            f"the model cannot score a row whose every value is missing: {error}"
        ) from error
