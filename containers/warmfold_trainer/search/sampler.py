"""Optuna's sampler of a Bayesian search: a Gaussian process and expected improvement.

In a few dozen trials of a handful of settings it finds more than a Parzen estimator does
(docs/decisions/0014-search-inside-one-job.md). Optuna's own GPSampler needs torch.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from warmfold_trainer.search.gaussian import Array, GaussianProcess, fitted
from warmfold_trainer.search.rules import Rules
from warmfold_trainer.search.work import Work

# Settings that are looked at: drawn anywhere, and near the best trials.
_ANYWHERE, _NEAR_EACH, _BEST_TRIALS = 1000, 100, 5
_NEAR = 0.15
# Then around the best of those, nearer and nearer.
_REFINED, _REFINEMENTS = 60, (0.1, 0.05, 0.025, 0.0125)
# A trial this many times farther below the median than the best is above it is as bad as any:
# how bad exactly would only blunt the picture of where the good ones are.
_FLOOR = 3.0
# The process's cost grows with the cube of its trials: of more than this, the best and the latest.
_MOST_TRIALS = 100


class GaussianProcessSampler(BaseSampler):
    """Draws the trial ``number``, from 0. The first ``startup`` ones are spread evenly; ``seed`` is
    the trial's, ``spread_seed`` the same for all trials of a search. Trials that failed count as
    the worst of the others.

    ``work`` foresees what trials take, given columns of drawn settings.

    ``expected_gain``: by how much a trial is expected to improve the best score at most, whatever
    it takes; ``None`` if the trial drawn was spread.
    """

    def __init__(
        self,
        space: Mapping[str, BaseDistribution],
        *,
        number: int,
        seed: int,
        spread_seed: int,
        startup: int,
        work: Work,
        rules: Rules,
    ) -> None:
        self._space = dict(space)
        # Not Optuna's number: it counts trials as they are added, after a restart in another order.
        self._number = number
        self._work = work
        self._rules = rules
        self._random = np.random.default_rng(seed)
        self._offsets = np.random.default_rng(spread_seed).random(len(self._space))
        self._startup = startup
        self.expected_gain: float | None = None

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002 - Optuna's signature
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        return self._space

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        scored = [one for one in ended if one.state == TrialState.COMPLETE]
        if self._number < self._startup or len(scored) < 2:
            unit = self._spread(self._number)
        else:
            running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            pending = [one for one in running if one.number != trial.number]
            sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
            unit = self._most_promising(ended, pending, sign)
        return {
            name: value_at(distribution, float(at))
            for (name, distribution), at in zip(search_space.items(), unit, strict=True)
        }

    def sample_independent(
        self,
        study: Study,  # noqa: ARG002 - Optuna's signature
        trial: FrozenTrial,  # noqa: ARG002
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        raise RuntimeError(f"{param_name} is drawn with the others, from {param_distribution}")

    def _spread(self, number: int) -> Array:
        """Of as many points as may be drawn, the one that is the ``number``th least work."""
        if number >= self._startup:
            return spread_evenly(self._startup * self._rules.spread_from + number, self._offsets)
        count = self._startup * self._rules.spread_from
        units = np.array([spread_evenly(n, self._offsets) for n in range(count)])
        return np.asarray(units[np.argsort(self._works(units), kind="stable")[number]])

    def _works(self, units: Array) -> Array:
        """Of each of ``units`` (n, d), relative to each other."""
        columns = {
            name: _numbers(distribution, at)
            for at, (name, distribution) in zip(units.T, self._space.items(), strict=True)
            if not isinstance(distribution, CategoricalDistribution)
        }
        return np.broadcast_to(self._work(columns), len(units))

    def _most_promising(
        self, ended: Sequence[FrozenTrial], pending: Sequence[FrozenTrial], sign: float
    ) -> Array:
        """The point of the unit cube from which the most improvement is expected."""
        places = np.array([self._unit(trial.params) for trial in ended])
        values = _values(ended, sign)
        if len(values) > _MOST_TRIALS:
            kept = _best_and_latest(values)
            places, values = places[kept], values[kept]
        process = fitted(self._features(places), values, self._random)
        best = float(process.predict(self._features(places))[0].max())
        if pending:
            units = np.array([self._unit(trial.params) for trial in pending])
            process = process.with_pending(self._features(units))
        return self._maximum(process, best, places[np.argsort(-values)[:_BEST_TRIALS]])

    def _maximum(self, process: GaussianProcess, best: float, near: Array) -> Array:
        dimensions = near.shape[1]
        candidates = np.vstack(
            [self._random.random((_ANYWHERE, dimensions)), self._around(near, _NEAR, _NEAR_EACH)]
        )
        most = 0.0
        for width in (*_REFINEMENTS, None):
            gain = _gains(process, self._features(candidates), best)
            most = max(most, float(gain.max()))
            worth = np.where(gain > 0, gain / self._works(candidates) ** self._rules.price, gain)
            order = np.argsort(-worth, kind="stable")
            leaders = candidates[order[:_BEST_TRIALS]]
            if width is not None:
                candidates = np.vstack([leaders, self._around(leaders, width, _REFINED)])
        self.expected_gain = most
        return np.asarray(leaders[0])

    def _around(self, centres: Array, width: float, each: int) -> Array:
        """Clipped to the cube: many a best setting lies at an end of its range."""
        repeated = np.repeat(centres, each, axis=0)
        return np.clip(repeated + self._random.normal(0.0, width, repeated.shape), 0.0, 1.0)

    def _unit(self, params: Mapping[str, Any]) -> list[float]:
        return [place_of(self._space[name], params[name]) for name in self._space]

    def _features(self, units: Array) -> Array:
        """As the process sees points: a choice has a dimension for each of its values."""
        columns = [
            column
            for at, distribution in zip(units.T, self._space.values(), strict=True)
            for column in _columns(distribution, at)
        ]
        return np.stack(columns, axis=1)


def spread_evenly(number: int, offsets: Array) -> Array:
    """The point ``number`` of an additive recurrence in as many dimensions as ``offsets``.

    Its steps are powers of the root of x^(d + 1) = x + 1, a golden ratio of d dimensions
    (M. Roberts: The unreasonable effectiveness of quasirandom sequences, 2018).
    """
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (len(offsets) + 1))
    steps = root ** -np.arange(1.0, len(offsets) + 1)
    return np.asarray((offsets + (number + 1) * steps) % 1.0)


def _gains(process: GaussianProcess, features: Array, best: float) -> Array:
    """Expected improvements, and -1, the least of all, for what was tried or runs: all is seeded,
    a repetition shows nothing new."""
    gains = expected_improvement(*process.predict(features), best)
    known = {row.tobytes() for row in _rounded(process.points)}
    gains[[row.tobytes() in known for row in _rounded(features)]] = -1.0
    return gains


def _rounded(features: Array) -> Array:
    """A setting's place is the same to 9 digits after it has been a text; 0 is never -0."""
    return np.asarray(np.round(features, 9) + 0.0)


def expected_improvement(mean: Array, spread: Array, best: float) -> Array:
    """Mean of what a normal variable exceeds ``best`` by."""
    ahead = (mean - best) / spread
    density = np.exp(-0.5 * ahead**2) / math.sqrt(2.0 * math.pi)
    below = 0.5 * np.array([math.erfc(-at / math.sqrt(2.0)) for at in ahead])
    return np.asarray(spread * (ahead * below + density))


def _values(ended: Sequence[FrozenTrial], sign: float) -> Array:
    """To be maximised; those without a score are as bad as the worst."""
    scores = np.array([np.nan if one.value is None else sign * one.value for one in ended])
    median, best = np.nanmedian(scores), np.nanmax(scores)
    floor = max(median - _FLOOR * (best - median), np.nanmin(scores))
    return np.asarray(np.maximum(np.nan_to_num(scores, nan=floor), floor))


def _best_and_latest(values: Array) -> NDArray[np.intp]:
    half = _MOST_TRIALS // 2
    return np.union1d(np.argsort(-values, kind="stable")[:half], np.arange(len(values))[-half:])


def value_at(distribution: BaseDistribution, at: float) -> Any:
    """What lies at ``at``, from 0 to 1, of a distribution."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(_chosen(distribution, np.array([at]))[0])]
    value = float(_numbers(distribution, np.array([at]))[0])
    return int(value) if isinstance(distribution, IntDistribution) else value


def place_of(distribution: BaseDistribution, value: Any) -> float:
    """Where, from 0 to 1, a value of a distribution lies: the inverse of ``value_at``."""
    if isinstance(distribution, CategoricalDistribution):
        return (distribution.choices.index(value) + 0.5) / len(distribution.choices)
    return float(_places(distribution, np.array([float(value)]))[0])


def _columns(distribution: BaseDistribution, at: Array) -> list[Array]:
    if isinstance(distribution, CategoricalDistribution):
        chosen = _chosen(distribution, at)
        # Any two choices are at a distance of 1, like the two ends of a number's range.
        return [(chosen == n) / math.sqrt(2.0) for n in range(len(distribution.choices))]
    return [_places(distribution, _numbers(distribution, at))]


def _chosen(distribution: CategoricalDistribution, at: Array) -> NDArray[np.intp]:
    count = len(distribution.choices)
    return np.minimum((at * count).astype(np.intp), count - 1)


def _numbers(distribution: BaseDistribution, at: Array) -> Array:
    number = _number_distribution(distribution)
    low, high = _ends(number)
    found = low + at * (high - low)
    found = np.exp(found) if number.log else found
    whole = isinstance(number, IntDistribution)
    return np.asarray(np.clip(np.round(found) if whole else found, number.low, number.high))


def _places(distribution: BaseDistribution, numbers: Array) -> Array:
    number = _number_distribution(distribution)
    low, high = _ends(number)
    if low == high:
        return np.zeros(len(numbers))
    return np.asarray(((np.log(numbers) if number.log else numbers) - low) / (high - low))


def _ends(distribution: FloatDistribution | IntDistribution) -> tuple[float, float]:
    if distribution.log:
        return math.log(distribution.low), math.log(distribution.high)
    return float(distribution.low), float(distribution.high)


def _number_distribution(distribution: BaseDistribution) -> FloatDistribution | IntDistribution:
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        raise TypeError(f"a range of numbers is not {distribution}")
    return distribution
