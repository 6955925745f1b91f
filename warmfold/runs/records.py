"""A pipeline run as plain records: what AWS answered, typed, with nothing left to look up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Completed"})


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Length of a span in seconds, ``None`` while either end is unknown."""
    return None if start is None or end is None else (end - start).total_seconds()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an execution. ``resource`` is the ARN of what it made, empty if nothing."""

    name: str
    kind: str
    status: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failure_reason: str = ""
    resource: str = ""
    outcome: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def resource_name(self) -> str:
        return self.resource.rsplit("/", 1)[-1]

    @property
    def seconds(self) -> float | None:
        return seconds_between(self.started_at, self.ended_at)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial of a candidate. ``number`` counts from 1 in order of creation.

    ``job_name`` is the training job that it ran in: its own, or the search's that ran them all. A
    ``raced`` trial was stopped because it was hopeless; it has a ``reason`` and cannot win.
    """

    number: int
    job_name: str
    status: str
    raced: bool = False
    reason: str = ""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    score: float | None = None
    score_std: float | None = None
    training_score: float | None = None
    rounds: float | None = None
    folds_completed: int = 0
    fold_scores: tuple[float, ...] = ()
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    failure_reason: str = ""

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def seconds(self) -> float | None:
        return seconds_between(self.started_at or self.created_at, self.ended_at)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A tuned hyperparameter's range; ``logarithmic`` as the search scales it."""

    name: str
    kind: Literal["continuous", "integer", "categorical"]
    logarithmic: bool = False
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """One candidate's search: a tuning job (amt), or a training job that tries all (in_job).

    ``ended_early`` says why a completed one has fewer trials than ``max_trials``; else empty.
    """

    candidate: str
    job_name: str
    status: str
    kind: Literal["amt", "in_job"] = "amt"
    algorithm: str = ""
    task: str = ""
    feature_set: str = ""
    maximize: bool
    folds: int
    max_trials: int
    objective: str
    parameters: tuple[Parameter, ...] = ()
    trials: tuple[Trial, ...] = ()
    ended_early: str = ""

    @property
    def settled(self) -> bool:
        """Nothing more will be known of it."""
        return self.kind == "in_job" and self.status in ENDED

    @property
    def raced(self) -> int:
        """How many trials were stopped because they were hopeless."""
        return sum(trial.raced for trial in self.trials)

    @property
    def ranked(self) -> tuple[Trial, ...]:
        """Trials that can win (every fold done, a score), best first; ties by creation."""
        complete = [
            (trial.score, trial)
            for trial in self.trials
            if trial.score is not None
            and trial.status == "Completed"
            and not trial.raced
            and trial.folds_completed == self.folds
        ]
        complete.sort(key=lambda item: -item[0] if self.maximize else item[0])
        return tuple(trial for _, trial in complete)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of a pipeline at one moment."""

    pipeline: str
    execution_arn: str
    status: str
    started_at: datetime
    ended_at: datetime | None = None
    failure_reason: str = ""
    steps: tuple[Step, ...] = ()
    tunings: tuple[Tuning, ...] = ()

    @property
    def execution_id(self) -> str:
        return self.execution_arn.rsplit("/", 1)[-1]

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)

    @property
    def failed_step(self) -> Step | None:
        """The step that ended the run, the earliest if several failed."""
        return next((step for step in self.steps if step.status == "Failed"), None)

    @property
    def maximize(self) -> bool:
        """Whether more is better; the candidates share one objective. True without any."""
        return all(tuning.maximize for tuning in self.tunings)

    @property
    def candidates(self) -> tuple[Tuning, ...]:
        """The best candidate first (they share one objective); without a complete trial last."""
        return tuple(sorted(self.tunings, key=_by_best_score))

    @property
    def best(self) -> Trial | None:
        """The best trial of all candidates."""
        ranked = [trial for tuning in self.candidates for trial in tuning.ranked]
        return ranked[0] if ranked else None


def _by_best_score(tuning: Tuning) -> tuple[bool, float]:
    score = tuning.ranked[0].score if tuning.ranked else None
    return score is None, (-1 if tuning.maximize else 1) * (score or 0.0)
