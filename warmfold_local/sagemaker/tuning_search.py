"""The search itself: which hyperparameters to try next, given what earlier trials scored.

Optuna stands in for SageMaker's optimiser: a multivariate tree-structured Parzen estimator for
Bayesian, which takes running trials for bad ones, so that parallel trials differ; for Hyperband
random draws and Optuna's asynchronous Hyperband rule.
"""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from warmfold_local.sagemaker.tuning_ranges import ParameterRange

# So many of a job's trials are drawn at random before the model takes over.
_STARTUP_SHARE = 4
_STARTUP_LEAST, _STARTUP_MOST = 4, 10

# Of each rung of Hyperband's brackets one trial in three goes on, as the paper advises.
_REDUCTION = 3

# The study's name decides the brackets of its trials: a fixed one makes them repeatable.
_STUDY = "tuning"


@dataclass(frozen=True)
class Suggestion:
    """Hyperparameters of one trial, and the handle to report its score by."""

    hyperparameters: dict[str, str]
    trial: Any = None


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Hyperband's ``MinResource`` and ``MaxResource``, in epochs."""

    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What a warm start knows of one earlier trial.

    With a ``score`` the trial counts as one of the search's own; without, its hyperparameters
    are tried first.
    """

    hyperparameters: Mapping[str, str]
    score: float | None = None


class Searcher(Protocol):
    """Not thread-safe: one thread asks and tells."""

    def ask(self) -> Suggestion | None:
        """The next trial; ``None`` once there is nothing left to try."""

    def tell(self, suggestion: Suggestion, score: float | None, /) -> None:
        """Report a trial's end; ``None`` for one without a score."""

    def hopeless(self, suggestion: Suggestion, epoch: int, value: float, /) -> bool:
        """Report an epoch's value, counted from 1: whether the trial should be stopped."""


class Search:
    """One job's search by Bayesian, Random or Hyperband.

    The same seed gives the same suggestions if the same scores are told in the same order: always
    for Random and Hyperband, and for Bayesian when one trial runs at a time.
    """

    def __init__(
        self,
        ranges: tuple[ParameterRange, ...],
        *,
        strategy: str,
        maximize: bool,
        trials: int,
        seed: int,
        resource: Resource | None = None,
        priors: Sequence[Prior] = (),
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._ranges = {item.name: item for item in ranges}
        self._space = {item.name: item.distribution() for item in ranges}
        self._resource = resource
        self._stopped: set[int] = set()
        self._study = optuna.create_study(
            study_name=_STUDY,
            direction="maximize" if maximize else "minimize",
            sampler=_sampler(strategy, trials, seed),
            pruner=_pruner(resource),
        )
        for prior in priors:
            self._learn(prior)

    def ask(self) -> Suggestion | None:
        trial = self._study.ask(self._space)
        texts = {name: self._ranges[name].text(value) for name, value in trial.params.items()}
        return Suggestion(texts, trial)

    def tell(self, suggestion: Suggestion, score: float | None) -> None:
        if score is None or suggestion.trial.number in self._stopped:
            # Pruned counts as worse than every score. What has the state Fail is not looked at:
            # a corner in which trials fail would then be explored over and over.
            self._study.tell(suggestion.trial, state=TrialState.PRUNED)
        else:
            self._study.tell(suggestion.trial, score)

    def hopeless(self, suggestion: Suggestion, epoch: int, value: float) -> bool:
        if self._resource is None:
            return False
        suggestion.trial.report(value, epoch)
        if epoch >= self._resource.most or not suggestion.trial.should_prune():
            return False
        self._stopped.add(suggestion.trial.number)
        return True

    def _learn(self, prior: Prior) -> None:
        """Take over an earlier trial, if it lies within the ranges."""
        drawn = {name: r.drawn(prior.hyperparameters.get(name)) for name, r in self._ranges.items()}
        if any(value is None for value in drawn.values()):
            return
        if prior.score is None:
            self._study.enqueue_trial(drawn, skip_if_exists=True)
            return
        self._study.add_trial(
            optuna.trial.create_trial(params=drawn, distributions=self._space, value=prior.score)
        )


@dataclass
class GridSearch:
    """Every combination of categorical values once, the last range's values fastest."""

    ranges: tuple[ParameterRange, ...]
    _left: Any = field(init=False)

    def __post_init__(self) -> None:
        self._left = itertools.product(*(item.values for item in self.ranges))

    def ask(self) -> Suggestion | None:
        values = next(self._left, None)
        if values is None:
            return None
        names = (item.name for item in self.ranges)
        return Suggestion(dict(zip(names, values, strict=True)))

    def tell(self, _suggestion: Suggestion, _score: float | None, /) -> None:
        """A grid learns nothing."""

    def hopeless(self, _suggestion: Suggestion, _epoch: int, _value: float, /) -> bool:
        return False


def default_seed(job_name: str) -> int:
    """The seed of a job without a ``RandomSeed``: repeatable by name."""
    return int.from_bytes(hashlib.sha256(job_name.encode()).digest()[:4], "big")


def _sampler(strategy: str, trials: int, seed: int) -> BaseSampler:
    seed %= 2**32
    if strategy in ("Random", "Hyperband"):
        return RandomSampler(seed=seed)
    startup = min(max(trials // _STARTUP_SHARE, _STARTUP_LEAST), _STARTUP_MOST)
    return TPESampler(seed=seed, multivariate=True, constant_liar=True, n_startup_trials=startup)


def _pruner(resource: Resource | None) -> BasePruner:
    if resource is None:
        return NopPruner()
    return HyperbandPruner(
        min_resource=resource.least, max_resource=resource.most, reduction_factor=_REDUCTION
    )
