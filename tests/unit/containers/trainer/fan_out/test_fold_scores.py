"""What a fan-out reports of its folds, and when their race ends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from warmfold_trainer.algorithms.protocol import Matrix, Scores
from warmfold_trainer.fan_out.run import FoldScores
from warmfold_trainer.metric import find_metric


@dataclass
class Model:
    """A fold's model of which only the curve counts."""

    curve: Scores

    def predict(self, features: Matrix, rounds: int) -> Scores:
        raise AssertionError("nothing is predicted before all folds are there")

    def save(self, folder: Path) -> tuple[str, ...]:
        raise AssertionError("nothing is saved by the trial")


class Race:
    """Lost as soon as a fold scores below a half."""

    def __init__(self) -> None:
        self.asked: list[dict[int, float]] = []

    def after_fold(self, fold_scores: Mapping[int, float]) -> bool:
        self.asked.append(dict(fold_scores))
        return min(fold_scores.values()) < 0.5

    def pessimistic_score(self, fold_scores: Mapping[int, float]) -> float:
        return 0.0


def models(*scores: float) -> list[Model]:
    return [Model(np.array([0.1, score, 0.2])) for score in scores]


def test_each_fold_is_reported_with_its_own_best_score_and_raced_with_those_before() -> None:
    reported: list[tuple[int, float]] = []
    race = Race()
    scores = FoldScores(3, find_metric("auc"), lambda *fold: reported.append(fold), race)
    found = models(0.8, 0.4, 0.9)
    assert not scores.stop_here(found[:1])
    assert scores.stop_here(found[:2])
    assert reported == [(1, 0.8), (2, 0.4)]
    assert race.asked == [{1: 0.8}, {1: 0.8, 2: 0.4}]
    assert scores.raced


def test_the_last_fold_is_not_raced_and_without_a_race_nothing_ends_early() -> None:
    race = Race()
    scores = FoldScores(1, find_metric("auc"), lambda *_: None, race)
    assert not scores.stop_here(models(0.1))
    assert race.asked == []
    alone = FoldScores(2, find_metric("auc"), lambda *_: None, None)
    assert not alone.stop_here(models(0.1))
