"""What a coordinator is given: a trial, its jobs, and the fold that it may train itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from warmfold_trainer.fan_out.folds import JobSummary

Result = TypeVar("Result")
Given = TypeVar("Given", covariant=True)


class Jobs(Protocol[Given]):
    """The jobs of one trial's folds. Every method is one call, and raises ``CallError``."""

    def create(self, name: str, fold: int) -> None: ...

    def list_page(
        self, name_contains: str, token: str | None
    ) -> tuple[list[JobSummary], str | None]: ...

    def failure_reason(self, name: str) -> str: ...

    def stop(self, name: str) -> None: ...

    def result(self, name: str, fold: int) -> Given:
        """What a completed fold left; raises ``UserError`` if it is not this trial's fold."""


class OwnFold(Protocol[Given]):
    """The fold that the trial trains itself, while it watches the others."""

    def start(self) -> None: ...

    def result(self) -> Given | None:
        """None while it trains; raises what the training raised."""

    def cancel(self) -> None:
        """Nobody waits for it any more."""


@dataclass(frozen=True, kw_only=True)
class Trial(Generic[Result]):
    """What is to be done. ``own`` stands for fold 1. ``stops_here(results)`` is asked after each
    fold, in fold order, with the results up to it; the folds that are left are then given up."""

    name: str
    folds: int
    wave: int
    keeps_pools: bool
    instance_type: str
    stops_here: Callable[[Sequence[Result]], bool]
    own: OwnFold[Result] | None = None
