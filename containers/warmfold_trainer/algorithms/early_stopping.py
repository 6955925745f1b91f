"""When a fold's boosting ends."""

import math
from collections.abc import Callable

import numpy as np

from warmfold_contract.algorithms import EARLY_STOPPING_ROUNDS, MAX_ROUNDS
from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.protocol import RoundScore, Scores

# How long to train; no parameters of the libraries.
TRAINING_CONTROL = (MAX_ROUNDS, EARLY_STOPPING_ROUNDS)

# Reading and scoring the validation rows takes up to a twentieth of a round; two rounds hardly
# differ, and all folds leave the same ones out. What fewer scores cost: docs/performance.md.
SCORED_EVERY_ROUNDS = 2


class Patience:
    """Counts the rounds since the best score; only rounds with a score of their own are told."""

    def __init__(self, *, greater_is_better: bool, rounds: int) -> None:
        self._sign = 1.0 if greater_is_better else -1.0
        self._rounds = rounds
        self._best = -math.inf
        self._best_round = 0

    def is_exhausted(self, score: float, rounds: int) -> bool:
        """Told the score after so many rounds."""
        if self._sign * score > self._best:
            self._best, self._best_round = self._sign * score, rounds
        return rounds - self._best_round >= self._rounds


def round_added(add_round: Callable[[int], bool], number: int, settings: Settings) -> bool:
    """Whether there is another round. ``add_round(number)``, from 0, says whether it could add any.

    A round that finds no split leaves nothing, but the next one draws other rows and features: it
    is tried ``early_stopping_rounds`` times. The first one counts in any case: it is the mean.
    """
    attempts = 1 if number == 0 else int(settings[EARLY_STOPPING_ROUNDS])
    return any(add_round(number) for _ in range(attempts)) or number == 0


def boost(
    add_round: Callable[[int], bool],
    score_round: Callable[[int], float],
    settings: Settings,
    score: RoundScore,
) -> Scores:
    """Add rounds until the score has stopped getting better; the score after each of them.

    Ends when ``round_added`` says so, with the first score that comes ``early_stopping_rounds`` or
    more after the best one, or at ``max_rounds``.
    ``score_round(rounds)`` is called after the first round, every second one and the last that
    there may be; the others have the score of the one before.
    """
    curve: list[float] = []
    patience = Patience(
        greater_is_better=score.greater_is_better, rounds=int(settings[EARLY_STOPPING_ROUNDS])
    )
    limit = int(settings[MAX_ROUNDS])
    for rounds in range(1, limit + 1):
        if not round_added(add_round, rounds - 1, settings):
            break
        is_scored = rounds % SCORED_EVERY_ROUNDS == 0 or rounds in (1, limit)
        curve.append(score_round(rounds) if is_scored else curve[-1])
        if is_scored:
            score.follow(curve)
            if patience.is_exhausted(curve[-1], rounds):
                break
    return np.array(curve)
