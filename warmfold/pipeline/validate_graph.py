"""The order of steps: dependencies exist, can be met, and form no cycle.

A step runs after those it refers to or depends on. A step in a branch may never run, so nothing
outside that branch may wait for it.
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from warmfold.pipeline.document import Document, Step, mapping, sequence
from warmfold.pipeline.faults import Fault, choose, shown
from warmfold.pipeline.validate_references import referenced_steps

_TRIGGERS = ("Completed", "Failed", "Stopped", "Any")


def graph_faults(document: Document) -> Iterator[Fault]:
    for step in document.steps:
        yield from _depends_on_faults(document, step)
        yield from _scope_faults(document, step)
    yield from _cycle_faults(document)


def _depends_on(step: Step) -> Iterator[tuple[str, str]]:
    """Path and name of each explicit dependency; an entry may carry a run condition."""
    for index, entry in enumerate(sequence(step.body.get("DependsOn"))):
        name = mapping(entry).get("Step", entry)
        if isinstance(name, str):
            yield f"DependsOn[{index}]", name


def _dependencies(step: Step) -> Iterator[tuple[str, str]]:
    yield from _depends_on(step)
    yield from referenced_steps(step)


def _depends_on_faults(document: Document, step: Step) -> Iterator[Fault]:
    value = step.body.get("DependsOn", [])
    entries = sequence(value)
    if not isinstance(value, list) or not all(_is_dependency(entry) for entry in entries):
        yield Fault(
            step=step.label,
            path="DependsOn",
            problem=f"is {shown(value)}",
            remedy="Give a list of step names",
        )
    for path, name in _depends_on(step):
        if document.step(name) is None:
            names = [other.name for other in document.steps if other.name]
            yield Fault(
                step=step.label,
                path=path,
                problem=f"there is no step {name}",
                remedy=choose(name, names),
            )


def _is_dependency(entry: object) -> bool:
    if isinstance(entry, str):
        return True
    body = mapping(entry)
    return (
        body.keys() <= {"Step", "Trigger"}
        and isinstance(body.get("Step"), str)
        and body.get("Trigger", "Completed") in _TRIGGERS
    )


def _scope_faults(document: Document, step: Step) -> Iterator[Fault]:
    for path, name in _dependencies(step):
        other = document.step(name)
        if other is None or step.branch[: len(other.branch)] == other.branch:
            continue
        condition, side = other.branch[-1]
        yield Fault(
            step=step.label,
            path=path,
            problem=f"waits for step {name}, which is in {side} of {condition} and may never run",
            remedy=f"Move this step into the same branch, or {name} out of it",
        )


def _cycle_faults(document: Document) -> Iterator[Fault]:
    graph: TopologicalSorter[str] = TopologicalSorter()
    for step in document.steps:
        enclosing = [condition for condition, _ in step.branch[-1:]]
        graph.add(step.name, *(name for _, name in _dependencies(step)), *enclosing)
    try:
        graph.prepare()
    except CycleError as error:
        names = list(reversed(error.args[1]))
        yield Fault(
            step=names[0],
            path="",
            problem=f"steps wait for each other: {' → '.join(names)}",
            remedy="Remove one of these references or DependsOn entries",
        )
