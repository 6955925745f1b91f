"""How a mutation is written down.

``broken(name, step, change, *words)``: after ``change`` (to ``step``, or to the step ``at``),
a message names ``step`` and holds every one of ``words``.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.unit.pipeline.examples import step_of

CONFIG = "Arguments.HyperParameterTuningJobConfig"
TRIAL = "Arguments.TrainingJobDefinition"
METRICS = f"{TRIAL}.AlgorithmSpecification.MetricDefinitions"
RANGES = f"{CONFIG}.ParameterRanges"
OUTPUTS = "Arguments.ProcessingOutputConfig.Outputs"
CLUSTER = "Arguments.ProcessingResources.ClusterConfig"

Change = Callable[[dict[str, Any]], None]


class Mutation(NamedTuple):
    name: str
    step: str
    words: tuple[str, ...]
    change: Change
    changed_step: str

    def apply(self, definition: dict[str, Any]) -> None:
        self.change(step_of(definition, self.changed_step))


def broken(name: str, step: str, change: Change, *words: str, at: str = "") -> Mutation:
    return Mutation(name, step, words, change, at or step)


def put(path: str, value: object) -> Change:
    """Set what stands at a dotted path; a number is an index."""

    def change(step: dict[str, Any]) -> None:
        parent, last = _parent(step, path)
        parent[last] = value

    return change


def drop(path: str) -> Change:
    def change(step: dict[str, Any]) -> None:
        parent, last = _parent(step, path)
        del parent[last]

    return change


def repeat(path: str) -> Change:
    """Append a copy of a list's first item."""

    def change(step: dict[str, Any]) -> None:
        parent, last = _parent(step, path)
        parent[last].append(dict(parent[last][0]))

    return change


def many(*changes: Change) -> Change:
    def change(step: dict[str, Any]) -> None:
        for one in changes:
            one(step)

    return change


def get(reference: str) -> dict[str, str]:
    return {"Get": reference}


def _parent(node: Any, path: str) -> tuple[Any, Any]:
    *parts, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parts:
        node = node[part]
    return node, last
