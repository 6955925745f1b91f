"""The tag of everything that a pipeline's steps start or create: what its role goes by."""

from collections.abc import Sequence
from typing import Any

from warmfold.pipeline.blocks import Definition

# The value is the pipeline's name. A tuning job hands it on to its trials (API reference,
# CreateHyperParameterTuningJob).
PIPELINE_TAG = "warmfold:pipeline"
_MADE = ("Model", "Processing", "Training", "Transform", "Tuning")


def tagged(definition: dict[str, Any], pipeline: str) -> dict[str, Any]:
    """The definition with the tag on every job and model of it, those of branches included."""
    tag = {"Key": PIPELINE_TAG, "Value": pipeline}
    return definition | {"Steps": _tagged(definition["Steps"], tag)}


def _tagged(steps: Sequence[Definition], tag: dict[str, str]) -> list[Definition]:
    return [{**step, "Arguments": _arguments(step, tag)} for step in steps]


def _arguments(step: Definition, tag: dict[str, str]) -> Definition:
    arguments: Definition = step.get("Arguments", {})
    if step["Type"] in _MADE:
        return arguments | {"Tags": [*arguments.get("Tags", []), tag]}
    if step["Type"] == "Condition":
        names = ("IfSteps", "ElseSteps")
        return arguments | {name: _tagged(arguments.get(name, []), tag) for name in names}
    return arguments
