"""A table in bins: the same ones whichever way they are made."""

import re
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from tests.unit.containers.trainer.algorithms.fitting import final, fold, table
from warmfold_trainer.algorithms import lightgbm_dataset
from warmfold_trainer.algorithms.lightgbm_dataset import (
    binned,
    dataset_of,
    dataset_parameters,
    in_chunks,
)
from warmfold_trainer.settings import read_settings

PARAMETERS = dataset_parameters(read_settings({}, "lightgbm", "classification"), seed=1)


def model_of(dataset: lightgbm.Dataset) -> str:
    booster = lightgbm.Booster({**PARAMETERS, "objective": "binary"}, dataset)
    for _ in range(10):
        booster.update()
    return str(booster.model_to_string())


def test_rows_that_are_pushed_in_chunks_are_binned_like_a_whole_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lightgbm_dataset._Chunks, "batch_size", 70)
    rows = table()
    every = np.arange(len(rows.target))
    assert model_of(in_chunks(rows, PARAMETERS, every)) == model_of(dataset_of(rows, PARAMETERS))


def test_bin_edges_of_a_sample_serve_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lightgbm_dataset, "BIN_SAMPLE_ROWS", 150)
    rows = table()
    few = binned(rows, PARAMETERS)
    assert few.num_data() == len(rows.target)
    all_bins = dataset_of(rows, PARAMETERS).construct().feature_num_bin(0)
    assert few.feature_num_bin(0) < all_bins
    assert fold("lightgbm", rows).curve.max() > 0.7


def test_a_table_that_can_be_read_only_is_binned_like_any_other() -> None:
    rows = table()
    features = np.array(rows.features)
    features.flags.writeable = False
    frozen = replace(rows, features=features)
    assert model_of(binned(frozen, PARAMETERS)) == model_of(binned(rows, PARAMETERS))


def test_a_large_table_takes_another_layout_and_gives_the_same_trees(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    texts = []
    for name, values in (("small", 10**9), ("large", 0)):
        monkeypatch.setattr(lightgbm_dataset, "ROW_WISE_VALUES", values)
        (tmp_path / name).mkdir()
        final("lightgbm", table()).save(tmp_path / name)
        texts.append((tmp_path / name / "model.txt").read_text())
    layout = re.compile(r"^\[force_(row|col)_wise: [01]\]$", re.MULTILINE)
    assert texts[0] != texts[1]
    assert layout.sub("", texts[0]) == layout.sub("", texts[1])
