"""When a fold's boosting ends, and which of its rounds are scored."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_trainer.algorithms.early_stopping import boost, round_added
from warmfold_trainer.algorithms.protocol import RoundScore, Scores


def settings(limit: int, patience: int) -> dict[str, int]:
    return {"max_rounds": limit, "early_stopping_rounds": patience}


class Boosting:
    """Rounds whose scores are given, and what was asked of them."""

    def __init__(self, scores: Sequence[float], *, splits: int | None = None) -> None:
        self.scores = scores
        self.splits = len(scores) if splits is None else splits
        self.scored: list[int] = []
        self.followed: list[list[float]] = []

    def run(self, limit: int, patience: int, *, greater_is_better: bool = True) -> Scores:
        def score_round(rounds: int) -> float:
            self.scored.append(rounds)
            return self.scores[rounds - 1]

        score = RoundScore(
            function=lambda _: 0.0,
            greater_is_better=greater_is_better,
            follow=lambda curve: self.followed.append(list(curve)),
        )
        return boost(
            lambda number: number < self.splits, score_round, settings(limit, patience), score
        )


@pytest.mark.parametrize(
    "limit,scored", [(1, [1]), (2, [1, 2]), (5, [1, 2, 4, 5]), (6, [1, 2, 4, 6])]
)
def test_first_every_second_and_last_round_are_scored(limit: int, scored: list[int]) -> None:
    boosting = Boosting([float(n) for n in range(1, 7)])
    curve = boosting.run(limit, patience=10)
    assert boosting.scored == scored
    expected = [max(n for n in scored if n <= rounds) for rounds in range(1, limit + 1)]
    assert curve.tolist() == expected
    # Who follows a curve sees a value a round, and is told of no round twice.
    assert boosting.followed == [expected[:rounds] for rounds in scored]


@pytest.mark.parametrize("greater_is_better", [True, False])
def test_it_ends_so_many_rounds_after_the_best(greater_is_better: bool) -> None:
    sign = 1.0 if greater_is_better else -1.0
    rising = [sign * min(n, 8) for n in range(1, 101)]
    assert len(Boosting(rising).run(100, 6, greater_is_better=greater_is_better)) == 8 + 6
    # An odd patience ends with the next round that is scored.
    assert len(Boosting(rising).run(100, 5, greater_is_better=greater_is_better)) == 8 + 6


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_what_gets_better_all_the_time_is_not_ended(patience: int) -> None:
    assert len(Boosting([float(n) for n in range(50)]).run(50, patience)) == 50


def test_a_round_without_a_split_ends_it_and_does_not_count() -> None:
    assert len(Boosting([0.5] * 9, splits=3).run(9, 20)) == 3
    # But the first does: a fold has at least one round.
    assert len(Boosting([0.5] * 9, splits=0).run(9, 20)) == 1


def test_a_round_without_a_split_is_tried_again_as_often_as_patience_lasts() -> None:
    """What it may split by is drawn anew each time."""
    failures = {3: 4, 5: 6}  # number of the round, from 0: attempts that find nothing
    left = dict(failures)

    def add_round(number: int) -> bool:
        left[number] = left.get(number, 0) - 1
        return left[number] < 0

    assert [round_added(add_round, number, settings(9, 5)) for number in range(7)] == [
        *[True] * 5,
        False,  # five attempts of the six that it takes
        True,
    ]


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
    st.integers(1, 40),
    st.integers(1, 12),
    st.booleans(),
)
def test_the_best_round_is_one_that_was_scored(
    scores: list[float], limit: int, patience: int, greater_is_better: bool
) -> None:
    boosting = Boosting(scores)
    curve = boosting.run(min(limit, len(scores)), patience, greater_is_better=greater_is_better)
    best = int(np.argmax(curve) if greater_is_better else np.argmin(curve)) + 1
    assert best in boosting.scored
    assert curve[best - 1] == scores[best - 1]
