"""References and step members of a definition, checked when it is deployed."""

import re
from collections.abc import Iterator
from typing import Any

from warmfold_local.sagemaker import conditions
from warmfold_local.sagemaker.expressions import (
    GET,
    JOIN,
    JSON_GET,
    ExpressionError,
    Found,
    find,
    property_file_of,
)
from warmfold_local.sagemaker.graph import Step, cycle, visible
from warmfold_local.sagemaker.pipeline_definition import (
    Definition,
    Reading,
    read,
)
from warmfold_local.sagemaker.pipeline_policies import policy_faults
from warmfold_shapes.constraints import member_at, service_model
from warmfold_shapes.definitions import EXECUTION_VARIABLES, PROPERTY_OPERATIONS

# Step names are the service's pattern (botocore, StepName) and at least one character.
_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_OUTPUT_TYPES = ("String", "Integer", "Float", "Boolean")
# Outputs of a Lambda step, and of a Callback step (botocore, OutputParameterList).
_MAX_OUTPUTS = 50


def parse(text: str) -> Definition:
    """A checked definition. Raises ``ValidationError`` naming every fault."""
    reading = read(text)
    for step in reading.steps.values():
        for fault in _step_faults(reading, step):
            reading.fault(f"Step {step.name}: {fault}")
    around = cycle(reading.steps)
    if around:
        reading.fault(f"Steps depend on each other in a circle: {' -> '.join(around)}")
    return reading.done()


def _step_faults(reading: Reading, step: Step) -> Iterator[str]:
    if _NAME.fullmatch(step.name) is None:
        yield "the name must be 1 to 64 letters, digits, - and _"
    if not isinstance(step.arguments, dict):
        yield "Arguments is not a JSON object"
        return
    yield from policy_faults(step)
    yield from _member_faults(step)
    for name in step.depends_on:
        yield from _step_reference_faults(reading, step, name, "DependsOn")
    for found in find(step.body):
        for fault in _expression_faults(reading, step, found):
            yield f"{found.place}: {fault}"


def _member_faults(step: Step) -> Iterator[str]:
    if step.type == "Condition":
        listed = step.arguments.get("Conditions")
        if not isinstance(listed, list) or not listed:
            yield "Arguments.Conditions is not a list of at least one condition"
            return
        for index, condition in enumerate(listed):
            yield from conditions.faults(condition, f"Arguments.Conditions[{index}]")
    elif step.type in ("Callback", "Lambda"):
        yield from _caller_faults(step)
    elif step.type == "Fail" and "ErrorMessage" not in step.arguments:
        yield "Arguments has no ErrorMessage"


def _caller_faults(step: Step) -> Iterator[str]:
    """A Callback step's queue may be an expression; a Lambda step's function may not."""
    if step.type == "Lambda" and not isinstance(step.body.get("FunctionArn"), str):
        yield "FunctionArn is not a text"
    if step.type == "Callback" and not step.body.get("SqsQueueUrl"):
        yield "there is no SqsQueueUrl"
    outputs = step.body.get("OutputParameters") or []
    if len(outputs) > _MAX_OUTPUTS:
        yield f"there are more than {_MAX_OUTPUTS} OutputParameters"
    for index, output in enumerate(outputs):
        name = output.get("OutputName")
        if output.get("OutputType") not in _OUTPUT_TYPES or not name or not isinstance(name, str):
            yield f"OutputParameters[{index}] needs OutputName and OutputType of {_OUTPUT_TYPES}"


def _expression_faults(reading: Reading, step: Step, found: Found) -> Iterator[str]:
    if found.name == GET:
        yield from _get_faults(reading, step, found.argument)
    elif found.name == JSON_GET:
        yield from _json_get_faults(reading, found.argument)
    elif found.name != JOIN:
        yield f"there is no function {found.name}"
    elif not isinstance(found.argument, dict) or not isinstance(found.argument.get("Values"), list):
        yield 'Std:Join needs "Values", a list'


def _get_faults(reading: Reading, step: Step, argument: Any) -> Iterator[str]:
    kind, _, rest = str(argument).partition(".")
    if kind == "Parameters":
        if rest not in reading.parameters:
            yield f"there is no parameter {rest!r}"
    elif kind == "Execution":
        if rest not in EXECUTION_VARIABLES:
            yield f"there is no execution variable {rest!r}"
    elif kind == "Steps":
        name, _, path = rest.partition(".")
        yield from _step_reference_faults(reading, step, name, str(argument))
        other = reading.steps.get(name)
        if other is not None and not path.startswith("PropertyFiles."):
            yield from _path_faults(other, path)
    else:
        yield f"Get takes Parameters, Execution or Steps, not {argument!r}"


def _step_reference_faults(reading: Reading, step: Step, name: str, what: str) -> Iterator[str]:
    other = reading.steps.get(name)
    if other is None:
        yield f"{what} names the step {name!r}, which does not exist"
    elif not visible(step, other):
        yield f"{what} names {name!r}, which stands in a branch that may not run"


def _path_faults(step: Step, path: str) -> Iterator[str]:
    if step.type in ("Callback", "Lambda"):
        declared = [item.get("OutputName") for item in step.body.get("OutputParameters") or []]
        if path not in [f"OutputParameters['{name}']" for name in declared]:
            yield f"{step.type} step {step.name} declares no output for {path!r}"
    elif step.type == "Condition":
        if path != "Outcome":
            yield f"Condition step {step.name} has Outcome, and no {path!r}"
    elif step.type in PROPERTY_OPERATIONS and not any(
        _reaches(operation, path) for operation in PROPERTY_OPERATIONS[step.type]
    ):
        yield f"{step.type} step {step.name} has no property {path!r}"


def _reaches(operation: str, path: str) -> bool:
    shape = service_model("sagemaker").operation_model(operation).output_shape
    return path != "" and shape is not None and member_at(shape, path) is not None


def _json_get_faults(reading: Reading, argument: Any) -> Iterator[str]:
    if not isinstance(argument, dict) or not isinstance(argument.get("Path"), str):
        yield 'Std:JsonGet needs "Path", a text'
        return
    if "S3Uri" in argument:
        return
    try:
        step, name = property_file_of(argument)
    except ExpressionError as error:
        yield str(error)
        return
    other = reading.steps.get(step)
    if other is not None and name not in property_files(other):
        yield f"step {step} declares no property file {name!r}"


def property_files(step: Step) -> dict[str, Any]:
    """A Processing step's property files, by name."""
    return {
        str(item.get("PropertyFileName")): item for item in step.body.get("PropertyFiles") or []
    }
