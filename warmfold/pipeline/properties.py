"""What a ``Get`` refers to: does it exist, and which kind of value does it give.

A step's properties are what its Describe operation answers (SageMaker developer guide, "Step
properties"); a tuning step also has ListTrainingJobsForHyperParameterTuningJob's answer.
"""

import re
from dataclasses import dataclass

from botocore.model import Shape

from warmfold.pipeline.document import Document, Step, at, mapping, sequence, text
from warmfold.pipeline.faults import choose
from warmfold_shapes.constraints import member_at, service_model
from warmfold_shapes.definitions import EXECUTION_VARIABLES, PROPERTY_OPERATIONS

_REFERENCE = re.compile(r"(Parameters|Execution|Steps)\.([A-Za-z0-9\-_]+)(?:\.(.+))?")
_PATH = re.compile(r"\w+(\[\d+\]|\['[^']+'\])*(\.\w+(\[\d+\]|\['[^']+'\])*)*")
_NAMED_ITEM = re.compile(r"(ProcessingInputs|ProcessingOutputConfig\.Outputs)\['([^']+)'\]")
_OUTPUT_PARAMETER = re.compile(r"OutputParameters\['([^']+)'\]")
_PLAIN = ("string", "integer", "float", "boolean")
_KINDS = {"long": "integer", "double": "float", "timestamp": "any", "blob": "any"}


@dataclass(frozen=True)
class Target:
    """``kind`` is botocore's word (``string``, ``integer``, ``list`` …) or ``any``; ``step`` is
    the step referred to. With a ``problem`` the reference is wrong."""

    kind: str = "any"
    step: str = ""
    problem: str = ""
    remedy: str = ""


def resolve_reference(document: Document, reference: object) -> Target:
    """What ``{"Get": reference}`` gives."""
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if match is None:
        return Target(
            problem="is not a reference",
            remedy="Write Parameters.<name>, Execution.<name> or Steps.<step>.<property>",
        )
    root, name, path = match.groups()
    if root == "Steps":
        return _step_target(document, name, path or "")
    if path:
        return Target(problem=f"{root}.{name} has no members", remedy=f"Leave out {path!r}")
    return _parameter_target(document, name) if root == "Parameters" else _variable_target(name)


def _parameter_target(document: Document, name: str) -> Target:
    if name not in document.parameters:
        known = choose(name, document.parameters)
        return Target(problem=f"there is no parameter {name}", remedy=f"Declare it. {known}")
    kind = text(document.parameters[name].get("Type")).lower()
    return Target(kind=kind if kind in _PLAIN else "any")


def _variable_target(name: str) -> Target:
    if name in EXECUTION_VARIABLES:
        return Target(kind="string")
    return Target(
        problem=f"there is no execution variable {name}", remedy=choose(name, EXECUTION_VARIABLES)
    )


def _step_target(document: Document, name: str, path: str) -> Target:
    step = document.step(name)
    if step is None:
        names = [step.name for step in document.steps if step.name]
        return Target(problem=f"there is no step {name}", remedy=choose(name, names))
    target = _property_target(step, path)
    return Target(target.kind, name, target.problem, target.remedy)


def _property_target(step: Step, path: str) -> Target:
    if step.kind in ("Lambda", "Callback"):
        return _output_target(step, path)
    if step.kind == "Condition":
        return _only(step, path, "Outcome")
    if step.kind == "Fail":
        return Target(problem=f"Fail step {step.name} has no properties", remedy="Remove it")
    if step.kind not in PROPERTY_OPERATIONS:
        return Target()
    shape = property_shape(step.kind, path)
    if shape is None:
        operations = " or ".join(PROPERTY_OPERATIONS[step.kind])
        return Target(
            problem=f"{step.kind} step {step.name} has no property {path!r}",
            remedy=f"Use a member of {operations}'s answer{_close_member(step.kind, path)}",
        )
    return _named_item(step, path) or Target(kind=_KINDS.get(shape.type_name, shape.type_name))


def property_shape(kind: str, path: str) -> Shape | None:
    """The shape at ``path`` in what a step of this kind offers."""
    if not _PATH.fullmatch(path):
        return None
    found = (member_at(_answer(operation), path) for operation in PROPERTY_OPERATIONS[kind])
    return next((shape for shape in found if shape is not None), None)


def _answer(operation: str) -> Shape:
    shape = service_model("sagemaker").operation_model(operation).output_shape
    if shape is None:
        raise LookupError(f"{operation} answers nothing")
    return shape


def _close_member(kind: str, path: str) -> str:
    first = re.split(r"[.\[]", path)[0]
    members = [
        name for operation in PROPERTY_OPERATIONS[kind] for name in _members(_answer(operation))
    ]
    hint = choose(first, members)
    return f". {hint}" if hint.startswith("Close") and first not in members else ""


def _members(shape: Shape) -> list[str]:
    return list(getattr(shape, "members", {}))


def _named_item(step: Step, path: str) -> Target | None:
    """A processing input or output is chosen by its name, which must be one of the step's."""
    match = _NAMED_ITEM.match(path)
    if match is None or step.kind != "Processing":
        return None
    where, name = match.groups()
    member = "InputName" if where == "ProcessingInputs" else "OutputName"
    names = [text(mapping(item).get(member)) for item in sequence(at(step.arguments, where))]
    if name in names:
        return None
    what = "input" if member == "InputName" else "output"
    return Target(problem=f"step {step.name} has no {what} {name!r}", remedy=choose(name, names))


def _output_target(step: Step, path: str) -> Target:
    match = _OUTPUT_PARAMETER.fullmatch(path)
    if match is None:
        return Target(
            problem=f"{step.kind} step {step.name} has no property {path!r}",
            remedy="Use OutputParameters['<name>']",
        )
    outputs = map(mapping, sequence(step.body.get("OutputParameters")))
    kinds = {text(output.get("OutputName")): text(output.get("OutputType")) for output in outputs}
    if match[1] not in kinds:
        return Target(
            problem=f"step {step.name} declares no output {match[1]!r}",
            remedy=f"Declare it in OutputParameters. {choose(match[1], kinds)}",
        )
    kind = kinds[match[1]].lower()
    return Target(kind=kind if kind in _PLAIN else "any")


def _only(step: Step, path: str, name: str) -> Target:
    if path == name:
        return Target(kind="string")
    return Target(
        problem=f"{step.kind} step {step.name} has no property {path!r}", remedy=f"Use {name}"
    )
