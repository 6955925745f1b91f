"""Hold-out and folds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_trainer.splits import HOLDOUT, assign_folds, fold_hash


def target_of(negatives: int, positives: int, seed: int = 0) -> NDArray[np.uint8]:
    target = np.repeat([0, 1], [negatives, positives]).astype(np.uint8)
    np.random.default_rng(seed).shuffle(target)
    return target


@given(
    counts=st.tuples(st.integers(40, 200), st.integers(40, 200)),
    folds=st.integers(2, 12),
    fraction=st.floats(0.05, 0.5),
    seed=st.integers(0, 2**31 - 1),
)
def test_every_row_has_one_place_and_classes_are_spread_within_one_row(
    counts: tuple[int, int], folds: int, fraction: float, seed: int
) -> None:
    target = target_of(*counts, seed=seed)
    places = assign_folds(target, folds=folds, holdout_fraction=fraction, seed=seed)
    assert set(np.unique(places).tolist()) == set(range(folds + 1))
    for label in (0, 1):
        held_out = np.count_nonzero(places[target == label] == HOLDOUT)
        assert abs(held_out - counts[label] * fraction) <= 0.5
        sizes = np.bincount(places[target == label], minlength=folds + 1)[1:]
        assert sizes.max() - sizes.min() <= 1
    totals = np.bincount(places)[1:]
    assert totals.max() - totals.min() <= 1


def test_the_same_seed_gives_the_same_places_and_another_seed_others() -> None:
    target = target_of(80, 40)
    first, again, other = (
        assign_folds(target, folds=5, holdout_fraction=0.2, seed=seed) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert fold_hash(first) == fold_hash(again) != fold_hash(other)
    assert (first != other).any()


def test_the_places_of_a_known_seed_never_change() -> None:
    target = np.array([0, 1] * 8, dtype=np.uint8)
    places = assign_folds(target, folds=3, holdout_fraction=0.25, seed=1)
    assert places.tolist() == [2, 3, 1, 2, 3, 2, 2, 3, 3, 1, 0, 1, 0, 0, 1, 0]


def test_the_hold_out_does_not_depend_on_the_number_of_folds() -> None:
    target = target_of(80, 40)
    three, five = (
        assign_folds(target, folds=folds, holdout_fraction=0.2, seed=3) == HOLDOUT
        for folds in (3, 5)
    )
    np.testing.assert_array_equal(three, five)


def test_more_folds_than_rows_of_a_class_are_refused_with_the_counts() -> None:
    with pytest.raises(UserError, match=r"5 folds need .* positive class has 4 left .*\(5 less 1"):
        assign_folds(target_of(50, 5), folds=5, holdout_fraction=0.2, seed=1)


@pytest.mark.parametrize("fraction,fault", [(0.01, "leaves no hold-out"), (0.95, "leaves only")])
def test_a_hold_out_that_empties_a_class_is_refused(fraction: float, fault: str) -> None:
    with pytest.raises(UserError, match=f"{fault}.* positive class, which has 5"):
        assign_folds(target_of(50, 5), folds=2, holdout_fraction=fraction, seed=1)
