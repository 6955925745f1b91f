"""How many folds run at a time, and on how many threads."""

import pytest

from warmfold_trainer.cross_validation import arranged


@pytest.mark.parametrize(
    "cores,folds,workers,arrangement",
    [
        (2, 5, None, (2, 1)),
        (5, 5, None, (5, 1)),
        (8, 5, None, (5, 1)),
        (16, 5, None, (5, 3)),
        (1, 5, None, (1, 1)),
        (16, 5, 1, (1, 1)),
        (2, 5, 9, (5, 1)),
    ],
)
def test_threads_times_folds_at_a_time_are_never_more_than_the_cores(
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    folds: int,
    workers: int | None,
    arrangement: tuple[int, int],
) -> None:
    monkeypatch.setattr("warmfold_trainer.cross_validation.available_cores", lambda: cores)
    found = arranged(folds, workers)
    assert (found.workers, found.threads) == arrangement


@pytest.mark.parametrize(
    "cores, folds, arrangement",
    [(1, 5, (1, 1)), (2, 5, (1, 2)), (8, 5, (1, 8)), (16, 5, (2, 8)), (96, 5, (5, 19))],
)
def test_few_folds_of_a_large_table_are_in_memory_at_a_time(
    monkeypatch: pytest.MonkeyPatch, cores: int, folds: int, arrangement: tuple[int, int]
) -> None:
    monkeypatch.setattr("warmfold_trainer.cross_validation.available_cores", lambda: cores)
    found = arranged(folds, None, few_at_a_time=True)
    assert (found.workers, found.threads) == arrangement
