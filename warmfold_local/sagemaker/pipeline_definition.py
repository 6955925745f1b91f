"""A pipeline definition, read and checked when it is deployed.

Every fault is reported at once, with the step and the place, in one ``ValidationException``; the
service's own wording of these is not published, beyond its first words.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.graph import Step

VERSION = "2020-12-01"
# Not adjustable (general reference, "Amazon SageMaker endpoints and quotas").
MAX_STEPS = 50
MAX_PARAMETERS = 200

PARAMETER_TYPES = ("String", "Integer", "Float", "Boolean")

# Step types that SageMaker has (developer guide, "Pipelines steps"; API reference,
# PipelineExecutionStepMetadata), whether or not they can be executed here.
STEP_TYPES = frozenset(
    {
        "AutoML",
        "Callback",
        "ClarifyCheck",
        "Condition",
        "EMR",
        "EMRServerless",
        "Endpoint",
        "EndpointConfig",
        "Fail",
        "InferenceComponent",
        "Lambda",
        "Model",
        "NotebookJob",
        "Processing",
        "QualityCheck",
        "RegisterModel",
        "Training",
        "Transform",
        "Tuning",
    }
)
# "Retry policy for pipeline steps" (developer guide) names these.
RETRYABLE_TYPES = frozenset(
    {
        "AutoML",
        "Model",
        "NotebookJob",
        "Processing",
        "RegisterModel",
        "Training",
        "Transform",
        "Tuning",
    }
)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A pipeline parameter; without a default, each execution must give the value."""

    name: str
    type: str
    default: Any = None
    allowed: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What an execution works from; ``steps`` holds those in branches too."""

    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]


@dataclass
class Reading:
    """A definition being read; faults are gathered in the order in which they are found."""

    faults: list[str] = field(default_factory=list)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)

    def fault(self, text: str) -> None:
        self.faults.append(text)

    def done(self) -> Definition:
        """Raises ``ValidationError`` if there was any fault."""
        if self.faults:
            raise ValidationError("Unable to parse pipeline definition. " + "; ".join(self.faults))
        return Definition(parameters=self.parameters, steps=self.steps)


def read(text: str) -> Reading:
    """The definition's structure; references are checked elsewhere (``pipeline_checks``)."""
    reading = Reading()
    try:
        body = json.loads(text)
    except ValueError as error:
        reading.fault(f"It is not JSON: {error}")
        return reading
    if not isinstance(body, dict):
        reading.fault("It is not a JSON object")
        return reading
    if body.get("Version") != VERSION:
        reading.fault(f"Version is {body.get('Version')!r}, not {VERSION!r}")
    _read_parameters(reading, body.get("Parameters", []))
    _read_steps(reading, body.get("Steps"))
    return reading


def _read_parameters(reading: Reading, listed: Any) -> None:
    if not isinstance(listed, list) or len(listed) > MAX_PARAMETERS:
        reading.fault(f"Parameters is not a list of at most {MAX_PARAMETERS}")
        return
    for index, item in enumerate(listed):
        parameter = _parameter(reading, item, f"Parameters[{index}]")
        if parameter is None:
            continue
        if parameter.name in reading.parameters:
            reading.fault(f"Parameters[{index}]: the name {parameter.name} is taken")
        reading.parameters[parameter.name] = parameter


def _parameter(reading: Reading, item: Any, place: str) -> Parameter | None:
    if not isinstance(item, dict) or not isinstance(item.get("Name"), str):
        reading.fault(f"{place} has no Name")
        return None
    kind = item.get("Type")
    if kind not in PARAMETER_TYPES:
        reading.fault(f"{place} ({item['Name']}): Type is {kind!r}, not one of {PARAMETER_TYPES}")
        return None
    default = item.get("DefaultValue")
    if default is not None and not is_of_type(default, kind):
        reading.fault(f"{place} ({item['Name']}): DefaultValue is not of type {kind}")
    allowed = tuple(item.get("EnumValues") or ())
    return Parameter(name=item["Name"], type=kind, default=default, allowed=allowed)


def is_of_type(value: Any, kind: str) -> bool:
    """Whether a JSON value is a ``String``, ``Integer``, ``Float`` or ``Boolean``."""
    if isinstance(value, bool):
        return kind == "Boolean"
    accepted = {"String": str, "Integer": int, "Float": (int, float), "Boolean": bool}
    return isinstance(value, accepted[kind])  # type: ignore[arg-type]


def _read_steps(reading: Reading, listed: Any) -> None:
    if not isinstance(listed, list) or not listed:
        reading.fault("Steps is not a list of at least one step")
        return
    for step in _steps(reading, listed, "Steps"):
        if step.name in reading.steps:
            reading.fault(f"Step {step.name}: the name is taken by another step")
        reading.steps[step.name] = step
    if len(reading.steps) > MAX_STEPS:
        reading.fault(f"There are {len(reading.steps)} steps; a pipeline has at most {MAX_STEPS}")


def _steps(
    reading: Reading,
    listed: list[Any],
    place: str,
    condition: str | None = None,
    branch: bool | None = None,
) -> Iterator[Step]:
    for index, body in enumerate(listed):
        here = f"{place}[{index}]"
        if not _has_name_and_type(reading, body, here):
            continue
        name, kind = body["Name"], body["Type"]
        own = {**body, "Arguments": _own_arguments(body)}
        yield Step(name=name, type=kind, body=own, condition=condition, branch=branch)
        if kind != "Condition":
            continue
        if condition is not None:
            # "Pipelines doesn't support the use of nested condition steps" (developer guide).
            reading.fault(f"Step {name}: a Condition step cannot stand in a branch of another")
            continue
        for member, taken in (("IfSteps", True), ("ElseSteps", False)):
            inner = (body.get("Arguments") or {}).get(member) or []
            yield from _steps(reading, inner, f"{here}.Arguments.{member}", name, taken)


def _has_name_and_type(reading: Reading, body: Any, place: str) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("Name"), str) or not body["Name"]:
        reading.fault(f"{place} has no Name")
        return False
    if str(body.get("Type")) not in STEP_TYPES:
        reading.fault(f"Step {body['Name']}: there is no step type {body.get('Type')!r}")
        return False
    wrong = _malformed_member(body)
    if wrong is not None:
        reading.fault(f"Step {body['Name']}: {wrong}")
    return wrong is None


def _malformed_member(body: Mapping[str, Any]) -> str | None:
    """The first member of a step that has not the JSON type that it must have, if any."""
    arguments = body.get("Arguments") if body["Type"] == "Condition" else None
    if arguments is not None and not isinstance(arguments, dict):
        return "Arguments is not a JSON object"
    for place in (body, arguments or {}):
        for member in ("OutputParameters", "PropertyFiles", "IfSteps", "ElseSteps"):
            items = place.get(member) or []
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                return f"{member} is not a list of JSON objects"
    return None


def _own_arguments(body: Mapping[str, Any]) -> Any:
    arguments = body.get("Arguments", {})
    if body["Type"] != "Condition" or not isinstance(arguments, dict):
        return arguments
    return {k: v for k, v in arguments.items() if k not in ("IfSteps", "ElseSteps")}
