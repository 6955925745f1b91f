"""The model card: what the model is, what it is for, how it was made, and where it ends."""

from collections.abc import Mapping
from typing import Any

from warmfold_contract.manifest import Manifest
from warmfold_contract.project import Project
from warmfold_contract.tasks import CLASSIFICATION

_PLATFORM_LIMITS = (
    "The scores are those of one data set: they say nothing of another population or later time.",
    "The cross-validation score chose hyperparameters and rounds, so it is a little optimistic.",
    "A category that training did not see is treated as missing.",
)


def model_card(
    project: Project, manifest: Manifest, rows: Mapping[str, int], metrics: Mapping[str, float]
) -> dict[str, Any]:
    """Project texts, data, method and results, ready for JSON."""
    return {
        "model": {
            "name": project.name,
            "task": manifest.task,
            "fitted_as": manifest.fitted_as,
            "algorithm": manifest.algorithm,
            "rounds": manifest.rounds,
            "project": manifest.project,
        },
        "description": project.description,
        "intended_use": project.intended_use,
        "data": {
            "target": manifest.schema.target,
            **_labels(manifest, rows),
            "training_rows": manifest.training_rows,
            "holdout_rows": rows["holdout"],
            "fingerprint": manifest.data_fingerprint,
            "raw_columns": [column.name for column in manifest.schema.columns],
            "features": [feature.name for feature in manifest.schema.features],
        },
        "metrics": {
            "holdout": dict(metrics),
            "cross_validation": {"metric": manifest.metric, **manifest.cross_validation},
        },
        "hyperparameters": manifest.hyperparameters,
        "limits": [*project.limits, *_PLATFORM_LIMITS],
    }


def _labels(manifest: Manifest, rows: Mapping[str, int]) -> dict[str, Any]:
    """What a regression has none of."""
    if manifest.task != CLASSIFICATION:
        return {}
    return {
        "positive_label": manifest.schema.positive_label,
        "negative_label": manifest.schema.negative_label,
        "holdout_positive_rows": rows["positive"],
    }
