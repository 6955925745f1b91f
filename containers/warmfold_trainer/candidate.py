"""What trials, folds and searches of one candidate have in common, out of their hyperparameters."""

from collections.abc import Mapping
from dataclasses import dataclass

from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import (
    ALGORITHM,
    DIRECTION,
    FEATURE_SET,
    METRIC,
    TASK,
    is_platform_key,
)
from warmfold_contract.hyperparameters import SEED as SEED_KEY
from warmfold_contract.paths import TRAIN_CHANNEL, Paths
from warmfold_contract.settings import Settings
from warmfold_contract.tasks import TASKS, Task
from warmfold_trainer.algorithms.protocol import Algorithm
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.feature_set import FeatureSet, read_feature_set
from warmfold_trainer.metric import Metric, check_folds, check_tasks, find_metric
from warmfold_trainer.settings import SEED, read_settings, required


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """``own`` are the algorithm's hyperparameters as given, not yet checked."""

    algorithm: Algorithm
    task: Task
    feature_set: str
    metric: Metric
    seed: int
    own: Mapping[str, str]

    def settings(self) -> Settings:
        """Raises ``UserError`` naming what is unknown or out of range."""
        return read_settings(self.own, self.algorithm.name, self.task)

    def data(self, paths: Paths) -> FeatureSet:
        """The training channel's rows, with folds.

        Raises ``UserError``, also if candidate or metric do not suit the project's task.
        """
        found = read_feature_set(
            paths.channel(TRAIN_CHANNEL), feature_set=self.feature_set, with_folds=True
        )
        check_tasks(self.metric, self.task, found.task)
        folds = range(1, found.folds + 1)
        check_folds(self.metric, (found.target[found.fold_rows(n)[1]] for n in folds))
        return found


def read_candidate(given: Mapping[str, str]) -> Candidate:
    """Raises ``UserError`` naming the hyperparameter that is absent or wrong."""
    metric = find_metric(_needed(given, METRIC), direction=given.get(DIRECTION))
    return Candidate(
        metric=metric,
        seed=int(SEED.parse(_needed(given, SEED_KEY))),
        algorithm=algorithm_named(_needed(given, ALGORITHM)),
        task=_task(_needed(given, TASK)),
        feature_set=_needed(given, FEATURE_SET),
        own={name: value for name, value in given.items() if not is_platform_key(name)},
    )


def _needed(given: Mapping[str, str], name: str) -> str:
    return required(given, name, "the hyperparameter")


def _task(text: str) -> Task:
    if text not in TASKS:
        raise UserError(f"{TASK} is {text!r}: use {' or '.join(map(repr, TASKS))}")
    return text
