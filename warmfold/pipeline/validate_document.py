"""The document as such: version, parameters, and each step's name, type and members."""

import re
from collections.abc import Iterator
from typing import Any

from warmfold.pipeline.document import Document, Step, is_token, mapping, sequence
from warmfold.pipeline.faults import Fault, choose, shown

# Service quotas, "Steps per pipeline" (not adjustable) and "Parameters per pipeline".
STEP_LIMIT = 50
PARAMETER_LIMIT = 200
# Pipeline definition JSON schema, ParameterName and StepName.
_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_MEMBERS = (
    "Version",
    "Metadata",
    "Parameters",
    "PipelineExperimentConfig",
    "MlflowConfig",
    "Steps",
)
_PARAMETER_MEMBERS = ("Name", "Type", "DefaultValue", "EnumValues", "Description")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}
_COMMON = ("Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description")
_OWN: dict[str, tuple[str, ...]] = {
    "Processing": ("RetryPolicies", "CacheConfig", "PropertyFiles"),
    "Training": ("RetryPolicies", "CacheConfig"),
    "Tuning": ("RetryPolicies", "CacheConfig"),
    "Transform": ("RetryPolicies", "CacheConfig"),
    "Model": ("RetryPolicies",),
    "RegisterModel": ("RetryPolicies",),
    "Lambda": ("FunctionArn", "OutputParameters", "CacheConfig"),
    "Callback": ("SqsQueueUrl", "OutputParameters", "CacheConfig"),
    "Condition": (),
    "Fail": (),
}
# Step types of SageMaker whose arguments this validator does not know.
_UNCHECKED = (
    "AutoML",
    "ClarifyCheck",
    "Cleanup",
    "EMR",
    "EMRServerless",
    "Endpoint",
    "EndpointConfig",
    "ForEach",
    "InferenceComponent",
    "Job",
    "Lineage",
    "NotebookJob",
    "QualityCheck",
)


def document_faults(document: Document) -> Iterator[Fault]:
    raw = document.raw
    for name in raw.keys() - set(_MEMBERS):
        yield _fault(name, "is no member of a pipeline definition", choose(name, _MEMBERS))
    if raw.get("Version") != "2020-12-01":
        yield _fault("Version", f"is {shown(raw.get('Version'))}", "Use '2020-12-01'")
    yield from _parameters_faults(raw.get("Parameters", []))
    if not isinstance(raw.get("Steps"), list) or not raw["Steps"]:
        yield _fault("Steps", "must be a list with at least one step", "Add steps")
    if len(document.steps) > STEP_LIMIT:
        yield _fault(
            "Steps",
            f"{len(document.steps)} steps, those in branches included",
            f"SageMaker takes {STEP_LIMIT} at most",
        )
    for step in document.steps:
        yield from _step_faults(step)
    yield from _duplicates("Steps", "step", [step.name for step in document.steps if step.name])


def _parameters_faults(value: object) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield _fault("Parameters", "must be a list", "Give one object a parameter")
        return
    if len(value) > PARAMETER_LIMIT:
        yield _fault(
            "Parameters", f"{len(value)} parameters", f"SageMaker takes {PARAMETER_LIMIT} at most"
        )
    for index, item in enumerate(value):
        if isinstance(item, dict):
            yield from _parameter_faults(f"Parameters[{index}]", item)
        else:
            yield _fault(f"Parameters[{index}]", "must be an object", "Give Name and Type")
    names = [mapping(item).get("Name") for item in value]
    yield from _duplicates("Parameters", "parameter", [n for n in names if isinstance(n, str)])


def _parameter_faults(path: str, body: dict[str, Any]) -> Iterator[Fault]:
    name = body.get("Name")
    label = f"{path} ({name})" if isinstance(name, str) else path
    yield from _name_faults(f"{label}.Name", name, "")
    for member in body.keys() - set(_PARAMETER_MEMBERS):
        remedy = choose(member, _PARAMETER_MEMBERS)
        yield _fault(f"{label}.{member}", "is no member of a parameter", remedy)
    kind = body.get("Type")
    if not isinstance(kind, str) or kind not in _PYTHON_TYPES:
        yield _fault(f"{label}.Type", f"is {shown(kind)}", choose(kind, _PYTHON_TYPES))
        return
    if "DefaultValue" in body:
        yield from _default_faults(f"{label}.DefaultValue", body["DefaultValue"], kind)
    if "EnumValues" in body:
        yield from _enum_faults(label, body, kind)


def _default_faults(path: str, value: object, kind: str) -> Iterator[Fault]:
    if not _is_a(value, kind):
        yield _fault(path, f"is {shown(value)}, which is no {kind}", f"Give a {kind}")


def _is_a(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "Boolean"
    return isinstance(value, _PYTHON_TYPES[kind])


def _enum_faults(label: str, body: dict[str, Any], kind: str) -> Iterator[Fault]:
    values = body["EnumValues"]
    if kind != "String" or not values or not all(isinstance(v, str) for v in sequence(values)):
        yield _fault(f"{label}.EnumValues", f"is {shown(values)}", "Only strings, for a String")
        return
    default = body.get("DefaultValue")
    if default is not None and default not in sequence(values) and not is_token(default):
        yield _fault(
            f"{label}.DefaultValue",
            f"is {shown(default)}, which is not among its EnumValues",
            choose(default, sequence(values)),
        )


def _step_faults(step: Step) -> Iterator[Fault]:
    yield from _name_faults("Name", step.body.get("Name"), step.label)
    kind = step.body.get("Type")
    if not isinstance(kind, str) or kind not in (*_OWN, *_UNCHECKED):
        yield Fault(
            step=step.label,
            path="Type",
            problem=f"is {shown(kind)}, which is no step type",
            remedy=choose(kind, _OWN),
        )
        return
    if kind not in ("Lambda", "Callback") and not isinstance(step.body.get("Arguments"), dict):
        yield Fault(
            step=step.label,
            path="Arguments",
            problem="is missing or no object",
            remedy=f"Give a {kind} step its arguments",
        )
    if kind in _OWN:
        allowed = (*_COMMON, *_OWN[kind])
        for name in step.body.keys() - set(allowed):
            yield Fault(
                step=step.label,
                path=name,
                problem=f"is no member of a {kind} step",
                remedy=choose(name, allowed),
            )


def _name_faults(path: str, name: object, step: str) -> Iterator[Fault]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield Fault(
            step=step,
            path=path,
            problem=f"is {shown(name)}",
            remedy="Use 1 to 64 letters, digits, hyphens and underscores",
        )


def _duplicates(path: str, what: str, names: list[str]) -> Iterator[Fault]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(
            step=name if what == "step" else "",
            path=path,
            problem=f"{names.count(name)} {what}s are named {name}",
            remedy="Give each a name of its own",
        )


def _fault(path: str, problem: str, remedy: str) -> Fault:
    return Fault(step="", path=path, problem=problem, remedy=remedy)
