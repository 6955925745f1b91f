"""Which settings to try next, given how earlier trials ended: Optuna's study, in memory.

Each trial is drawn with a seed made of the search's seed and the trial's number. What is drawn
depends on nothing but that and the trials told before: with one trial at a time a search repeats
itself exactly, over a restart, too; with several the order in which they end has its say.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from warmfold_contract.errors import UserError
from warmfold_contract.settings import Settings
from warmfold_trainer.search.rules import Rules
from warmfold_trainer.search.sampler import GaussianProcessSampler
from warmfold_trainer.search.space import Drawn, Range
from warmfold_trainer.search.work import Columns, work_of

BAYESIAN, RANDOM = "Bayesian", "Random"

SHIPPED = Rules()

# One in so many trials is spread evenly before the model takes over, and at least so many are.
_STARTUP_SHARE = 4
_STARTUP_LEAST = 4


class Suggester:
    """Not thread-safe: one thread asks and tells.

    ``Bayesian`` models the scores by a Gaussian process that takes running trials as good as
    foreseen, so that parallel trials differ. One of the trials before the model is ``first``, the
    algorithm's defaults (``Rules.defaults_last`` says which). ``fixed`` are all settings as they
    are where they are not drawn: what a trial takes depends on them, too. Raises ``UserError`` for
    another strategy than that and ``Random``.

    ``expected_gain`` is what the model expects of the trial asked for last, ``None`` of one that
    it has not drawn.
    """

    def __init__(
        self,
        ranges: Sequence[Range],
        *,
        strategy: str,
        maximize: bool,
        trials: int,
        seed: int,
        first: Mapping[str, str],
        fixed: Settings | None = None,
        rules: Rules = SHIPPED,
    ) -> None:
        if strategy not in (BAYESIAN, RANDOM):
            raise UserError(
                f"a search inside one job cannot be {strategy!r}: use {BAYESIAN!r} or {RANDOM!r}"
            )
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._ranges = {item.name: item for item in ranges}
        self._space = {item.name: item.distribution() for item in ranges}
        self._random = strategy == RANDOM
        self._startup = min(max(trials // _STARTUP_SHARE, _STARTUP_LEAST), rules.spread, trials)
        self._seed = seed
        self._first = first
        self._first_number = self._startup if rules.defaults_last else 1
        self._fixed = {} if fixed is None else dict(fixed)
        self._rules = rules
        self._finished: list[tuple[Columns, int]] = []
        self._study = optuna.create_study(direction="maximize" if maximize else "minimize")
        self._running: dict[int, Trial] = {}
        self.expected_gain: float | None = None

    def ask(self, number: int) -> dict[str, str]:
        """The searched settings of the trial ``number``, from 1, as texts."""
        sampler = self._sampler(number)
        self._study.sampler = sampler
        if number == self._first_number and not self._random:
            self._study.enqueue_trial(self._drawn(self._first))
        trial = self._study.ask(self._space)
        self._running[number] = trial
        self.expected_gain = (
            sampler.expected_gain if isinstance(sampler, GaussianProcessSampler) else None
        )
        return {name: self._ranges[name].text(value) for name, value in trial.params.items()}

    def tell(self, number: int, score: float | None, rounds: int | None = None) -> None:
        """``None``: the trial failed, and counts as worse than every score.

        ``rounds`` are the best ones of a trial with all folds. Optuna's state Fail is not used: it
        is not learned from, and a corner in which trials fail would be explored over and over.
        """
        trial = self._running.pop(number)
        self._note(trial.params, rounds)
        if score is None:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, score)

    def withdraw(self, number: int) -> None:
        """A trial asked for that is not run, as if it had not been drawn."""
        self._study.tell(self._running.pop(number), state=TrialState.FAIL)

    def learn(
        self, settings: Mapping[str, str], score: float | None, rounds: int | None = None
    ) -> None:
        """Take over a trial that ended before a restart."""
        self._note(self._drawn(settings), rounds)
        self._study.add_trial(self._frozen(settings, score))

    def _frozen(self, settings: Mapping[str, str], score: float | None) -> FrozenTrial:
        return optuna.trial.create_trial(
            params=self._drawn(settings),
            distributions=self._space,
            value=score,
            state=TrialState.PRUNED if score is None else TrialState.COMPLETE,
        )

    def _drawn(self, settings: Mapping[str, str]) -> dict[str, Drawn]:
        drawn = {name: item.drawn(settings[name]) for name, item in self._ranges.items()}
        return {name: value for name, value in drawn.items() if value is not None}

    def _note(self, drawn: Mapping[str, Any], rounds: int | None) -> None:
        if rounds is not None:
            self._finished.append((self._columns(drawn), rounds))

    def _columns(self, drawn: Columns) -> Columns:
        """All settings, of which some were drawn, as the algorithm takes them."""
        return {**self._fixed, **{name: self._ranges[name].setting(drawn[name]) for name in drawn}}

    def _sampler(self, number: int) -> RandomSampler | GaussianProcessSampler:
        seed = _hashed(f"{self._seed}:{number}")
        if self._random:
            return RandomSampler(seed=seed)
        work = work_of(self._finished)
        return GaussianProcessSampler(
            self._space,
            number=number - 1,
            seed=seed,
            spread_seed=_hashed(f"{self._seed}"),
            startup=self._startup,
            work=lambda drawn: work(self._columns(drawn)),
            rules=self._rules,
        )


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
