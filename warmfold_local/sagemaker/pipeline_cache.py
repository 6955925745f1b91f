"""Step caching: a step takes the outputs of its own earlier run, if the keys are the same.

Rules: "Caching pipeline steps" and "Default cache key attributes by pipeline step type" in the
developer guide: the same pipeline, successful runs only, the most recent one within
``ExpireAfter``. Role, instance type and outputs are no keys.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from warmfold_local.cloud import Record

KEYS: Mapping[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
}

# Of a training job definition, only these.
_DEFINITION_KEYS = (
    "AlgorithmSpecification",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)

# The guide's own examples leave out the leading P ("30d", "T16m", "30dT5h") and the SDK's write
# it ("P30D"): both are read. After the T an M is minutes, before it months.
_DURATION = re.compile(
    r"P?(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?",
    re.IGNORECASE,
)
# Lengths of a year and a month are this cloud's choice: the guide does not give them.
_SECONDS = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)


@dataclass(frozen=True, kw_only=True)
class CacheHit:
    """``source_arn`` is the execution in which the step really ran."""

    source_arn: str
    outputs: Mapping[str, Any]
    metadata: Record | None


def duration(text: str) -> timedelta:
    """An ISO 8601 duration. Raises ``ValueError`` if it is none, or is empty."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is not an ISO 8601 duration, as P30D or PT1H is")
    try:
        numbers = [int(number or 0) for number in match.groups()]
        return timedelta(seconds=sum(n * s for n, s in zip(numbers, _SECONDS, strict=True)))
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer than time lasts here") from error


def cache_key(step_type: str, arguments: Mapping[str, Any]) -> Record | None:
    """What must be equal for a hit, of resolved arguments; ``None`` if the type is not cached."""
    if step_type not in KEYS:
        return None
    return {name: _comparable(name, arguments.get(name)) for name in KEYS[step_type]}


def expiry_of(body: Mapping[str, Any]) -> timedelta | None:
    """How old a run may be; ``None`` if the step's ``CacheConfig`` is off or absent.

    Without ``ExpireAfter`` a run never becomes too old.
    """
    config = body.get("CacheConfig") or {}
    if not config.get("Enabled", False):
        return None
    after = config.get("ExpireAfter")
    return timedelta.max if after is None else duration(str(after))


def find_hit(
    step_name: str, key: Record, expiry: timedelta, executions: Iterable[Record], now: datetime
) -> CacheHit | None:
    """The most recent run of the step that really ran; ``executions`` are of one pipeline."""
    found: list[tuple[datetime, CacheHit]] = []
    for execution in executions:
        run = execution["_run"]
        step = run.steps.get(step_name)
        if step is None or not _usable(step, key) or now - step["EndTime"] > expiry:
            continue
        if step_name not in run.scope.outputs:  # it is ending at this very moment
            continue
        hit = CacheHit(
            source_arn=execution["PipelineExecutionArn"],
            outputs=run.scope.outputs[step_name],
            metadata=step.get("Metadata"),
        )
        found.append((step["EndTime"], hit))
    return max(found, key=lambda item: item[0])[1] if found else None


def _usable(step: Record, key: Record) -> bool:
    """Succeeded by running: a hit does not make the run that it was taken from younger."""
    reused = "CacheHitResult" in step or "SelectiveExecutionResult" in step
    return step["StepStatus"] == "Succeeded" and not reused and step.get("_cache_key") == key


def _comparable(name: str, value: Any) -> Any:
    if name == "TrainingJobDefinition" and isinstance(value, dict):
        return {key: value.get(key) for key in _DEFINITION_KEYS}
    if name == "TrainingJobDefinitions" and isinstance(value, list):
        return [_comparable("TrainingJobDefinition", item) for item in value]
    return value
