"""A race that need not wait for the first fold's end: where its curve is heading says enough.

Curves of different learning rates cannot be compared round by round. So each is compared with
itself: it is extrapolated, generously, to the last round it may have, and the trial stops if even
that score would lose the race after the fold. Chosen by measurement:
docs/decisions/0014-search-inside-one-job.md.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from warmfold_trainer.racing import Finished, PairedRace, best_of, pooled_spread, standard_error

# From this round on, every so many rounds.
_FIRST_ROUND = 60
_EVERY = 10
# How fast a curve rises is read from the means of its last two windows.
_WINDOW = 30
# Finished trials that the spread is estimated from; the first trials are mostly poor ones, so
# that there is no strong incumbent to lose to by mistake.
_MIN_FINISHED = 2


class RoundRace:
    """A ``PairedRace`` that is also asked within the first fold; see ``racing.WatchesRounds``."""

    def __init__(
        self,
        history: Finished,
        *,
        z: float,
        greater_is_better: bool,
        max_rounds: int,
        margin: float = 0.0,
    ) -> None:
        self._race = PairedRace(
            history,
            z=z,
            greater_is_better=greater_is_better,
            min_finished=_MIN_FINISHED,
            margin=margin,
        )
        self._margin = margin
        self._history = history
        self._z = z
        self._sign = 1.0 if greater_is_better else -1.0
        self._max_rounds = max_rounds
        self._still_to_come = 0.0

    def after_fold(self, fold_scores: Mapping[int, float]) -> bool:
        return self._race.after_fold(fold_scores)

    def pessimistic_score(self, fold_scores: Mapping[int, float]) -> float:
        """Of a trial that ended within its first fold: with half the gain that was foreseen.

        On recorded curves that is what came in the mean; the best value so far alone would tell
        the search's model that small learning rates are bad.
        """
        expected = {1: fold_scores[1] + self._sign * self._still_to_come / 2}
        return self._race.pessimistic_score({**fold_scores, **expected})

    def after_round(self, curve: Sequence[float]) -> bool:
        if len(curve) < _FIRST_ROUND or len(curve) % _EVERY:
            return False
        finished = self._history.finished()
        if len(finished) < _MIN_FINISHED:
            return False
        incumbent = best_of(finished, sign=self._sign)
        signed = self._sign * np.asarray(curve)
        foreseen = optimistic_end(signed, self._max_rounds)
        difference = foreseen - self._sign * incumbent.provisional_scores[0]
        width = np.sqrt(1 - 1 / len(incumbent.provisional_scores))
        ahead = difference + self._z * pooled_spread(finished, incumbent) * width
        hopeless = bool(ahead < self._margin * standard_error(incumbent))
        self._still_to_come = foreseen - float(signed.max()) if hopeless else 0.0
        return hopeless


def optimistic_end(curve: NDArray[np.float64], max_rounds: int) -> float:
    """What a curve that is to be maximised may reach by round ``max_rounds``.

    Its best value, and the gain still to come if it rises as in the last rounds, ever slower
    until the last round: half of what it would be at a constant rate.
    """
    before, recent = curve[-2 * _WINDOW :].reshape(2, _WINDOW).mean(axis=1)
    per_round = max(float(recent - before), 0.0) / _WINDOW
    return float(curve.max()) + per_round * max(0, max_rounds - len(curve)) / 2
