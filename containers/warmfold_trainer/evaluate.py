"""``evaluate``: the final model on the hold-out, once, with all that a reviewer wants to see."""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from warmfold_contract.errors import UserError
from warmfold_contract.manifest import Manifest
from warmfold_contract.paths import (
    CHAMPION_INPUT,
    EVALUATION_FILE,
    EVALUATION_OUTPUT,
    HOLDOUT_INPUT,
    HOLDOUT_ROWS_FILE,
    HOLDOUT_ROWS_INPUT,
    MODEL_INPUT,
    Paths,
)
from warmfold_contract.project import Project, load_project
from warmfold_contract.tasks import CLASSIFICATION
from warmfold_trainer.algorithms.protocol import FinalModel, Scores
from warmfold_trainer.archive import ARCHIVE_NAME
from warmfold_trainer.champion import calibrated, compare
from warmfold_trainer.curves import curves, regression_curves
from warmfold_trainer.feature_set import FeatureSet, read_feature_set
from warmfold_trainer.metric import Metric, find_metric, metrics_of, values_of
from warmfold_trainer.model_artifact import load_artifact
from warmfold_trainer.model_card import model_card
from warmfold_trainer.scores import ScoreError
from warmfold_trainer.settings import required

FORMAT = 2
METRIC_VARIABLE = "WARMFOLD_METRIC"


def evaluate(paths: Paths) -> None:
    """Run the job in the folders of the processing contract; raises ``UserError``."""
    name = required(os.environ, METRIC_VARIABLE, "the environment variable")
    project = load_project()
    metric = find_metric(name, project=project)
    archive = paths.processing_input(MODEL_INPUT) / ARCHIVE_NAME
    with tempfile.TemporaryDirectory() as scratch:
        manifest, model = load_artifact(archive, Path(scratch))
    holdout = read_feature_set(
        paths.processing_input(HOLDOUT_INPUT),
        feature_set=manifest.schema.feature_set,
        with_folds=False,
    )
    _check_same_metric(manifest, metric)
    _check_same_data(manifest, holdout)
    score = calibrated(model, manifest, holdout.features)
    champion = compare(
        paths.processing_input(CHAMPION_INPUT),
        paths.processing_input(HOLDOUT_ROWS_INPUT) / HOLDOUT_ROWS_FILE,
        project,
        manifest,
        holdout,
        metric,
        score,
    )
    report = evaluation(project, manifest, model, holdout, metric, score, champion)
    folder = paths.processing_output(EVALUATION_OUTPUT)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, sort_keys=True, allow_nan=False) + "\n"
    (folder / EVALUATION_FILE).write_text(text, encoding="utf-8", newline="\n")


def evaluation(
    project: Project,
    manifest: Manifest,
    model: FinalModel,
    holdout: FeatureSet,
    metric: Metric,
    score: Scores,
    champion: dict[str, Any],
) -> dict[str, Any]:
    """The content of ``evaluation.json``; ``score`` is the model's, calibrated."""
    classes = holdout.task == CLASSIFICATION
    values = _values(project, holdout, metric, score)
    rows = {"holdout": holdout.rows}
    if classes:
        rows["positive"] = int(holdout.target.sum())
    drawn = curves if classes else regression_curves
    return {
        "format": FORMAT,
        "task": holdout.task,
        "metric": metric.name,
        "score": values[metric.name],
        "metrics": values,
        "cross_validation": manifest.cross_validation,
        "calibration": manifest.calibration,
        "champion": champion,
        "rows": rows,
        "curves": drawn(holdout.target, score),
        "importance": [asdict(entry) for entry in model.importance()],
        "registration": _registration(manifest, metric, values[metric.name], champion),
        "card": model_card(project, manifest, rows, values),
    }


def _values(
    project: Project, holdout: FeatureSet, metric: Metric, score: Scores
) -> dict[str, float]:
    """Of all metrics that the hold-out has; that of ``metric`` it must have, or ``UserError``."""
    values = values_of(metrics_of(holdout.task, project), holdout.target, score)
    try:
        return {**values, metric.name: metric.function(holdout.target, score)}
    except ScoreError as error:
        raise UserError(
            f"the hold-out cannot be scored by {metric.name} ({error}): use another metric, change "
            "the hold-out, or add data"
        ) from error


def _check_same_metric(manifest: Manifest, metric: Metric) -> None:
    """The hold-out's score stands beside the cross-validation's: they must be of one kind."""
    if manifest.metric != metric.name:
        raise UserError(
            f"{METRIC_VARIABLE} is {metric.name!r}, but the model was selected by "
            f"{manifest.metric!r}: use the same metric"
        )


def _check_same_data(manifest: Manifest, holdout: FeatureSet) -> None:
    """A model of other data or folds may have been trained on these very rows."""
    if (manifest.data_fingerprint, manifest.fold_hash) != (
        holdout.data_fingerprint,
        holdout.fold_hash,
    ):
        raise UserError(
            "the model was trained on other data or folds than this hold-out was taken from: "
            "its score would mean nothing; pass model and hold-out of one execution"
        )
    if manifest.schema != holdout.schema:
        raise UserError("the model's schema is not the hold-out's: pass those of one execution")


def _registration(
    manifest: Manifest, metric: Metric, score: float, champion: dict[str, Any]
) -> dict[str, str]:
    """What the model registry keeps beside the package; it takes text only."""
    difference = champion.get("difference")
    return {
        "champion": champion["status"],
        "champion_version": str(champion.get("version", "none")),
        "difference_to_champion": "none" if difference is None else f"{difference:.6f}",
        "calibration": "none" if manifest.calibration is None else manifest.calibration["method"],
        "score": f"{score:.6f}",
        "metric": metric.name,
        "algorithm": manifest.algorithm,
        "task": manifest.task,
        "rounds": str(manifest.rounds),
        "data_fingerprint": manifest.data_fingerprint,
        "fold_hash": manifest.fold_hash,
        "wheel_sha256": manifest.project["wheel_sha256"],
        "cv_score": f"{manifest.cross_validation['score']:.6f}",
        "cv_score_std": f"{manifest.cross_validation['score_std']:.6f}",
    }
