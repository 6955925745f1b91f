"""The validator: what is wrong with a pipeline definition, any definition, before it is deployed.

Each concern has a module of its own (``validate_*``); a check is a function from the document or
from a step to faults, and none of them raises on malformed input.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from warmfold.pipeline.document import Document, read_document
from warmfold.pipeline.faults import DefinitionError, Fault
from warmfold.pipeline.validate_arguments import argument_faults
from warmfold.pipeline.validate_conditions import condition_faults
from warmfold.pipeline.validate_document import document_faults
from warmfold.pipeline.validate_graph import graph_faults
from warmfold.pipeline.validate_references import reference_faults
from warmfold.pipeline.validate_steps import step_faults

# AWS::SageMaker::Pipeline and CreatePipeline: PipelineDefinition, at most 1,048,576 characters.
SIZE_LIMIT = 1_048_576
# No SageMaker request nests anything like this deep; beyond it the checks' recursion would not
# end well.
DEPTH_LIMIT = 60

_CHECKS: tuple[Callable[[Document], Iterator[Fault]], ...] = (
    document_faults,
    step_faults,
    graph_faults,
    reference_faults,
    condition_faults,
    argument_faults,
)


def faults(definition: object) -> list[Fault]:
    """Everything that is wrong with ``definition``; empty if nothing is."""
    try:
        body = json.dumps(definition, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return [_whole(f"is not JSON ({error})", "Make it of objects, lists and plain values")]
    if len(body) > SIZE_LIMIT:
        return [_whole(f"has {len(body)} characters", f"SageMaker takes {SIZE_LIMIT} at most")]
    raw = json.loads(body)  # what SageMaker gets: tuples are lists, keys are strings
    if not isinstance(raw, dict):
        return [_whole("is not a JSON object", "Give Version, Parameters and Steps")]
    if _depth(raw) > DEPTH_LIMIT:
        return [_whole("is nested too deep", f"{DEPTH_LIMIT} levels are the most")]
    document = read_document(raw)
    return [fault for check in _CHECKS for fault in check(document)]


def require_valid(definition: Mapping[str, Any]) -> None:
    """Raises ``DefinitionError``, which lists every fault with its step."""
    found = faults(definition)
    if found:
        raise DefinitionError(found)


def _whole(problem: str, remedy: str) -> Fault:
    return Fault(step="", path="", problem=problem, remedy=remedy)


def _depth(value: object) -> int:
    deepest, level = 0, [value]
    while level and deepest <= DEPTH_LIMIT:
        deepest += 1
        level = [item for node in level for item in _children(node)]
    return deepest


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []
