"""Selective execution: run some steps, and take what they need from an earlier execution.

Rules: "Selective execution of pipeline steps" (developer guide) and the API's
SelectiveExecutionConfig. The texts of the refusals are this cloud's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from warmfold_local.cloud import Record
from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.graph import Steps, dependencies

# "The execution status of the pipeline can be either Failed or Success" (API reference).
_SOURCE_STATUSES = ("Failed", "Succeeded")


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """What an execution starts with: steps it takes over, and names that it must not run."""

    steps: Mapping[str, Record] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


def select(steps: Steps, config: Record, source: Record | None) -> Reuse:
    """``config`` is the request's; ``source`` the execution it names, of the same pipeline.

    Raises ``ValidationError`` naming every step that stands in the way.
    """
    chosen = {item["StepName"] for item in config["SelectedSteps"]}
    _require(_unknown(steps, chosen))
    _require(_gaps(steps, chosen))
    before = dependencies(steps)
    needed = sorted(set().union(*(before[name] for name in chosen)) - chosen)
    if needed and source is None:
        raise ValidationError(
            "SourcePipelineExecutionArn is required: the selected steps depend on the steps "
            f"{', '.join(needed)}, which are not selected."
        )
    left_out = frozenset(steps) - chosen
    if source is None:
        return Reuse(left_out=left_out)
    return _taken_over(steps, chosen, needed, source, left_out)


def _taken_over(
    steps: Steps, chosen: set[str], needed: list[str], source: Record, left_out: frozenset[str]
) -> Reuse:
    arn, status, run = source["PipelineExecutionArn"], source["PipelineExecutionStatus"], None
    if status not in _SOURCE_STATUSES:
        raise ValidationError(
            f"Pipeline execution with ARN {arn} is {status}: a reference execution must have "
            "failed or succeeded."
        )
    run = source["_run"]
    outputs = {name: run.scope.outputs[name] for name in needed if name in run.scope.outputs}
    missing = [name for name in needed if name not in outputs]
    _require(f"the step {name} has not succeeded in {arn}" for name in missing)
    _require(_untaken(steps, chosen, outputs))
    result = {"SourcePipelineExecutionArn": arn}
    records = {name: {**run.steps[name], "SelectiveExecutionResult": result} for name in needed}
    return Reuse(steps=records, outputs=outputs, left_out=left_out)


def _require(faults: Iterator[str]) -> None:
    found = list(faults)
    if found:
        raise ValidationError("Invalid selective execution: " + "; ".join(found))


def _unknown(steps: Steps, chosen: set[str]) -> Iterator[str]:
    return (f"there is no step {name}" for name in sorted(chosen) if name not in steps)


def _gaps(steps: Steps, chosen: set[str]) -> Iterator[str]:
    """ "All step(s) in all path(s) between two selected steps should be included" (API)."""
    ancestors = _ancestors(steps)
    for name in steps:
        if name in chosen or not ancestors[name] & chosen:
            continue
        after = sorted(later for later in chosen if name in ancestors[later])
        if after:
            yield f"the step {name} lies between selected steps (before {', '.join(after)})"


def _ancestors(steps: Steps) -> dict[str, set[str]]:
    """For each step all steps that run before it; the graph has no cycle (``pipeline_checks``)."""
    direct = dependencies(steps)
    found: dict[str, set[str]] = {}

    def before(name: str) -> set[str]:
        if name not in found:
            found[name] = set(direct[name]).union(*(before(other) for other in direct[name]))
        return found[name]

    return {name: before(name) for name in steps}


def _untaken(
    steps: Steps, chosen: set[str], outputs: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Steps that could never start: the condition's outcome is the reference execution's."""
    for name in sorted(chosen):
        step = steps[name]
        if step.condition not in outputs or step.condition is None:
            continue
        if outputs[step.condition]["Outcome"] != str(step.branch):
            yield f"the step {name} stands in the branch that {step.condition} did not take"
