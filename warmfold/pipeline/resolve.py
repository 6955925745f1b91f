"""A step's arguments with every expression replaced by a value, as far as it is known.

Parameters become their default values, so that a bad default (an instance type, say) is found
where it is used; what only the run or the deployment knows becomes ``Unknown``.
"""

from dataclasses import dataclass, field
from typing import Any

from warmfold.pipeline.document import (
    Document,
    is_expression,
    is_token,
    mapping,
    number,
    sequence,
    text,
)
from warmfold.pipeline.properties import resolve_reference

# Twelve letters and digits, as SageMaker makes them.
_EXECUTION_ID = "abcdefghijkl"


@dataclass(frozen=True)
class Unknown:
    """A value of a known kind: botocore's word, or ``any``."""

    kind: str = "any"


@dataclass
class Resolver:
    """``origins`` maps a path to the parameter whose default value stands there."""

    document: Document
    origins: dict[str, str] = field(default_factory=dict)

    def resolve(self, value: object, path: str = "") -> Any:
        if is_expression(value):
            return self._expression(mapping(value), path)
        if isinstance(value, dict):
            return {
                name: self.resolve(member, f"{path}.{name}" if path else name)
                for name, member in value.items()
            }
        if isinstance(value, list):
            return [self.resolve(item, f"{path}[{index}]") for index, item in enumerate(value)]
        return Unknown("string") if is_token(value) else value

    def _expression(self, value: dict[str, Any], path: str) -> Any:
        if "Get" in value:
            return self._get(text(value["Get"]), path)
        if "Std:Join" in value:
            return self._join(mapping(value["Std:Join"]))
        return Unknown()

    def _get(self, reference: str, path: str) -> Any:
        root, _, name = reference.partition(".")
        if reference == "Execution.PipelineExecutionId":
            return _EXECUTION_ID
        default = self.document.parameters.get(name, {}).get("DefaultValue")
        if root == "Parameters" and default is not None:
            self.origins[path] = name
            return Unknown("string") if is_token(default) else default
        return Unknown(resolve_reference(self.document, reference).kind)

    def _join(self, body: dict[str, Any]) -> Any:
        parts = [self.resolve(part) for part in sequence(body.get("Values"))]
        if all(isinstance(part, str) or number(part) is not None for part in parts):
            return text(body.get("On")).join(str(part) for part in parts)
        return Unknown("string")
