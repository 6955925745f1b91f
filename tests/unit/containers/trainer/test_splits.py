"""Hold-out and folds: what must hold of every assignment, whatever the data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_trainer.splits import (
    HOLDOUT,
    Assignment,
    SplitPlan,
    SplitRows,
    assign_folds,
    fold_hash,
    fold_rows,
)

SEEDS = st.integers(0, 2**31 - 1)


def target_of(negatives: int, positives: int, seed: int = 0) -> NDArray[np.uint8]:
    target = np.repeat([0, 1], [negatives, positives]).astype(np.uint8)
    np.random.default_rng(seed).shuffle(target)
    return target


def plan_of(**changed: Any) -> SplitPlan:
    return replace(SplitPlan(folds=3, holdout_fraction=0.2, seed=1), **changed)


@st.composite
def tables(draw: st.DrawFn) -> SplitRows:
    """Rows of either task with groups of very different sizes, and times with many ties."""
    rows = draw(st.integers(30, 300))
    random = np.random.default_rng(draw(SEEDS))
    groups = draw(st.integers(8, rows))
    sizes = random.gamma(draw(st.sampled_from([0.3, 1.0, 10.0])), size=groups) + 1e-9
    moments = draw(st.sampled_from([12, 40, 10_000]))
    regression = draw(st.booleans())
    return SplitRows(
        target=random.normal(size=rows).round(1)
        if regression
        else (random.random(rows) < draw(st.floats(0.1, 0.9))).astype(np.uint8),
        task="regression" if regression else "classification",
        group=random.choice(groups, rows, p=sizes / sizes.sum()),
        time=np.sort(random.integers(0, moments, rows))[random.permutation(rows)].astype(float),
    )


@st.composite
def plans(draw: st.DrawFn) -> SplitPlan:
    assignment: Assignment = draw(st.sampled_from(["stratified", "grouped", "time"]))
    return SplitPlan(
        folds=draw(st.integers(2, 8)),
        holdout_fraction=draw(st.floats(0.05, 0.6)),
        seed=draw(SEEDS),
        repeats=1 if assignment == "time" else draw(st.integers(1, 3)),
        assignment=assignment,
    )


def assigned(rows: SplitRows, plan: SplitPlan) -> NDArray[np.int16]:
    """The places, or another example if the data cannot carry the plan."""
    if plan.assignment != "grouped":
        rows = replace(rows, group=None)
    try:
        return assign_folds(rows, plan)
    except UserError:
        assume(False)
        raise


def folds_of(
    places: NDArray[np.int16], plan: SplitPlan
) -> list[tuple[int, NDArray[np.intp], NDArray[np.intp]]]:
    """Repeat, and training and validation rows as row numbers of the whole table."""
    kept = np.flatnonzero(places[:, 0] != HOLDOUT)
    found = []
    for repeat in range(plan.repeats):
        for number in range(1, plan.folds + 1):
            train, validation = fold_rows(places[kept, repeat], number, plan.assignment)
            found.append((repeat, kept[train], kept[validation]))
    return found


@given(rows=tables(), plan=plans())
def test_nothing_leaks_from_validation_or_hold_out_into_training(
    rows: SplitRows, plan: SplitPlan
) -> None:
    places = assigned(rows, plan)
    held_out = np.flatnonzero((places == HOLDOUT).all(axis=1))
    # The hold-out is that of all repeats.
    assert ((places == HOLDOUT) == (places[:, :1] == HOLDOUT)).all()
    for _, train, validation in folds_of(places, plan):
        others = np.concatenate([validation, held_out])
        assert len(train) > 0 < len(validation)
        assert set(train.tolist()).isdisjoint(others.tolist())
        if plan.assignment == "grouped":
            assert rows.group is not None
            assert set(rows.group[train].tolist()).isdisjoint(rows.group[others].tolist())
        if plan.assignment == "time":
            assert rows.time is not None
            assert rows.time[train].max() < rows.time[validation].min()
            assert rows.time[validation].max() < rows.time[held_out].min()


@given(rows=tables(), plan=plans())
def test_every_training_row_is_validated_once_a_repeat_but_the_first_block_of_time(
    rows: SplitRows, plan: SplitPlan
) -> None:
    places = assigned(rows, plan)
    for repeat in range(plan.repeats):
        validated = [rows for number, _, rows in folds_of(places, plan) if number == repeat]
        expected = np.flatnonzero(places[:, 0] != HOLDOUT)
        if plan.assignment == "time":
            expected = np.flatnonzero(places[:, 0] > 0)
        assert sorted(np.concatenate(validated).tolist()) == expected.tolist()


@given(rows=tables(), plan=plans())
def test_every_fold_of_a_classification_has_both_classes_on_both_sides(
    rows: SplitRows, plan: SplitPlan
) -> None:
    assume(rows.task == "classification")
    places = assigned(rows, plan)
    parts = [part for _, *sides in folds_of(places, plan) for part in sides]
    for part in (*parts, np.flatnonzero(places[:, 0] == HOLDOUT)):
        assert set(rows.target[part].tolist()) == {0, 1}


@given(rows=tables(), plan=plans())
def test_sizes_are_even_as_far_as_groups_and_moments_allow(
    rows: SplitRows, plan: SplitPlan
) -> None:
    places = assigned(rows, plan)
    held_out = np.count_nonzero(places[:, 0] == HOLDOUT)
    largest = 1
    if plan.assignment == "grouped":
        assert rows.group is not None
        largest = int(np.bincount(rows.group).max())
    if plan.assignment == "time":
        assert rows.time is not None
        largest = int(np.unique(rows.time, return_counts=True)[1].max())
    assert abs(held_out - plan.holdout_fraction * len(places)) <= 2 * largest
    if plan.assignment == "stratified" or rows.task == "regression":
        for repeat in range(plan.repeats):
            kept = places[places[:, repeat] != HOLDOUT, repeat]
            sizes = np.bincount(kept, minlength=plan.folds + 1)
            sizes = sizes if plan.assignment == "time" else sizes[1:]
            assert sizes.max() - sizes.min() <= 2 * largest - 1


@given(rows=tables(), plan=plans(), other=SEEDS)
def test_the_same_plan_gives_the_same_folds(rows: SplitRows, plan: SplitPlan, other: int) -> None:
    first, again = assigned(rows, plan), assigned(rows, plan)
    assert fold_hash(first) == fold_hash(again)
    if plan.assignment == "time":
        assert fold_hash(assigned(rows, replace(plan, seed=other))) == fold_hash(first)


@given(
    counts=st.tuples(st.integers(40, 200), st.integers(40, 200)),
    folds=st.integers(2, 12),
    fraction=st.floats(0.05, 0.5),
    seed=SEEDS,
)
def test_stratified_folds_differ_by_one_row_of_each_class_at_most(
    counts: tuple[int, int], folds: int, fraction: float, seed: int
) -> None:
    target = target_of(*counts, seed=seed)
    plan = SplitPlan(folds=folds, holdout_fraction=fraction, seed=seed)
    places = assign_folds(SplitRows(target=target), plan)[:, 0]
    assert set(np.unique(places).tolist()) == {HOLDOUT, *range(1, folds + 1)}
    for label in (0, 1):
        held_out = np.count_nonzero(places[target == label] == HOLDOUT)
        assert abs(held_out - counts[label] * fraction) <= 0.5
        sizes = np.bincount(places[target == label] + 1, minlength=folds + 2)[2:]
        assert sizes.max() - sizes.min() <= 1
    totals = np.bincount(places + 1)[2:]
    assert totals.max() - totals.min() <= 1


@settings(max_examples=30)
@given(rows=st.integers(100, 400), folds=st.integers(2, 6), seed=SEEDS)
def test_a_regressions_folds_and_hold_out_have_low_and_high_targets_alike(
    rows: int, folds: int, seed: int
) -> None:
    target = np.random.default_rng(seed).lognormal(sigma=2, size=rows)
    split = SplitRows(target=target, task="regression")
    places = assign_folds(split, SplitPlan(folds=folds, holdout_fraction=0.2, seed=seed))[:, 0]
    rank = np.argsort(np.argsort(target)) / rows
    for place in np.unique(places):
        # Thirds of the ranks, each within a few rows of a third of the fold.
        thirds = np.histogram(rank[places == place], bins=3, range=(0, 1))[0]
        assert thirds.max() - thirds.min() <= 6


def test_grouped_folds_of_a_rare_class_have_it_spread_evenly() -> None:
    random = np.random.default_rng(3)
    group = random.integers(0, 400, 4000)
    target = (random.random(4000) < 0.05).astype(np.uint8)
    plan = plan_of(folds=5, assignment="grouped")
    places = assign_folds(SplitRows(target=target, group=group), plan)[:, 0]
    sizes = np.bincount(places + 1)
    positives = np.bincount(places[target == 1] + 1)
    assert abs(sizes[0] / 4000 - 0.2) < 0.01
    assert abs(positives[0] / target.sum() - 0.2) < 0.02
    assert sizes[2:].max() - sizes[2:].min() <= 10
    assert positives[2:].max() - positives[2:].min() <= 2


def test_repeats_share_the_hold_out_and_deal_the_rows_anew() -> None:
    rows = SplitRows(target=target_of(80, 40), group=np.arange(120) // 3)
    for plan in (plan_of(repeats=2, assignment="grouped"), plan_of(repeats=2)):
        split = rows if plan.assignment == "grouped" else replace(rows, group=None)
        both = assign_folds(split, plan)
        once = assign_folds(split, replace(plan, repeats=1))
        np.testing.assert_array_equal(both[:, :1], once)
        assert (both[:, 0] != both[:, 1]).any()


def test_another_seed_gives_other_places() -> None:
    rows = SplitRows(target=target_of(80, 40), group=np.arange(120) // 3)
    for assignment in ("stratified", "grouped"):
        split = replace(rows, group=rows.group if assignment == "grouped" else None)
        first, other = (
            assign_folds(split, plan_of(assignment=assignment, seed=seed)) for seed in (3, 4)
        )
        assert (first != other).any()


# Written down once: neither another numpy nor another machine may give others.
@pytest.mark.parametrize(
    "plan,task,expected",
    [
        (
            plan_of(holdout_fraction=0.25),
            "classification",
            [2, 3, 1, 2, 3, 2, 2, 3, 3, 1, -1, 1, -1, -1, 1, -1],
        ),
        (
            plan_of(holdout_fraction=0.25),
            "regression",
            [1, -1, 3, 2, 1, 3, -1, 3, 2, 1, 3, -1, 2, 1, -1, 2],
        ),
        (
            plan_of(holdout_fraction=0.25, assignment="grouped"),
            "classification",
            [2, 2, -1, -1, 1, 1, -1, -1, 3, 3, 2, 2, 3, 3, 1, 1],
        ),
        (
            plan_of(holdout_fraction=0.25, assignment="time"),
            "classification",
            [-1, -1, -1, -1, 3, 3, 3, 3, 2, 2, 1, 1, 1, 1, 0, 0],
        ),
    ],
)
def test_the_places_of_a_known_seed_never_change(
    plan: SplitPlan, task: Any, expected: list[int]
) -> None:
    target: NDArray[Any] = np.array([0, 1] * 8, dtype=np.uint8)
    if task == "regression":
        target = np.arange(16) % 7 / 2
    rows = SplitRows(
        target=target,
        task=task,
        group=np.arange(16) // 2 if plan.assignment == "grouped" else None,
        time=np.arange(16)[::-1] // 2 / 1.0,
    )
    assert assign_folds(rows, plan)[:, 0].tolist() == expected


@pytest.mark.parametrize("assignment", ["stratified", "grouped", "time"])
def test_the_hold_out_does_not_depend_on_the_number_of_folds(assignment: Assignment) -> None:
    rows = SplitRows(
        target=target_of(80, 40),
        group=np.arange(120) // 4 if assignment == "grouped" else None,
        time=np.arange(120.0),
    )
    three, five = (
        assign_folds(rows, plan_of(folds=folds, assignment=assignment))[:, 0] == HOLDOUT
        for folds in (3, 5)
    )
    np.testing.assert_array_equal(three, five)
