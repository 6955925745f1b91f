"""How much work a trial would be, foreseen from its settings: what is expected of it has a price.

Counted in a unit of its own and never by the clock, so that a search repeats itself on any machine.
A tree of many leaves and many features takes long to grow, and a small learning rate or small
trees need many of them. How many is learned from the trials that have all folds: one factor.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from warmfold_contract.algorithms import EARLY_STOPPING_ROUNDS, MAX_ROUNDS
from warmfold_trainer.search.gaussian import Array

# Settings by name, as numbers or columns of them.
Columns = Mapping[str, Any]
Work = Callable[[Columns], Array]

_LEARNING_RATE = "learning_rate"
_FEATURE_SHARES = (
    "feature_fraction",
    "colsample_bytree",
    "colsample_bylevel",
    "colsample_bynode",
)
# A tree's time at no features, in that at all of them: measured, as is the root of the leaves.
_BESIDES_FEATURES = 0.5
# learning rate x root of leaves x rounds until the score rises no more, before any is known.
_TYPICAL = 75.0
# The most that LightGBM and XGBoost are asked for; a tree without limits counts as one of them.
_MOST_DEPTH = 17
_MOST_LEAVES = 2.0**_MOST_DEPTH
_LEAST_RATE = 1e-12


def round_work(settings: Columns) -> Array:
    """Of one boosting round, relative to that of a single leaf; 1.5 where there are no trees."""
    share = np.asarray(1.0)
    for name in _FEATURE_SHARES:
        share = share * np.asarray(settings.get(name, 1.0), dtype=np.float64)
    return np.asarray(np.sqrt(_leaves(settings)) * (_BESIDES_FEATURES + share))


def foreseen_rounds(settings: Columns, typical: float) -> Array:
    """At most ``max_rounds``, the ones that early stopping waits included; 1 without rounds.

    ``typical`` is the learning rate times the root of the leaves times the best rounds.
    """
    if MAX_ROUNDS not in settings or _LEARNING_RATE not in settings:
        return np.asarray(1.0)
    patience = float(settings[EARLY_STOPPING_ROUNDS])
    return np.asarray(np.minimum(typical / _step(settings) + patience, float(settings[MAX_ROUNDS])))


def work_of(finished: Sequence[tuple[Columns, int]]) -> Work:
    """Foresees a fold's work. ``finished`` are settings and the rounds that were best for them.

    What is typical before any has finished counts as one trial among them.
    """
    known = [math.log(_TYPICAL)]
    for settings, rounds in finished:
        if _LEARNING_RATE in settings:
            known.append(math.log(rounds * float(_step(settings))))
    typical = math.exp(sum(known) / len(known))
    return lambda columns: round_work(columns) * foreseen_rounds(columns, typical)


def _step(settings: Columns) -> Array:
    """How much a round learns: faster at a higher rate, and from larger trees."""
    rate = np.asarray(settings[_LEARNING_RATE], dtype=np.float64)
    return np.asarray(np.maximum(rate, _LEAST_RATE) * np.sqrt(_leaves(settings)))


def _leaves(settings: Columns) -> Array:
    """What bounds a tree, by leaves or by depth; 1 of an algorithm without trees."""
    names = [name for name in ("num_leaves", "max_leaves", "max_depth") if name in settings]
    if not names:
        return np.asarray(1.0)
    least = np.asarray(_MOST_LEAVES)
    for name in names:
        bound = np.asarray(settings[name], dtype=np.float64)
        leaves = 2.0 ** np.clip(bound, 0, _MOST_DEPTH) if name == "max_depth" else bound
        # 0 and below are no limit.
        least = np.where(bound > 0, np.minimum(least, leaves), least)
    return least
