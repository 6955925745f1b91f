"""Expressions: well formed, and referring to something that exists."""

from collections.abc import Iterator
from typing import Any

from warmfold.pipeline.document import (
    EXPRESSIONS,
    Document,
    Step,
    expressions,
    is_expression,
    mapping,
    own_content,
    sequence,
    text,
)
from warmfold.pipeline.faults import Fault, choose, shown
from warmfold.pipeline.properties import resolve_reference


def reference_faults(document: Document) -> Iterator[Fault]:
    for step in document.steps:
        content = own_content(step)
        yield from _mixed_faults(step.label, content, "")
        for path, expression in expressions(content, ""):
            yield from _expression_faults(document, step.label, path, expression)
    config = document.raw.get("PipelineExperimentConfig")
    for path, expression in expressions(config, "PipelineExperimentConfig"):
        yield from _expression_faults(document, "", path, expression)


def referenced_steps(step: Step) -> Iterator[tuple[str, str]]:
    """Path and name of every step that this one refers to in its own content."""
    for path, expression in expressions(own_content(step), ""):
        for reference in _references(expression):
            root, _, rest = reference.partition(".")
            if root == "Steps":
                yield path, rest.partition(".")[0]


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "Get" and isinstance(member, str):
                yield member
            else:
                yield from _references(member)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _expression_faults(
    document: Document, step: str, path: str, expression: dict[str, Any]
) -> Iterator[Fault]:
    if "Get" in expression:
        yield from _get_faults(document, step, path, expression["Get"])
    elif "Std:Join" in expression:
        yield from _join_faults(document, step, path, expression["Std:Join"])
    else:
        yield from _json_get_faults(document, step, path, expression["Std:JsonGet"])


def _get_faults(document: Document, step: str, path: str, reference: object) -> Iterator[Fault]:
    target = resolve_reference(document, reference)
    if target.problem:
        problem = f"Get {shown(reference)}: {target.problem}"
        yield Fault(step=step, path=path, problem=problem, remedy=target.remedy)


def _join_faults(document: Document, step: str, path: str, body: object) -> Iterator[Fault]:
    values = mapping(body).get("Values")
    unknown = mapping(body).keys() - {"On", "Values"}
    separator = mapping(body).get("On", "")
    if not isinstance(values, list) or not values or unknown or not isinstance(separator, str):
        yield Fault(
            step=step,
            path=path,
            problem=f"Std:Join of {shown(body)}",
            remedy='Write {"On": "<separator>", "Values": [...]}',
        )
    for index, value in enumerate(sequence(values)):
        place = f"{path}.Std:Join.Values[{index}]"
        if is_expression(value):
            yield from _expression_faults(document, step, place, value)
        elif not isinstance(value, str | int | float):
            yield Fault(
                step=step,
                path=place,
                problem=f"is {shown(value)}",
                remedy="Join strings, numbers and expressions only",
            )


def _json_get_faults(document: Document, step: str, path: str, body: object) -> Iterator[Fault]:
    members = mapping(body)
    if not text(members.get("Path")):
        yield Fault(
            step=step,
            path=f"{path}.Std:JsonGet.Path",
            problem="is missing or no text",
            remedy="Give the value's JSONPath, as a plain string",
        )
    if ("PropertyFile" in members) == ("S3Uri" in members):
        yield Fault(
            step=step,
            path=path,
            problem=f"Std:JsonGet of {shown(body)}",
            remedy="Give either PropertyFile or S3Uri",
        )
    elif "PropertyFile" in members:
        reference = mapping(members["PropertyFile"]).get("Get")
        yield from _property_file_faults(document, step, path, reference)
    else:
        yield from _s3_uri_faults(document, step, path, members["S3Uri"])


def _property_file_faults(
    document: Document, step: str, path: str, reference: object
) -> Iterator[Fault]:
    place = f"{path}.Std:JsonGet.PropertyFile"
    parts = text(reference).split(".")
    if len(parts) != 4 or parts[0] != "Steps" or parts[2] != "PropertyFiles":
        yield Fault(
            step=step,
            path=place,
            problem=f"is {shown(reference)}",
            remedy='Write {"Get": "Steps.<step>.PropertyFiles.<name>"}',
        )
        return
    source = document.step(parts[1])
    names = [step.name for step in document.steps if step.kind == "Processing"]
    if source is None or source.kind != "Processing":
        yield Fault(
            step=step,
            path=place,
            problem=f"there is no processing step {parts[1]}",
            remedy=choose(parts[1], names),
        )
        return
    files = map(mapping, sequence(source.body.get("PropertyFiles")))
    declared = [text(file.get("PropertyFileName")) for file in files]
    if parts[3] not in declared:
        yield Fault(
            step=step,
            path=place,
            problem=f"step {parts[1]} declares no property file {parts[3]}",
            remedy=f"Add it to the step's PropertyFiles. {choose(parts[3], declared)}",
        )


def _s3_uri_faults(document: Document, step: str, path: str, value: object) -> Iterator[Fault]:
    place = f"{path}.Std:JsonGet.S3Uri"
    if "Std:Join" not in mapping(value):
        yield Fault(
            step=step,
            path=place,
            problem=f"is {shown(value)}",
            remedy="SageMaker wants a Std:Join here",
        )
    else:
        yield from _join_faults(document, step, place, mapping(value)["Std:Join"])


def _mixed_faults(step: str, value: object, path: str) -> Iterator[Fault]:
    """An object that looks like an expression but has other members too."""
    if isinstance(value, dict):
        standard = [name for name in EXPRESSIONS if name != "Get" and name in value]
        if standard and len(value) > 1:
            yield Fault(
                step=step,
                path=path,
                problem=f"{standard[0]} stands beside {sorted(value.keys() - set(standard))}",
                remedy="An expression is an object with one member",
            )
        for name, member in value.items():
            yield from _mixed_faults(step, member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mixed_faults(step, item, f"{path}[{index}]")
