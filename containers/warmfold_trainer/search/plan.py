"""A search job's own hyperparameters, checked before anything is read or trained."""

from collections.abc import Mapping
from dataclasses import dataclass

from warmfold_contract.algorithms import hyperparameters
from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import (
    CANDIDATE,
    MAX_TRIALS,
    RACING,
    STOPS_WHEN_CONVERGED,
    STRATEGY,
)
from warmfold_contract.settings import ChoiceSetting, NumberSetting, Settings
from warmfold_trainer.candidate import Candidate, read_candidate
from warmfold_trainer.search.space import Range, read_ranges
from warmfold_trainer.settings import read_settings, required
from warmfold_trainer.trial import racing_z

_MAX_TRIALS = NumberSetting(name=MAX_TRIALS, kind="integer", minimum=1, maximum=10_000)
_STOPS_WHEN_CONVERGED = ChoiceSetting(name=STOPS_WHEN_CONVERGED, choices=("true", "false"))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``name`` is the candidate's; ``z`` is racing's, ``None`` to run every trial to its end.

    With ``stops_when_converged`` there may be fewer trials than ``max_trials``.
    """

    candidate: Candidate
    name: str
    ranges: tuple[Range, ...]
    strategy: str
    max_trials: int
    z: float | None
    stops_when_converged: bool

    def settings(self, drawn: Mapping[str, str]) -> Settings:
        """A trial's settings; raises ``UserError`` for a combination the algorithm refuses."""
        candidate = self.candidate
        return read_settings({**candidate.own, **drawn}, candidate.algorithm.name, candidate.task)

    def first(self) -> dict[str, str]:
        """The algorithm's defaults of what is searched, or what is closest to them, as texts."""
        known = hyperparameters(self.candidate.algorithm.name, self.candidate.task)
        defaults = {item.name: item.default for item in known}
        return {item.name: item.nearest(defaults[item.name]) for item in self.ranges}


def read_plan(given: Mapping[str, str]) -> Plan:
    """Raises ``UserError`` naming the hyperparameter that is absent or wrong."""

    def needed(name: str) -> str:
        return required(given, name, "the hyperparameter")

    candidate = read_candidate(given)
    known = hyperparameters(candidate.algorithm.name, candidate.task)
    ranges = read_ranges(given, {item.name: item for item in known})
    both = sorted({item.name for item in ranges} & set(candidate.own))
    if both:
        raise UserError(f"{', '.join(both)}: both fixed and searched; it must be one of them")
    candidate.settings()  # what is fixed must be right, whatever is drawn beside it
    return Plan(
        candidate=candidate,
        name=needed(CANDIDATE),
        ranges=ranges,
        strategy=needed(STRATEGY),
        max_trials=int(_MAX_TRIALS.parse(needed(MAX_TRIALS))),
        z=racing_z(needed(RACING)),
        stops_when_converged=_STOPS_WHEN_CONVERGED.parse(needed(STOPS_WHEN_CONVERGED)) == "true",
    )
