"""When a fold's boosting ends."""

import math
from collections.abc import Callable

import numpy as np

from warmfold_contract.algorithms import EARLY_STOPPING_ROUNDS, MAX_ROUNDS
from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.protocol import Scores

# How long to train; no parameters of the libraries.
TRAINING_CONTROL = (MAX_ROUNDS, EARLY_STOPPING_ROUNDS)


class Patience:
    """Counts the rounds since the best score."""

    def __init__(self, *, greater_is_better: bool, rounds: int) -> None:
        self._sign = 1.0 if greater_is_better else -1.0
        self._rounds = rounds
        self._best = -math.inf
        self._since_best = 0

    def is_exhausted(self, score: float) -> bool:
        if self._sign * score > self._best:
            self._best, self._since_best = self._sign * score, 0
        else:
            self._since_best += 1
        return self._since_best >= self._rounds


def boost(
    add_round: Callable[[int], bool],
    score_round: Callable[[], float],
    settings: Settings,
    *,
    greater_is_better: bool,
) -> Scores:
    """Add rounds until the score has stopped getting better; the score after each of them.

    ``add_round(number)``, from 0, says whether it could add anything; the first round counts in
    any case. Ends
    ``early_stopping_rounds`` after the best round, or at ``max_rounds``.
    """
    curve: list[float] = []
    patience = Patience(
        greater_is_better=greater_is_better, rounds=int(settings[EARLY_STOPPING_ROUNDS])
    )
    for number in range(int(settings[MAX_ROUNDS])):
        added = add_round(number)
        if not added and curve:
            break
        curve.append(score_round())
        if not added or patience.is_exhausted(curve[-1]):
            break
    return np.array(curve)
