"""Challenger against champion: the latest approved model on the very rows that judge the new one.

The champion gets its own features out of the raw hold-out rows, by its own schema. Where that
cannot be done (other project code, a format of its day) the evaluation says so and goes on: a
champion that cannot be compared is no fault of the challenger.
"""

import itertools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from warmfold_contract.documents import json_object
from warmfold_contract.errors import UserError
from warmfold_contract.manifest import Manifest
from warmfold_contract.project import Project
from warmfold_contract.tasks import CLASSIFICATION
from warmfold_features import encode, project_features, typed_columns
from warmfold_features.calibration import Scores, calibration_of
from warmfold_trainer.algorithms.protocol import FinalModel, bounded
from warmfold_trainer.archive import ARCHIVE_NAME
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.metric import Metric
from warmfold_trainer.model_artifact import load_artifact
from warmfold_trainer.resampling import difference_interval

FILE_NAME = "champion.json"
FORMAT = 1

_CHUNK_ROWS = 20_000


def calibrated(model: FinalModel, manifest: Manifest, features: Any) -> Scores:
    """What the server answers for these rows."""
    score = bounded(model.predict(features), binary_target=manifest.task == CLASSIFICATION)
    return calibration_of(manifest.calibration).apply(score)


def compare(
    champion: Path,
    raw_rows: Path,
    project: Project,
    challenger: Manifest,
    holdout: FeatureSet,
    metric: Metric,
    score: Scores,
) -> dict[str, Any]:
    """``champion`` in ``evaluation.json``; ``score`` is the challenger's of the hold-out.

    ``status`` is ``none``, ``lost`` (its artifact has been deleted), ``not_comparable`` with the
    ``reason``, or ``compared``: then ``difference`` is the challenger's metric less the champion's,
    with an ``interval`` of 95 % by paired bootstrap of rows, or of groups where the project has
    them, and ``clean`` says whether the hold-out is
    as new to the champion as to the challenger. Raises ``UserError`` for a broken ``champion.json``
    or hold-out file.
    """
    known = _read(champion / FILE_NAME)
    if known["status"] != "approved":
        return known
    named = {key: known[key] for key in ("version", "model_package_arn")}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            manifest, model = load_artifact(champion / ARCHIVE_NAME, Path(scratch))
        _check_comparable(manifest, challenger)
    except UserError as error:
        return {"status": "not_comparable", "reason": str(error), **named}
    other = _scores(raw_rows, project, manifest, model)
    _check_rows(raw_rows, len(other), holdout)
    return {
        "status": "compared",
        **named,
        **_compared(metric, holdout, score, other),
        "clean": _is_clean(manifest, holdout),
    }


def _compared(metric: Metric, holdout: FeatureSet, score: Scores, other: Scores) -> dict[str, Any]:
    value = metric.function(holdout.target, other)
    return {
        "score": value,
        "difference": metric.function(holdout.target, score) - value,
        "interval": difference_interval(metric, holdout.target, score, other, holdout.group),
    }


def _check_rows(raw_rows: Path, rows: int, holdout: FeatureSet) -> None:
    if rows != holdout.rows:
        raise UserError(
            f"{raw_rows.name} holds {rows} rows, the hold-out {holdout.rows}: pass both of "
            "one execution"
        )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"the input holds no {path.name}: see the step SelectBestTrial")
    values = json_object(path.name, path.read_text(encoding="utf-8"))
    if values.pop("format", None) != FORMAT or "status" not in values:
        raise UserError(
            f"{path.name} is not of format {FORMAT}: deploy Lambdas and images from one commit"
        )
    return values


def _check_comparable(champion: Manifest, challenger: Manifest) -> None:
    if champion.project["wheel_sha256"] != challenger.project["wheel_sha256"]:
        raise UserError(
            "it was trained with another version of the project's code, which this image does not "
            "hold"
        )
    if champion.task != challenger.task:
        raise UserError(f"it is a {champion.task}, the new model a {challenger.task}")


def _is_clean(champion: Manifest, holdout: FeatureSet) -> bool:
    """Of the same data and split, it was not trained on these rows; of other data, who knows."""
    return (champion.data_fingerprint, champion.fold_hash) == (
        holdout.data_fingerprint,
        holdout.fold_hash,
    )


def _scores(path: Path, project: Project, manifest: Manifest, model: FinalModel) -> Scores:
    schema = manifest.schema
    found = [np.empty(0)]
    for rows in _chunks(path):
        columns = typed_columns(rows, schema.columns)
        features = project_features(project, columns, len(rows), schema.feature_set)
        found.append(calibrated(model, manifest, encode(features, schema.features)))
    return np.concatenate(found)


def _chunks(path: Path) -> Iterator[list[dict[str, Any]]]:
    if not path.is_file():
        raise UserError(f"the input holds no {path.name}")
    with path.open(encoding="utf-8") as lines:
        while chunk := [json.loads(line) for line in itertools.islice(lines, _CHUNK_ROWS)]:
            yield chunk
