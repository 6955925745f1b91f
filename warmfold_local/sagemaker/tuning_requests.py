"""The training jobs of a tuning job, as CreateTrainingJob requests."""

import hashlib
import itertools
from typing import Any

from warmfold_local.sagemaker.jobs import Job
from warmfold_local.sagemaker.tags import tags_of
from warmfold_local.sagemaker.training import TRAINING
from warmfold_local.sagemaker.tuning_search import Suggestion
from warmfold_local.sagemaker.tuning_spec import Definition

# Members of a definition that are not a training job's.
_OWN = (
    "DefinitionName",
    "HyperParameterRanges",
    "HyperParameterTuningResourceConfig",
    "StaticHyperParameters",
    "TuningObjective",
)


def trial_request(
    job: Job, definition: Definition, number: int, suggestion: Suggestion
) -> dict[str, Any]:
    """The CreateTrainingJob request of a trial; ``number`` counts from 1."""
    tags = tags_of(job.cloud, job.arn)
    return {
        **training_members(definition.members),
        "TrainingJobName": _trial_name(job, number),
        "HyperParameters": {
            **definition.members.get("StaticHyperParameters", {}),
            **suggestion.hyperparameters,
            "_tuning_objective_metric": definition.objective.metric,
        },
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def _trial_name(job: Job, number: int) -> str:
    """``{tuning job}-{number}-{8 hex}``; a deleted tuning job of that name may have left trials."""
    taken = job.cloud.table(TRAINING.label).find
    names = (_numbered(job, number, generation) for generation in itertools.count())
    return next(name for name in names if taken(name) is None)


def _numbered(job: Job, number: int, generation: int) -> str:
    suffix = hashlib.sha256(f"{job.arn}/{number}/{generation}".encode()).hexdigest()[:8]
    return f"{job.name}-{number:03d}-{suffix}"


def choices(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """The ResourceConfigs that a trial may have, the preferred one first.

    Several come from ``InstanceConfigs``, whose one strategy is Prioritized. A keep-alive period
    is left out: nothing shows that a tuning job's definition can set one.
    """
    own = definition.get("HyperParameterTuningResourceConfig")
    resources: dict[str, Any] = definition.get("ResourceConfig", {}) if own is None else own
    left_out = ("KeepAlivePeriodInSeconds", "InstanceConfigs", "AllocationStrategy")
    common = {key: value for key, value in resources.items() if key not in left_out}
    return [{**common, **each} for each in resources.get("InstanceConfigs") or [{}]]


def training_members(definition: dict[str, Any], choice: int = 0) -> dict[str, Any]:
    """What a training job takes over from its tuning job's definition."""
    members = {key: value for key, value in definition.items() if key not in _OWN}
    return {**members, "ResourceConfig": choices(definition)[choice]}
