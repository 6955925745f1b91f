"""Trials that lose their race, inside one process."""

import threading
import time
from collections.abc import Mapping

import pytest

from tests.unit.containers.trainer.cross_validation_aids import (
    AUC,
    ignore,
    prepared,
    run,
    settings_of,
)
from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.protocol import FinalModel, FoldModel, RoundScore, Rows
from warmfold_trainer.cross_validation import CrossValidation, TrialData, cross_validate
from warmfold_trainer.racing import RacedOut


class StopAfter:
    """A race that is lost after some folds."""

    def __init__(self, folds: int) -> None:
        self.folds = folds
        self.asked: list[Mapping[int, float]] = []

    def after_fold(self, fold_scores: Mapping[int, float]) -> bool:
        self.asked.append(dict(fold_scores))
        return len(fold_scores) == self.folds

    def pessimistic_score(self, fold_scores: Mapping[int, float]) -> float:
        return -1.0


@pytest.mark.parametrize("workers", [1, 4])
def test_a_lost_race_ends_the_trial_with_the_folds_it_has(workers: int) -> None:
    settings = settings_of()
    data = feature_set(folds=5)
    race, seen = StopAfter(2), list[int]()
    result = cross_validate(
        prepared(data, settings),
        settings,
        AUC,
        on_fold=lambda fold, score: seen.append(fold),
        race=race,
        workers=workers,
    )
    assert isinstance(result, RacedOut)
    assert result.score == -1.0
    assert seen == [1, 2] == list(result.fold_scores)
    assert race.asked == [{1: result.fold_scores[1]}, result.fold_scores]
    whole = run(data=data)
    assert tuple(result.fold_scores.values()) == whole.provisional_scores[:2]


def test_a_race_is_not_asked_when_all_folds_are_done() -> None:
    settings = settings_of()
    race = StopAfter(3)
    result = cross_validate(
        prepared(feature_set(), settings), settings, AUC, on_fold=ignore, race=race
    )
    assert isinstance(result, CrossValidation)
    assert len(race.asked) == 2


def test_folds_of_a_trial_that_lost_its_race_do_not_train_on() -> None:
    settings = settings_of(max_rounds="100000", early_stopping_rounds="10000", learning_rate="1e-6")
    short = settings_of(max_rounds="1")

    class OneFold:
        """The first fold is short, the others would take minutes."""

        few_folds_at_a_time = False

        def __init__(self) -> None:
            trial = prepared(feature_set(folds=5), settings)
            self.slow = trial.binned.with_settings(settings)
            self.fast = trial.binned.with_settings(short)
            self.first = threading.Lock()

        def with_settings(self, settings: Settings, *, threads: int = 1) -> "OneFold":
            return self

        def fit_final(self, rounds: int, *, threads: int) -> FinalModel:
            raise AssertionError("a trial trains no final model")

        def fit_fold(self, train: Rows, validation: Rows, score: RoundScore) -> FoldModel:
            table = self.fast if self.first.acquire(blocking=False) else self.slow
            return table.fit_fold(train, validation, score)

    begun = time.monotonic()
    result = cross_validate(
        TrialData(data=feature_set(folds=5), binned=OneFold()),
        settings,
        AUC,
        on_fold=ignore,
        race=StopAfter(1),
        workers=2,
    )
    assert isinstance(result, RacedOut)
    # Its folds would have taken minutes each.
    assert time.monotonic() - begun < 20
