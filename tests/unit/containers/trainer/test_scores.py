"""Metrics against their definitions, written out row by row."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_trainer.scores import ScoreError, auc, brier, gini, ks, log_loss, pr_auc

Function = Callable[[np.ndarray, np.ndarray], float]
METRICS: tuple[Function, ...] = (auc, gini, ks, log_loss, brier, pr_auc)

# Few distinct scores, so that ties are common.
PAIRS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([-0.0, 0.0, 0.1, 0.25, 0.5, 0.5, 0.75, 1.0])),
    min_size=2,
    max_size=30,
).filter(lambda pairs: len({label for label, _ in pairs}) == 2)
Pairs = list[tuple[int, float]]


def arrays(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = zip(*pairs, strict=True)
    return np.array(labels, dtype=np.uint8), np.array(scores, dtype=np.float64)


def by_class(pairs: Pairs) -> tuple[list[float], list[float]]:
    return [s for label, s in pairs if label], [s for label, s in pairs if not label]


@given(PAIRS)
def test_auc_is_the_share_of_pairs_in_the_right_order_ties_counting_half(pairs: Pairs) -> None:
    positive, negative = by_class(pairs)
    right = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert auc(*arrays(pairs)) == pytest.approx(right / (len(positive) * len(negative)))
    assert gini(*arrays(pairs)) == pytest.approx(2 * auc(*arrays(pairs)) - 1)


@given(PAIRS, st.sampled_from([-1e300, -0.3, 5e-324, 1e300]))
def test_auc_is_of_the_order_alone_whatever_the_scores(pairs: Pairs, moved: float) -> None:
    labels, scores = arrays(pairs)
    ranks = np.unique(scores, return_inverse=True)[1]
    levels = np.sort([moved, 0.0, 1e-300, 0.25, 0.5, 1.0, 2.0])
    assert auc(labels, levels[ranks]) == auc(labels, scores)


@given(PAIRS)
def test_auc_is_a_half_turned_by_turning_the_scores(pairs: Pairs) -> None:
    labels, scores = arrays(pairs)
    assert auc(labels, 1 - scores) == pytest.approx(1 - auc(labels, scores))


@given(PAIRS)
def test_ks_is_the_largest_gap_between_the_distribution_functions(pairs: Pairs) -> None:
    positive, negative = by_class(pairs)

    def below(values: list[float], limit: float) -> float:
        return sum(value <= limit for value in values) / len(values)

    gaps = [abs(below(positive, limit) - below(negative, limit)) for _, limit in pairs]
    assert ks(*arrays(pairs)) == pytest.approx(max(gaps))


@given(PAIRS)
def test_pr_auc_is_the_precision_at_each_score_weighted_by_recall_gained(pairs: Pairs) -> None:
    positive, _ = by_class(pairs)
    expected, recall_before = 0.0, 0.0
    for limit in sorted({score for _, score in pairs}, reverse=True):
        chosen = [label for label, score in pairs if score >= limit]
        recall = sum(chosen) / len(positive)
        expected += (recall - recall_before) * sum(chosen) / len(chosen)
        recall_before = recall
    assert pr_auc(*arrays(pairs)) == pytest.approx(expected)


@given(PAIRS)
def test_log_loss_and_brier_are_means_over_rows(pairs: Pairs) -> None:
    def clipped(score: float) -> float:
        return min(max(score, 1e-15), 1 - 1e-15)

    losses = [-math.log(clipped(s)) if label else -math.log1p(-clipped(s)) for label, s in pairs]
    assert log_loss(*arrays(pairs)) == pytest.approx(sum(losses) / len(pairs))
    squares = [(s - label) ** 2 for label, s in pairs]
    assert brier(*arrays(pairs)) == pytest.approx(sum(squares) / len(pairs))


@given(PAIRS)
def test_the_order_of_rows_changes_no_metric(pairs: Pairs) -> None:
    turned = list(reversed(pairs))
    for metric in METRICS:
        assert metric(*arrays(turned)) == pytest.approx(metric(*arrays(pairs)))


@pytest.mark.parametrize("metric", METRICS)
def test_a_score_that_is_not_finite_has_no_metric(metric: Function) -> None:
    for bad in (math.nan, math.inf, -math.inf):
        for other in (0.5, -0.5, 0.0):
            with pytest.raises(ScoreError, match="not finite"):
                metric(np.array([0, 1], dtype=np.uint8), np.array([other, bad]))


@pytest.mark.parametrize("metric", METRICS)
def test_one_class_alone_has_no_metric(metric: Function) -> None:
    with pytest.raises(ScoreError, match="both classes"):
        metric(np.array([1, 1], dtype=np.uint8), np.array([0.5, 0.6]))
