"""When a trial is hopeless: its folds compared, pair by pair, with the best finished trial's.

Folds differ from each other more than trials do, so a fold's score says little and its
*difference* to the incumbent's score on the same fold says much. After each fold the mean of these
differences, widened by ``z`` standard errors, decides. Chosen by measurement:
docs/decisions/0012-racing.md. Pure: where finished trials come from is the caller's business.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

# The pooled spread needs some finished trials: the first ones are never stopped.
MIN_FINISHED = 4


@dataclass(frozen=True, kw_only=True)
class FinishedTrial:
    """A trial with all its folds.

    ``provisional_scores`` are its folds' own best ones, in fold order: a trial that is racing
    knows no others. ``score`` is the final one, at the common rounds.
    """

    provisional_scores: tuple[float, ...]
    score: float


class Race(Protocol):
    """Decides after each fold, in fold order, whether a trial goes on."""

    def after_fold(self, fold_scores: Mapping[int, float]) -> bool:
        """``True``: stop. ``fold_scores`` are the provisional ones so far, by fold from 1."""

    def pessimistic_score(self, fold_scores: Mapping[int, float]) -> float:
        """What a trial reports that was stopped with these: worse than the best trial's score."""


@runtime_checkable
class WatchesRounds(Race, Protocol):
    """A race that is also asked within the first fold, after each of its rounds."""

    def after_round(self, curve: Sequence[float]) -> bool:
        """``True``: stop. ``curve`` is the fold's score after each round so far."""


@dataclass(frozen=True, kw_only=True)
class RacedOut:
    """A trial that was stopped: provisional scores of the folds it completed, by fold from 1.

    ``score`` is what it reports, strictly worse than the score of the trial it was behind.
    """

    fold_scores: Mapping[int, float]
    score: float

    @property
    def reason(self) -> str:
        folds = len(self.fold_scores)
        when = f"after fold {folds}" if folds else "within the first fold"
        return f"stopped by racing {when}: behind the best trial"


class History:
    """The finished trials of one search, in the order they finished. Safe between threads."""

    def __init__(self, finished: Sequence[FinishedTrial] = ()) -> None:
        self._finished = list(finished)
        self._lock = threading.Lock()

    def add(self, trial: FinishedTrial) -> None:
        with self._lock:
            self._finished.append(trial)

    def finished(self) -> Sequence[FinishedTrial]:
        with self._lock:
            return tuple(self._finished)


class Finished(Protocol):
    """Where a race reads the finished trials, each time it decides."""

    def finished(self) -> Sequence[FinishedTrial]: ...


class PairedRace:
    """One trial's race against ``history``.

    With the mean paired difference to the incumbent d over k of K folds and the pooled standard
    deviation s of paired differences, a trial stops when d + z s sqrt(1/k - 1/K) < 0: the mean
    over all K folds would then, with normal differences, still be behind (one-sided). With a
    ``margin`` m the right side is m standard errors of the incumbent's mean instead of 0.
    """

    def __init__(
        self,
        history: Finished,
        *,
        z: float,
        greater_is_better: bool,
        min_finished: int = MIN_FINISHED,
        margin: float = 0.0,
    ) -> None:
        self._history = history
        self._z = z
        self._sign = 1.0 if greater_is_better else -1.0
        self._min_finished = min_finished
        self._margin = margin

    def after_fold(self, fold_scores: Mapping[int, float]) -> bool:
        finished = self._history.finished()
        if len(finished) < self._min_finished:
            return False
        incumbent = best_of(finished, sign=self._sign)
        folds = len(incumbent.provisional_scores)
        difference = self._sign * _mean_difference(fold_scores, incumbent)
        width = np.sqrt(1 / len(fold_scores) - 1 / folds)
        ahead = difference + self._z * pooled_spread(finished, incumbent) * width
        return bool(ahead < self._margin * standard_error(incumbent))

    def pessimistic_score(self, fold_scores: Mapping[int, float]) -> float:
        """The incumbent's score less how far the trial was behind.

        An estimate that a tuner's model can use, and strictly worse than the incumbent's score
        in the digits that a metric line has. If finished trials have come in since, the trial is
        compared with the best of all.
        """
        incumbent = best_of(self._history.finished(), sign=self._sign)
        behind = self._sign * _mean_difference(fold_scores, incumbent)
        least = 1e-6 * max(1.0, abs(incumbent.score))
        return incumbent.score + self._sign * min(behind, -least)


def best_of(finished: Sequence[FinishedTrial], *, sign: float) -> FinishedTrial:
    """The incumbent; the first of equals. ``sign`` is -1 for a metric to be minimised."""
    return max(finished, key=lambda trial: sign * trial.score)


def pooled_spread(finished: Sequence[FinishedTrial], incumbent: FinishedTrial) -> float:
    """Standard deviation of a fold's paired difference to the incumbent: median over trials."""
    best = np.array(incumbent.provisional_scores)
    spreads = [
        np.std(np.array(trial.provisional_scores) - best, ddof=1)
        for trial in finished
        if trial is not incumbent
    ]
    return float(np.median(spreads)) if spreads else float("inf")


def standard_error(trial: FinishedTrial) -> float:
    """Of the mean of a trial's folds; 0 of a single one."""
    folds = len(trial.provisional_scores)
    return float(np.std(trial.provisional_scores, ddof=1)) / folds**0.5 if folds > 1 else 0.0


def _mean_difference(fold_scores: Mapping[int, float], incumbent: FinishedTrial) -> float:
    return float(
        np.mean(
            [score - incumbent.provisional_scores[fold - 1] for fold, score in fold_scores.items()]
        )
    )
