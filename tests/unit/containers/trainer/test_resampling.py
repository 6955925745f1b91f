"""How sure a difference of two models is."""

from dataclasses import replace

import numpy as np
import pytest

from warmfold_contract.errors import UserError
from warmfold_trainer.metric import Metric, find_metric
from warmfold_trainer.resampling import difference_interval

RMSE = find_metric("rmse")
AUC = find_metric("auc")


def squared(target: np.ndarray, score: np.ndarray) -> float:
    """Of independent rows its spread is known."""
    return float(np.mean((target - score) ** 2))


SQUARED = Metric(name="squared", function=squared, greater_is_better=False, task="regression")


def errors(groups: int, size: int, *, alike: bool) -> tuple[np.ndarray, np.ndarray]:
    """Group codes, shuffled, and one model's errors; the other has none."""
    generator = np.random.default_rng(2)
    group = generator.permutation(np.repeat(np.arange(groups), size))
    drawn = generator.normal(size=groups)[group] if alike else generator.normal(size=len(group))
    return group, drawn


def width(group: np.ndarray | None, error: np.ndarray) -> float:
    nothing = np.zeros_like(error)
    interval = difference_interval(SQUARED, nothing, error, nothing, group)
    assert interval is not None
    assert interval[0] < squared(nothing, error) < interval[1]
    return interval[1] - interval[0]


def test_rows_that_are_alike_within_groups_count_as_one() -> None:
    group, error = errors(100, 16, alike=True)
    # Of 100 independent squares the mean has a standard error of sqrt(2 / 100).
    assert width(group, error) == pytest.approx(2 * 1.96 * np.sqrt(2 / 100), rel=0.35)
    assert width(group, error) == pytest.approx(4 * width(None, error), rel=0.25)


def test_groups_that_say_nothing_make_the_interval_no_wider() -> None:
    group, error = errors(100, 16, alike=False)
    assert width(group, error) == pytest.approx(width(None, error), rel=0.25)


@pytest.mark.parametrize("groups,size", [(60_000, 1), (15_000, 4), (70, 900)])
def test_a_large_hold_out_is_as_sure_as_its_size(groups: int, size: int) -> None:
    group, error = errors(groups, size, alike=True)
    expected = 2 * 1.96 * np.std(np.bincount(group, error**2) / size) / np.sqrt(groups)
    assert width(group, error) == pytest.approx(expected, rel=0.15)


def test_each_row_as_its_own_group_is_no_group() -> None:
    _, error = errors(40, 2, alike=False)
    assert width(np.arange(80), error) == width(None, error)


def test_one_group_has_no_interval() -> None:
    error = np.arange(5.0)
    assert difference_interval(RMSE, error, error, error, np.zeros(5, dtype=np.int64)) is None


def test_a_projects_metric_that_fails_on_a_resample_is_done_without_it() -> None:
    def share_of_positives(target: np.ndarray, score: np.ndarray) -> float:
        if not target.any():
            raise UserError("metric 'project.caught' returned nan for 60 rows")
        return float(score[target == 1].mean())

    caught = replace(SQUARED, function=share_of_positives, task=None)
    target = (np.arange(60) < 3).astype(np.float64)
    score = np.linspace(1, 0, 60)
    interval = difference_interval(caught, target, score, np.zeros(60), None)
    assert interval is not None
    assert interval[0] <= share_of_positives(target, score) <= interval[1]


def test_without_a_metric_in_most_resamples_there_is_no_interval() -> None:
    target = (np.arange(100_000) == 7).astype(np.uint8)
    score = np.linspace(0, 1, len(target))
    assert difference_interval(AUC, target, score, score, None) is None
