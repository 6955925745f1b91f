"""What a fold's model predicted for its validation rows, kept while it was trained."""

from collections import deque
from collections.abc import Iterable

import numpy as np

from warmfold_contract.tasks import CLASSIFICATION, Task
from warmfold_trainer.algorithms.early_stopping import SCORED_EVERY_ROUNDS
from warmfold_trainer.algorithms.protocol import Remembered, Rows, Scores

# They reach back twice as far as the patience of early stopping, from the last round: the folds'
# common round is hardly ever earlier, and half a patience from one of them on average.
_KEPT = 4

# Of probabilities, see ``lost_digits``: the lower one is where doubles begin to lose digits.
_HIGHEST_EXACT = 1 - 1e-4
_LOWEST_EXACT = 1e-300


class Snapshots:
    """The latest ones of every few rounds: predictions of a round near the end need no walk
    through all trees. They take 32 bytes a validation row."""

    def __init__(self, patience: int) -> None:
        between = max(10, -(-patience // (_KEPT // 2)))
        self._step = between + -between % SCORED_EVERY_ROUNDS
        self._kept: deque[Remembered] = deque(maxlen=_KEPT)

    def offer(self, rounds: int, predicted: Scores) -> None:
        """After each round that is scored; ``predicted`` may be a buffer that is used again."""
        if rounds % self._step == 0:
            self._kept.append(Remembered(rounds=rounds, predicted=predicted.copy()))

    def keep_closest(self, rounds: int) -> None:
        """Let go of the others: 8 bytes a validation row instead of 32."""
        one = self.closest(rounds)
        self._kept = deque(() if one is None else (one,))

    def closest(self, rounds: int) -> Remembered | None:
        """The one with the fewest rounds between, if those are fewer than ``rounds``."""
        return closest(self._kept, rounds)


def closest(kept: Iterable[Remembered], rounds: int) -> Remembered | None:
    """The one with the fewest rounds between, if those are fewer than ``rounds``."""
    near = [one for one in kept if abs(one.rounds - rounds) < rounds]
    return min(near, key=lambda one: abs(one.rounds - rounds), default=None)


def lost_digits(predicted: Scores, task: Task) -> Rows:
    """Places of those that ``added_to`` is not exact to 1e-12 for, whatever is added.

    The log-odds of ``p`` are known to the double's precision, 1.1e-16, over ``1 - p``, and a
    probability changes by a quarter as much. Near 0 a double is as precise as anywhere.
    """
    if task != CLASSIFICATION:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero((predicted > _HIGHEST_EXACT) | (predicted < _LOWEST_EXACT))


def added_to(predicted: Scores, raw: Scores, task: Task) -> Scores:
    """Predictions with other trees' raw sum: probabilities are added to as log-odds."""
    if task != CLASSIFICATION:
        return predicted + raw
    # A probability that was rounded to 0 or 1 has infinite log-odds: see ``lost_digits``.
    with np.errstate(divide="ignore", over="ignore"):
        odds = np.log(predicted) - np.log1p(-predicted) + raw
        return np.asarray(1 / (1 + np.exp(-odds)))
