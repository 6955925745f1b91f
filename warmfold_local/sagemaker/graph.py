"""In which order steps may run: references and ``DependsOn`` between them. Pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from warmfold_local.sagemaker.expressions import GET, find


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a definition. One inside a Condition step's branch knows which one.

    ``body`` is the step as deployed, without the branches if it is a Condition step.
    """

    name: str
    type: str
    body: Mapping[str, Any]
    condition: str | None = None
    branch: bool | None = None

    @property
    def arguments(self) -> Any:
        return self.body.get("Arguments", {})

    @property
    def depends_on(self) -> tuple[str, ...]:
        return tuple(self.body.get("DependsOn") or ())


Steps = Mapping[str, Step]


def referenced_steps(step: Step) -> Iterator[tuple[str, str]]:
    """Place and name of every step that a ``Get`` in the step's body names."""
    for found in find(step.body):
        if found.name == GET and str(found.argument).startswith("Steps."):
            yield found.place, str(found.argument).split(".")[1]


def dependencies(steps: Steps) -> dict[str, frozenset[str]]:
    """For each step the steps that must have succeeded before it starts.

    A step in a branch also waits for its Condition step.
    """
    return {name: frozenset(_before(step)) for name, step in steps.items()}


def cycle(steps: Steps) -> list[str]:
    """The names along a cycle, first and last the same; empty if there is none."""
    known = {
        name: {other for other in before if other in steps}
        for name, before in dependencies(steps).items()
    }
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def ready(steps: Steps, succeeded: Mapping[str, Any], begun: AbstractSet[str]) -> list[str]:
    """Steps that may start now, in the definition's order.

    ``succeeded`` maps a finished step to its outputs, and a Condition step to the branch it took
    (``{"Outcome": "True"}``); ``begun`` are all that were started, whatever became of them.
    """
    waits = dependencies(steps)
    return [
        name
        for name, step in steps.items()
        if name not in begun and waits[name] <= succeeded.keys() and _taken(step, succeeded)
    ]


def visible(step: Step, other: Step) -> bool:
    """Whether ``step`` may refer to ``other``.

    A branch may not run at all, so that only its own steps can wait for one in it.
    """
    same_branch = (step.condition, step.branch) == (other.condition, other.branch)
    return other.condition is None or same_branch


def _before(step: Step) -> Iterator[str]:
    yield from step.depends_on
    yield from (name for _, name in referenced_steps(step))
    if step.condition is not None:
        yield step.condition


def _taken(step: Step, succeeded: Mapping[str, Any]) -> bool:
    if step.condition is None:
        return True
    return bool(succeeded[step.condition]["Outcome"] == str(step.branch))
