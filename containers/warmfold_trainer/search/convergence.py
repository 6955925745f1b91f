"""When a search ends before its last trial: nothing is left to gain that folds could show.

What the search's model expects of its next trial is compared with the standard error of a
difference of two trials' scores on the same folds. A single small expectation means little: the
model is fitted to a handful of noisy scores. Chosen by measurement:
docs/decisions/0014-search-inside-one-job.md.
"""

import math
from collections.abc import Mapping, Sequence

from warmfold_trainer.racing import FinishedTrial, best_of, pooled_spread

# An improvement that is expected to be smaller than this share of the standard error ...
_SHARE = 0.25
# ... of this many trials in a row, in the order in which they are drawn ...
IN_A_ROW = 5
# ... after this many trials that have ended, by dimensions, and finished ones: with fewer, the
# model and the spread of folds are guesses.
_LEAST, _LEAST_FIXED, _LEAST_EACH = 12, 6, 3
_LEAST_FINISHED = 3
# No less than what differs in the digits that a metric line has.
_DIGITS = 1e-6


def least_trials(dimensions: int) -> int:
    """Before so many trials have ended a search of so many settings never ends."""
    return max(_LEAST, _LEAST_FIXED + _LEAST_EACH * dimensions)


def tolerance(finished: Sequence[FinishedTrial], *, sign: float) -> float | None:
    """In the metric's unit: what is not worth another trial; ``None`` with too few finished ones.

    ``sign`` is -1 for a metric to be minimised.
    """
    if len(finished) < _LEAST_FINISHED:
        return None
    incumbent = best_of(finished, sign=sign)
    folds = len(incumbent.provisional_scores)
    error = pooled_spread(finished, incumbent) / math.sqrt(folds)
    return max(_SHARE * error, _DIGITS * max(1.0, abs(incumbent.score)))


def nothing_to_gain(gains: Mapping[int, float | None], number: int, least: float) -> bool:
    """Whether of the trials up to ``number``, each drawn from 1 on, the last ones all were
    expected to improve the best score by less than ``least``.

    ``gains`` are by number; ``None`` for a trial that was not drawn by the model.
    """
    last = [gains.get(n) for n in range(number - IN_A_ROW + 1, number + 1)]
    return all(gain is not None and gain < least for gain in last)
