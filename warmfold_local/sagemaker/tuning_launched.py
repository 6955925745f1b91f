"""What a tuning job knows of a trial that it has launched, or could not launch yet."""

from dataclasses import dataclass, field

from warmfold_local.sagemaker.tuning_search import Searcher, Suggestion
from warmfold_local.sagemaker.tuning_spec import Definition
from warmfold_local.sagemaker.tuning_trials import Trial

Turn = tuple[Definition, Searcher, Suggestion]


@dataclass(frozen=True)
class Value:
    """The objective of a running trial, once more; ``attempt`` counts its starts."""

    trial: str
    value: float
    attempt: int


@dataclass(eq=False, kw_only=True)
class Launched:
    """A trial with its search, and its objective values of the current attempt, in order."""

    trial: Trial
    definition: Definition
    searcher: Searcher
    suggestion: Suggestion
    values: list[float] = field(default_factory=list)
    attempt: int = 0
    reported: int = 0
    told_to_stop: bool = False

    def hears(self, event: Value) -> None:
        if event.attempt != self.attempt:  # it was started again, after an internal error
            self.values, self.attempt = [], event.attempt
        self.values.append(event.value)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A trial that may not start just now, and since when (s, monotonic) none of the job may."""

    turn: Turn
    since: float
    again_at: float
