"""The search itself: which hyperparameters to try next, given what earlier trials scored.

Optuna stands in for SageMaker's optimiser: a multivariate tree-structured Parzen estimator for
Bayesian, which takes running trials for bad ones, so that parallel trials differ.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from warmfold_local.sagemaker.tuning_ranges import ParameterRange

# So many of a job's trials are drawn at random before the model takes over.
_STARTUP_SHARE = 4
_STARTUP_LEAST, _STARTUP_MOST = 4, 10


@dataclass(frozen=True)
class Suggestion:
    """Hyperparameters of one trial, and the handle to report its score by."""

    hyperparameters: dict[str, str]
    trial: Any


class Search:
    """One job's search. Not thread-safe: one thread asks and tells.

    The same seed gives the same suggestions if the same scores are told in the same order: always
    for Random, and for Bayesian when one trial runs at a time.
    """

    def __init__(
        self,
        ranges: tuple[ParameterRange, ...],
        *,
        strategy: str,
        maximize: bool,
        trials: int,
        seed: int,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._ranges = {item.name: item for item in ranges}
        self._space = {item.name: item.distribution() for item in ranges}
        self._study = optuna.create_study(
            direction="maximize" if maximize else "minimize",
            sampler=_sampler(strategy, trials, seed),
        )

    def ask(self) -> Suggestion:
        trial = self._study.ask(self._space)
        texts = {name: self._ranges[name].text(value) for name, value in trial.params.items()}
        return Suggestion(texts, trial)

    def tell(self, suggestion: Suggestion, score: float | None) -> None:
        """Report a trial's end; ``None`` for one without a score."""
        if score is None:
            self._study.tell(suggestion.trial, state=TrialState.FAIL)
        else:
            self._study.tell(suggestion.trial, score)


def default_seed(job_name: str) -> int:
    """The seed of a job without a ``RandomSeed``: repeatable by name."""
    return int.from_bytes(hashlib.sha256(job_name.encode()).digest()[:4], "big")


def _sampler(strategy: str, trials: int, seed: int) -> BaseSampler:
    seed %= 2**32
    if strategy == "Random":
        return RandomSampler(seed=seed)
    startup = min(max(trials // _STARTUP_SHARE, _STARTUP_LEAST), _STARTUP_MOST)
    return TPESampler(seed=seed, multivariate=True, constant_liar=True, n_startup_trials=startup)
