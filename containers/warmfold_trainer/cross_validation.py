"""One hyperparameter set, scored on fixed folds inside one process.

How early stopping is kept honest: a fold stops training when its own validation score no longer
improves, but no fold is scored at its own best round. One number of rounds is chosen for all of
them, where the *mean* of the folds' curves is best, and that number is also the final model's. A
fold that had stopped before it counts with its last round, which is not its best. What optimism
is left is that of choosing one number by the mean over all validation rows; scores of trials
share it, and the hold-out, which nothing is chosen on, is free of it.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from warmfold_contract.settings import Settings
from warmfold_contract.stopping import stop_signals_left_to_main_thread
from warmfold_contract.tasks import Task
from warmfold_trainer.algorithms.protocol import (
    Algorithm,
    BinnedTable,
    FoldModel,
    Scores,
    Table,
)
from warmfold_trainer.cores import available_cores
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.folds import Fold, HopelessError, ScoredFold, best_score
from warmfold_trainer.metric import Metric
from warmfold_trainer.racing import Race, RacedOut, WatchesRounds

# Of a fold of a large table: more share too few features each to be worth waiting for.
MOST_THREADS = 8


@dataclass(frozen=True, kw_only=True)
class TrialData:
    """What all trials of one candidate share, whatever their tuned settings: made once."""

    data: FeatureSet
    binned: BinnedTable


def trial_data(
    algorithm: Algorithm,
    data: FeatureSet,
    settings: Settings,
    *,
    seed: int,
    task: Task,
    keep_folds: bool = False,
) -> TrialData:
    """Bins the features, by those of ``settings`` that are never tuned.

    ``keep_folds`` holds the folds' bins, too: faster from the second trial on, for about
    ``folds`` times the memory.
    """
    binned = algorithm.bin(table_of(data, task), settings, seed=seed, keep_folds=keep_folds)
    return TrialData(data=data, binned=binned)


def table_of(data: FeatureSet, task: Task) -> Table:
    """The rows as algorithms take them, for a candidate of this task."""
    return Table(features=data.features, target=data.target, schema=data.schema.features, task=task)


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """``out_of_fold`` is (rows, repeats): for every row of the training set the score by each
    repeat's model that did not see it; NaN for a row that no fold validates (the first block of
    time-ordered folds).

    ``fold_best_rounds`` are the rounds at which each fold alone would have been best, and
    ``provisional_scores`` its scores there, which races compare.
    """

    rounds: int
    fold_scores: tuple[float, ...]
    fold_training_scores: tuple[float, ...]
    fold_best_rounds: tuple[int, ...]
    provisional_scores: tuple[float, ...]
    out_of_fold: Scores

    @property
    def score(self) -> float:
        """Mean over the folds."""
        return float(np.mean(self.fold_scores))

    @property
    def score_std(self) -> float:
        """Sample standard deviation over the folds."""
        return float(np.std(self.fold_scores, ddof=1))

    @property
    def training_score(self) -> float:
        """Mean over the folds of the score on rows the model was trained on."""
        return float(np.mean(self.fold_training_scores))


def cross_validate(
    trial: TrialData,
    settings: Settings,
    metric: Metric,
    *,
    on_fold: Callable[[int, float], None],
    race: Race | None = None,
    workers: int | None = None,
) -> CrossValidation | RacedOut:
    """Train every fold and score the set, or stop as soon as ``race`` says so.

    ``workers`` folds are trained at a time (default: as ``arranged`` says).
    ``on_fold(fold, score)`` is called in fold order as each is done, with the fold's
    own best score, which is provisional: the final one is taken at the common number of rounds.
    Raises ``ScoreError`` if a model predicts anything that is not finite.
    """
    few = trial.binned.few_folds_at_a_time
    arrangement = arranged(trial.data.folds, workers, few_at_a_time=few)
    prepared = trial.binned.with_settings(settings, threads=arrangement.threads)
    stop = threading.Event()
    folds = [Fold(trial.data, number, metric, stop) for number in _numbers(trial.data)]
    folds[0].watch = race.after_round if isinstance(race, WatchesRounds) else None
    with _threads(arrangement.workers) as threads:
        with stop_signals_left_to_main_thread():
            jobs = [threads.submit(fold.fit, prepared) for fold in folds]
        try:
            models = _in_order(jobs, metric, on_fold, race)
        finally:
            # Of a trial that has ended, by its race or by a fault, no fold goes on.
            stop.set()
            threads.shutdown(wait=False, cancel_futures=True)
    if isinstance(models, RacedOut):
        return models
    return combined(trial.data, models, metric, workers=arrangement.workers)


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """How many folds are trained at a time, and how many OpenMP threads each has."""

    workers: int
    threads: int


def arranged(folds: int, workers: int | None, *, few_at_a_time: bool = False) -> Arrangement:
    """One thread a fold while there are folds for the cores; given ``workers``, always one.

    No core is left to two threads: threads of a fold wait for each other. ``few_at_a_time``: up to
    ``MOST_THREADS`` threads a fold, and so fewer folds in memory.
    """
    if workers is not None:
        return Arrangement(workers=min(workers, folds), threads=1)
    cores = available_cores()
    at_a_time = min(-(-cores // MOST_THREADS) if few_at_a_time else cores, folds)
    return Arrangement(workers=at_a_time, threads=cores // at_a_time)


def fit_fold(
    trial: TrialData,
    settings: Settings,
    metric: Metric,
    number: int,
    *,
    threads: int,
    stop: threading.Event | None = None,
) -> FoldModel:
    """Train one fold (from 1) as ``cross_validate`` does; raises ``ScoreError`` like it.

    Once ``stop`` is set the training ends by an exception: nobody waits for the fold any more.
    """
    prepared = trial.binned.with_settings(settings, threads=threads)
    return Fold(trial.data, number, metric, stop or threading.Event()).fit(prepared)


def combined(
    data: FeatureSet, models: Sequence[FoldModel], metric: Metric, *, workers: int
) -> CrossValidation:
    """Score the folds' models, in fold order, at their common number of rounds."""
    rounds = common_rounds([model.curve for model in models], metric)
    folds = [Fold(data, number, metric, threading.Event()) for number in _numbers(data)]
    with _threads(workers) as threads:
        scored = list(threads.map(lambda fold, model: fold.score(model, rounds), folds, models))
    return CrossValidation(
        rounds=rounds,
        fold_scores=tuple(fold.score for fold in scored),
        fold_training_scores=tuple(fold.training_score for fold in scored),
        fold_best_rounds=tuple(metric.best_round(model.curve) for model in models),
        provisional_scores=tuple(best_score(model.curve, metric) for model in models),
        out_of_fold=_gathered(data, folds, scored),
    )


def common_rounds(curves: Sequence[Scores], metric: Metric) -> int:
    """The rounds (at least 1) at which the folds' mean score is best.

    A curve that ends early goes on at its last value, the score of the model the fold really has.
    """
    longest = max(len(curve) for curve in curves)
    padded = [np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves]
    return metric.best_round(np.mean(padded, axis=0))


def _numbers(data: FeatureSet) -> range:
    return range(1, data.folds + 1)


def _threads(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="fold")


def _in_order(
    jobs: Sequence[Future[FoldModel]],
    metric: Metric,
    on_fold: Callable[[int, float], None],
    race: Race | None,
) -> list[FoldModel] | RacedOut:
    """The race decides on the folds up to each one, whatever else is done by then: the decision
    does not depend on the number of threads."""
    models: list[FoldModel] = []
    scores: dict[int, float] = {}
    for number, job in enumerate(jobs, start=1):
        try:
            models.append(job.result())
        except HopelessError as hopeless:
            if race is None:
                raise
            so_far = {**scores, number: hopeless.score}
            return RacedOut(fold_scores=scores, score=race.pessimistic_score(so_far))
        scores[number] = best_score(models[-1].curve, metric)
        on_fold(number, scores[number])
        if race is not None and number < len(jobs) and race.after_fold(scores):
            return RacedOut(fold_scores=scores, score=race.pessimistic_score(scores))
    return models


def _gathered(data: FeatureSet, folds: Sequence[Fold], scored: Sequence[ScoredFold]) -> Scores:
    """(rows, repeats): each score in its row and the column of its fold's repeat."""
    found = np.full((data.rows, data.repeats), np.nan)
    in_repeat = len(folds) // data.repeats
    for place, (fold, result) in enumerate(zip(folds, scored, strict=True)):
        _, validation = fold.rows()
        found[validation, place // in_repeat] = result.predicted
    return found
