"""``evaluate``: the final model on the hold-out, once, with all that a reviewer wants to see."""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from warmfold_contract.errors import UserError
from warmfold_contract.manifest import FILE_NAME as MANIFEST_FILE
from warmfold_contract.manifest import Manifest, read_artifact
from warmfold_contract.paths import (
    EVALUATION_FILE,
    EVALUATION_OUTPUT,
    HOLDOUT_INPUT,
    MODEL_INPUT,
    Paths,
)
from warmfold_contract.project import Project, load_project
from warmfold_trainer.algorithms.protocol import FinalModel
from warmfold_trainer.algorithms.registry import ALGORITHMS, algorithm_named
from warmfold_trainer.archive import ARCHIVE_NAME, unpack_model
from warmfold_trainer.curves import curves
from warmfold_trainer.feature_set import FeatureSet, read_feature_set
from warmfold_trainer.model_card import model_card
from warmfold_trainer.scores import METRICS, Metric, metric_named
from warmfold_trainer.settings import required

FORMAT = 1
METRIC_VARIABLE = "WARMFOLD_METRIC"


def evaluate(paths: Paths) -> None:
    """Run the job in the folders of the processing contract; raises ``UserError``."""
    metric = metric_named(required(os.environ, METRIC_VARIABLE, "the environment variable"))
    project = load_project()
    holdout = read_feature_set(paths.processing_input(HOLDOUT_INPUT), with_folds=False)
    archive = paths.processing_input(MODEL_INPUT) / ARCHIVE_NAME
    with tempfile.TemporaryDirectory() as scratch:
        manifest, model = _load(archive, Path(scratch))
    _check_same_metric(manifest, metric)
    _check_same_data(manifest, holdout)
    report = evaluation(project, manifest, model, holdout, metric)
    folder = paths.processing_output(EVALUATION_OUTPUT)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, sort_keys=True, allow_nan=False) + "\n"
    (folder / EVALUATION_FILE).write_text(text, encoding="utf-8", newline="\n")


def evaluation(
    project: Project, manifest: Manifest, model: FinalModel, holdout: FeatureSet, metric: Metric
) -> dict[str, Any]:
    """The content of ``evaluation.json``."""
    score = model.predict(holdout.features)
    values = {name: known.function(holdout.target, score) for name, known in METRICS.items()}
    rows = {"holdout": holdout.rows, "positive": int(holdout.target.sum())}
    return {
        "format": FORMAT,
        "metric": metric.name,
        "score": values[metric.name],
        "metrics": values,
        "cross_validation": manifest.cross_validation,
        "rows": rows,
        "curves": curves(holdout.target, score),
        "importance": [asdict(entry) for entry in model.importance()],
        "registration": _registration(manifest, metric, values[metric.name]),
        "card": model_card(project, manifest, rows, values),
    }


def _load(archive: Path, scratch: Path) -> tuple[Manifest, FinalModel]:
    known = {name for make in ALGORITHMS.values() for name in make().model_files}
    unpack_model(archive, scratch, {MANIFEST_FILE, *known})
    manifest = read_artifact(scratch)
    algorithm = algorithm_named(manifest.algorithm)
    absent = set(algorithm.model_files) - set(manifest.files)
    if absent:
        raise UserError(f"{MANIFEST_FILE} vouches for no {', '.join(sorted(absent))}")
    return manifest, algorithm.load(scratch)


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


def _registration(manifest: Manifest, metric: Metric, score: float) -> dict[str, str]:
    """What the model registry keeps beside the package; it takes text only."""
    return {
        "score": f"{score:.6f}",
        "metric": metric.name,
        "algorithm": manifest.algorithm,
        "rounds": str(manifest.rounds),
        "data_fingerprint": manifest.data_fingerprint,
        "fold_hash": manifest.fold_hash,
        "wheel_sha256": manifest.project["wheel_sha256"],
        "cv_score": f"{manifest.cross_validation['score']:.6f}",
        "cv_score_std": f"{manifest.cross_validation['score_std']:.6f}",
    }
