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
from warmfold_trainer.scores import ScoreError

FILE_NAME = "champion.json"
FORMAT = 1

_CHUNK_ROWS = 20_000
_RESAMPLES = 500
_RESAMPLED_ROWS = 20_000
_INTERVAL = (2.5, 97.5)
_SEED = 1


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
    with an ``interval`` of 95 % by paired bootstrap, and ``clean`` says whether the hold-out is
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
    if len(other) != holdout.rows:
        raise UserError(
            f"{raw_rows.name} holds {len(other)} rows, the hold-out {holdout.rows}: pass both of "
            "one execution"
        )
    value = metric.function(holdout.target, other)
    return {
        "status": "compared",
        **named,
        "score": value,
        "difference": metric.function(holdout.target, score) - value,
        "interval": _interval(metric, holdout.target, score, other),
        "clean": _is_clean(manifest, holdout),
    }


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


def _interval(metric: Metric, target: Any, one: Scores, other: Scores) -> list[float] | None:
    """Of the difference over resampled rows, each model on the same ones; ``None`` if too few of
    the samples have a metric (a handful of rows of one class)."""
    generator = np.random.Generator(np.random.PCG64(_SEED))
    size = min(len(one), _RESAMPLED_ROWS)
    differences = []
    for _ in range(_RESAMPLES):
        rows = generator.integers(0, len(one), size)
        try:
            differences.append(
                metric.function(target[rows], one[rows])
                - metric.function(target[rows], other[rows])
            )
        except ScoreError:
            continue
    if len(differences) < _RESAMPLES / 2:
        return None
    scale = np.sqrt(size / len(one))
    middle = metric.function(target, one) - metric.function(target, other)
    low, high = np.percentile(differences, _INTERVAL) - np.mean(differences)
    return [float(middle + scale * low), float(middle + scale * high)]
