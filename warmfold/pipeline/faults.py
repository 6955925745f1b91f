"""A fault in a pipeline definition, and the error that lists them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from warmfold.errors import WarmfoldError

_VALUE_LIMIT = 100


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that SageMaker would refuse, or that would fail at run time.

    ``step`` is empty for a fault of the document itself. ``path`` is dotted and begins at the
    step (``Arguments.ResourceConfig.InstanceType``) or at the document (``Parameters[2].Type``).
    """

    step: str
    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = f"step {self.step}" if self.step else "pipeline definition"
        path = f", {self.path}" if self.path else ""
        return f"{place}{path}: {self.problem}. {self.remedy}"


class DefinitionError(WarmfoldError):
    """A definition with faults; the message lists every one with its step."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        noun = "fault" if len(faults) == 1 else "faults"
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"the pipeline definition has {len(faults)} {noun}:\n{lines}")
        self.faults = tuple(faults)


def shown(value: object) -> str:
    """A value as a message shows it: one line, not too long."""
    text = repr(value)
    return text if len(text) <= _VALUE_LIMIT else f"{text[: _VALUE_LIMIT - 1]}…"


def choose(value: object, allowed: Iterable[str]) -> str:
    """A remedy that names the allowed values if they are few, and close ones if they are many."""
    names = sorted(set(allowed))
    if not names:
        return "There is none"
    if len(names) <= 12:
        return f"Use one of {', '.join(names)}"
    close = get_close_matches(str(value), names, n=4, cutoff=0.5)
    if close:
        return f"Close to it: {', '.join(close)} ({len(names)} are allowed)"
    return f"{len(names)} are allowed, none close to this one"
