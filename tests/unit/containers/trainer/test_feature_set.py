"""The files between Processing and training."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.errors import UserError
from warmfold_trainer.feature_set import FeatureSet, read_feature_set, write_feature_sets

DATA = feature_set(rows=150, folds=3)


def folded(data: FeatureSet) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    assert data.fold is not None
    return data.fold


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    other = replace(
        DATA,
        features=DATA.features[:, :2],
        schema=replace(DATA.schema, features=DATA.schema.features[:2], feature_set="small"),
    )
    write_feature_sets(tmp_path, [DATA, other])
    for expected in (DATA, other):
        found = read_feature_set(tmp_path, expected.feature_set, with_folds=True)
        for name in ("features", "target", "row_id", "fold"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert found.schema == expected.schema
        assert (found.folds, found.fold_hash) == (expected.folds, expected.fold_hash)


def test_features_are_mapped_from_the_file_and_cannot_be_changed(tmp_path: Path) -> None:
    DATA.write(tmp_path)
    features = read_feature_set(tmp_path, with_folds=True).features
    assert isinstance(features.base, np.memmap)
    assert not features.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        features[0, 0] = 1


def test_the_folds_of_later_repeats_come_after_those_of_the_first() -> None:
    first = folded(DATA)
    data = replace(DATA, fold=np.hstack([first, first % 3 + 1]), folds=6, repeats=2)
    for number in range(1, 7):
        place = number if number < 4 else (number - 4 - 1) % 3 + 1
        train, validation = data.fold_rows(number)
        np.testing.assert_array_equal(validation, np.flatnonzero(first[:, 0] == place))
        np.testing.assert_array_equal(train, np.flatnonzero(first[:, 0] != place))


def test_a_fold_of_time_trains_on_the_blocks_before_it() -> None:
    block = np.repeat(np.arange(4, dtype=np.int16), [40, 40, 40, 30])[:, np.newaxis]
    data = replace(DATA, fold=block, assignment="time")
    train, validation = data.fold_rows(2)
    np.testing.assert_array_equal(train, np.arange(80))
    np.testing.assert_array_equal(validation, np.arange(80, 120))


@pytest.mark.parametrize("number", [0, 4])
def test_there_is_no_other_fold(number: int) -> None:
    with pytest.raises(ValueError, match=f"there is no fold {number}"):
        DATA.fold_rows(number)


def test_a_hold_out_has_no_folds(tmp_path: Path) -> None:
    replace(DATA, fold=None).write(tmp_path)
    assert not (tmp_path / "fold.npy").exists()
    with pytest.raises(ValueError, match="there is no fold 1"):
        read_feature_set(tmp_path, with_folds=False).fold_rows(1)


def test_a_hold_out_keeps_its_groups(tmp_path: Path) -> None:
    group = np.arange(150) // 3
    replace(DATA, fold=None, group=group).write(tmp_path)
    found = read_feature_set(tmp_path, with_folds=False).group
    assert found is not None
    np.testing.assert_array_equal(found, group)


@pytest.mark.parametrize(
    "group,fault",
    [
        (None, "group.npy is missing"),
        (np.arange(150) // 3 * 2, "group.npy does not hold codes from 0 without gaps"),
        (np.arange(149), "the files hold different numbers of rows"),
    ],
)
def test_groups_that_are_missing_or_of_other_rows_are_named(
    tmp_path: Path, group: np.ndarray | None, fault: str
) -> None:
    replace(DATA, fold=None, group=np.arange(150)).write(tmp_path)
    (tmp_path / "group.npy").unlink()
    if group is not None:
        np.save(tmp_path / "group.npy", group)
    with pytest.raises(UserError, match=fault):
        read_feature_set(tmp_path, with_folds=False)


def test_another_feature_set_is_answered_with_those_there_are(tmp_path: Path) -> None:
    DATA.write(tmp_path)
    with pytest.raises(UserError, match="there is no feature set 'wide'; there are: default"):
        read_feature_set(tmp_path, "wide", with_folds=True)


def edited(name: str, **changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def saved(name: str, values: object) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / f"{name}.npy", np.asarray(values))


def truncated(name: str) -> Callable[[Path], None]:
    def cut(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:100])

    return cut


@pytest.mark.parametrize(
    "damage,fault",
    [
        (lambda folder: (folder / "schema.json").unlink(), "schema.json is missing"),
        (lambda folder: (folder / "fold.npy").unlink(), "fold.npy is missing"),
        (
            lambda folder: (folder / "default" / "features.npy").unlink(),
            "default/features.npy is missing",
        ),
        (lambda folder: (folder / "schema.json").write_text("[]"), "schema.json is damaged"),
        (truncated("target.npy"), "target.npy is damaged"),
        (truncated("default/features.npy"), "default/features.npy is damaged"),
        (edited("default/schema.json", columns=[{"nom": 1}]), "schema.json is incomplete"),
        (edited("schema.json", rows=151), "different numbers of rows"),
        (saved("row_id", np.arange(149)), "different numbers of rows"),
        (saved("default/features", np.zeros((150, 2), "f4")), "disagree on the features"),
        (saved("target", np.ones(150, "u1")), "must hold both classes, 0 and 1; it holds .1."),
        (edited("schema.json", folds=4), "does not hold the folds 1 to 4"),
        (edited("schema.json", assignment="time"), "does not hold the folds 1 to 3"),
        (saved("fold", np.ones(150, "i2")), "does not hold the folds 1 to 3"),
    ],
)
def test_a_channel_at_fault_is_refused_by_file(
    tmp_path: Path, damage: Callable[[Path], None], fault: str
) -> None:
    DATA.write(tmp_path / "train")
    damage(tmp_path / "train")
    with pytest.raises(UserError, match=f"^channel 'train': .*{fault}"):
        read_feature_set(tmp_path / "train", with_folds=True)


def test_a_regressions_target_is_finite(tmp_path: Path) -> None:
    replace(DATA, target=np.linspace(0, 1, 150), task="regression").write(tmp_path)
    assert read_feature_set(tmp_path, with_folds=True).target.dtype == np.float64
    np.save(tmp_path / "target.npy", np.full(150, np.nan))
    with pytest.raises(UserError, match=r"target\.npy holds values that are not finite"):
        read_feature_set(tmp_path, with_folds=True)
