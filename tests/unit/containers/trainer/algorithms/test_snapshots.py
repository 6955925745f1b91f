"""Predictions that are kept while a fold is trained."""

import numpy as np

from warmfold_trainer.algorithms.snapshots import Snapshots


def kept(snapshots: Snapshots) -> set[int]:
    found = [snapshots.closest(rounds) for rounds in range(1, 300)]
    return {one.rounds for one in found if one is not None}


def offered(rounds: int) -> Snapshots:
    snapshots = Snapshots(patience=20)
    for number in range(1, rounds + 1):
        snapshots.offer(number, np.full(3, float(number)))
    return snapshots


def test_the_latest_ones_of_every_few_rounds_are_kept() -> None:
    assert kept(offered(95)) == {60, 70, 80, 90}


def test_all_but_the_closest_are_let_go() -> None:
    snapshots = offered(95)
    snapshots.keep_closest(68)
    assert kept(snapshots) == {70}


def test_one_that_saves_no_work_is_let_go_too() -> None:
    snapshots = offered(95)
    snapshots.keep_closest(3)
    assert kept(snapshots) == set()
