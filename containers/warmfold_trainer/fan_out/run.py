"""Cross-validation of one hyperparameter set by a training job for each fold."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from random import SystemRandom

from warmfold_contract.errors import UserError
from warmfold_contract.paths import Paths
from warmfold_trainer.algorithms.protocol import FoldModel
from warmfold_trainer.candidate import read_candidate
from warmfold_trainer.cores import available_cores
from warmfold_trainer.cross_validation import (
    CrossValidation,
    combined,
    table_of,
)
from warmfold_trainer.fan_out.aws import Aws
from warmfold_trainer.fan_out.calls import Caller, CallError, FanOutError, Waiting
from warmfold_trainer.fan_out.coordinator import Coordinator
from warmfold_trainer.fan_out.driver import drive, stop_noted
from warmfold_trainer.fan_out.fold_jobs import FoldJobs
from warmfold_trainer.fan_out.own_fold import OwnTraining
from warmfold_trainer.fan_out.plan import Patience, Plan, read_patience, read_plan
from warmfold_trainer.fan_out.request import FoldRequests
from warmfold_trainer.fan_out.trial import Trial
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.fold_job import fold_identity, trained_fold
from warmfold_trainer.fold_result import FoldIdentity
from warmfold_trainer.folds import best_score
from warmfold_trainer.metric import Metric
from warmfold_trainer.racing import Race, RacedOut
from warmfold_trainer.settings import required

LOGGER = logging.getLogger(__name__)

_VARIABLE = "the environment variable"
# A hundred trials that begin at once are through in 20 s; a network without a way to SageMaker is
# not to be paid for as long as a rate that is used up.
_FIRST_CALL_SECONDS = 300.0


def cross_validate_by_jobs(
    paths: Paths,
    given: Mapping[str, str],
    data: FeatureSet,
    metric: Metric,
    *,
    on_fold: Callable[[int, float], None],
    race: Race | None,
) -> CrossValidation | RacedOut:
    """The same result as ``cross_validation.cross_validate``, within numerical noise.

    Raises ``UserError`` with the first fold's reason that failed for good; no job of a fold runs
    on then. SIGTERM stops the folds' jobs, and then the process as before.
    """
    plan, patience = read_plan(given), read_patience(os.environ)
    scores = FoldScores(data.folds, metric, on_fold, race)
    with stop_noted(paths.failure) as stop_asked:
        caller = Caller(time.monotonic, SystemRandom())
        run = _Run(given, data, plan, patience, caller)
        process = run.process(scores.stop_here)
        try:
            models = drive(process, stop_asked=stop_asked, stopping=lambda: run.stopping)
        finally:
            run.own.wait()
    LOGGER.info("calls: %s; throttled: %s", dict(caller.attempts), dict(caller.throttled))
    if race is not None and scores.raced:
        return RacedOut(fold_scores=scores.by_fold, score=race.pessimistic_score(scores.by_fold))
    return combined(data, models, metric, workers=min(available_cores(), data.folds))


class FoldScores:
    """Reports folds in their order, and asks the race of those up to each, as in one process."""

    def __init__(
        self,
        folds: int,
        metric: Metric,
        on_fold: Callable[[int, float], None],
        race: Race | None,
    ) -> None:
        self._folds, self._metric, self._on_fold, self._race = folds, metric, on_fold, race
        self.by_fold: dict[int, float] = {}
        self.raced = False

    def stop_here(self, models: Sequence[FoldModel]) -> bool:
        fold = len(models)
        self.by_fold[fold] = best_score(models[-1].curve, self._metric)
        self._on_fold(fold, self.by_fold[fold])
        if self._race is not None and fold < self._folds:
            self.raced = self._race.after_fold(self.by_fold)
        return self.raced


class _Run:
    """One trial's fan-out, from its own description to its folds' models."""

    def __init__(
        self,
        given: Mapping[str, str],
        data: FeatureSet,
        plan: Plan,
        patience: Patience,
        caller: Caller,
    ) -> None:
        self._given, self._data, self._plan = given, data, plan
        self._patience, self._caller = patience, caller
        self._candidate = read_candidate(given)
        self._settings = self._candidate.settings()
        self._name = required(os.environ, "TRAINING_JOB_NAME", _VARIABLE)
        self._aws = Aws(_region(required(os.environ, "TRAINING_JOB_ARN", _VARIABLE)))
        self._coordinator: Coordinator[FoldModel] | None = None
        self.own = OwnTraining(self._train_own)

    @property
    def stopping(self) -> bool:
        return self._coordinator is not None and self._coordinator.stopping

    def process(
        self, stops_here: Callable[[Sequence[FoldModel]], bool]
    ) -> Waiting[list[FoldModel]]:
        requests = FoldRequests((yield from self._described()), self._given, self._plan)
        trial = Trial(
            name=self._name,
            folds=self._data.folds,
            wave=self._plan.wave,
            keeps_pools=self._plan.keep_alive_seconds > 0,
            instance_type=requests.instance_type,
            stops_here=stops_here,
            own=self.own if self._plan.own else None,
        )
        table = table_of(self._data, self._candidate.task)
        jobs = FoldJobs(self._aws, requests, self._candidate.algorithm, table, self._identity)
        LOGGER.info("%d folds as training jobs, %d at once", trial.folds, trial.wave)
        self._coordinator = Coordinator(trial, jobs, self._caller, self._patience)
        return (yield from self._coordinator.run())

    def _described(self) -> Waiting[dict[str, object]]:
        try:
            return (
                yield from self._caller.call(
                    "DescribeTrainingJob",
                    lambda: self._aws.describe(self._name),
                    within_seconds=min(_FIRST_CALL_SECONDS, self._patience.call_seconds),
                )
            )
        except CallError as error:
            raise FanOutError(
                f"the trial cannot describe its own job: {error}. A trial that starts jobs needs "
                "its role's permissions, and no network isolation"
            ) from error

    def _identity(self, fold: int) -> FoldIdentity:
        return fold_identity(self._candidate, self._settings, self._data, fold)

    def _train_own(self, stop: threading.Event) -> FoldModel:
        return trained_fold(self._candidate, self._settings, self._data, 1, stop=stop)


def _region(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < 6 or not parts[3]:
        raise UserError(f"TRAINING_JOB_ARN is {arn!r}: expected arn:…:sagemaker:REGION:…")
    return parts[3]
