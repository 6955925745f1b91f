"""A step's arguments against the shape of the AWS request that they become."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.model import Shape

from warmfold.pipeline.document import Document, Step, is_expression
from warmfold.pipeline.faults import Fault, choose, shown
from warmfold.pipeline.resolve import Resolver, Unknown
from warmfold.pipeline.resolved_job import Job
from warmfold.pipeline.validate_jobs import (
    model_faults,
    package_faults,
    processing_faults,
    training_faults,
    transform_faults,
)
from warmfold.pipeline.validate_tuning import tuning_faults
from warmfold_shapes.constraints import Violation, member_at, service_model, violations

Rule = Callable[[Job], Iterator[Fault]]

# Step type -> the operation, the name that SageMaker makes for it, rules beyond the shape.
_OPERATIONS: dict[str, tuple[str, str, Rule]] = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName", processing_faults),
    "Training": ("CreateTrainingJob", "TrainingJobName", training_faults),
    "Tuning": ("CreateHyperParameterTuningJob", "HyperParameterTuningJobName", tuning_faults),
    "Transform": ("CreateTransformJob", "TransformJobName", transform_faults),
    "Model": ("CreateModel", "ModelName", model_faults),
    "RegisterModel": ("CreateModelPackage", "ModelPackageName", package_faults),
}
# What an expression cannot stand for: it gives one value (or a list that a job has).
_COMPOSITE = ("structure", "map")
_SAME = {"long": "integer", "double": "float"}


def argument_faults(document: Document) -> Iterator[Fault]:
    for step in document.steps:
        arguments = step.body.get("Arguments")
        if step.kind not in _OPERATIONS or not isinstance(arguments, dict):
            continue
        if is_expression(arguments):
            remedy = "Write the members; expressions stand for their values"
            yield Fault(
                step=step.label, path="Arguments", problem="is an expression", remedy=remedy
            )
        else:
            yield from _step_faults(document, step)


def _step_faults(document: Document, step: Step) -> Iterator[Fault]:
    operation, name, rule = _OPERATIONS[step.kind]
    resolver = Resolver(document)
    job = Job(step, resolver.resolve(step.arguments), resolver.origins)
    shape = service_model("sagemaker").operation_model(operation).input_shape
    if shape is None:
        raise LookupError(f"{operation} takes nothing")
    # SageMaker makes the name itself; it is the only required member that may be absent.
    request = {name: "x", **job.arguments}
    for violation in violations(shape, request):
        yield from _shape_fault(job, shape, violation)
    yield from rule(job)


def _shape_fault(job: Job, shape: Shape, violation: Violation) -> Iterator[Fault]:
    if isinstance(violation.value, Unknown):
        yield from _kind_fault(job, violation.path, violation.value.kind, violation.constraint)
    elif violation.allowed:
        value = shown(violation.value)
        yield job.fault(
            violation.path,
            f"{value} is no allowed value",
            choose(violation.value, violation.allowed),
        )
    elif violation.constraint.startswith("Unknown member"):
        parent, _, name = violation.path.rpartition(".")
        members = getattr(member_at(shape, parent) if parent else shape, "members", {})
        yield job.fault(violation.path, "is no member of this request", choose(name, members))
    elif violation.value is None:
        yield job.fault(violation.path, "is missing", "SageMaker requires it")
    else:
        yield job.fault(violation.path, f"is {_brief(violation.value)}", _rule(violation))


def _kind_fault(job: Job, path: str, kind: str, constraint: str) -> Iterator[Fault]:
    # "Member must be of type integer", "Member must be a structure": the last word is the kind.
    wanted = constraint.rsplit(" ", 1)[-1]
    wanted = _SAME.get(wanted, wanted)
    if wanted in _COMPOSITE:
        remedy = "Write its members out; an expression stands for a single value"
        yield job.fault(path, f"is an expression where a {wanted} belongs", remedy)
    elif kind not in ("any", wanted) and not (kind == "integer" and wanted == "float"):
        problem = f"is an expression whose value is of type {kind}"
        yield job.fault(path, problem, f"It must be of type {wanted}")


def _brief(value: Any) -> str:
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    if isinstance(value, str) and len(value) > 60:
        return f"{shown(value)} ({len(value)} characters)"
    return shown(value)


def _rule(violation: Violation) -> str:
    return violation.constraint.replace("Member must", "It must")
