"""LightGBM's final model."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.errors import UserError
from warmfold_trainer.algorithms.lightgbm_trees import LightGbmModel, LightGbmTrees
from warmfold_trainer.algorithms.protocol import Table
from warmfold_trainer.settings import read_settings

DATA = feature_set()


def final(threads: int = 1, rounds: int = 12, **given: str) -> LightGbmModel:
    algorithm = LightGbmTrees()
    settings = read_settings(given, algorithm.hyperparameters, owner="lightgbm")
    table = Table(features=DATA.features, target=DATA.target, schema=DATA.schema.features)
    return algorithm.prepare(table, settings, seed=3).fit_final(rounds, threads=threads)


def test_a_saved_model_predicts_what_it_did(tmp_path: Path) -> None:
    model = final()
    assert model.save(tmp_path) == ("model.txt",)
    loaded = LightGbmTrees().load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(DATA.features), model.predict(DATA.features))


def test_the_artifact_has_the_same_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    texts = []
    for threads in (1, 1, 2):
        final(threads, bagging_fraction="0.7").save(tmp_path)
        texts.append((tmp_path / "model.txt").read_bytes())
    assert texts[0] == texts[1] == texts[2]


def test_importance_lists_every_feature_the_strongest_first() -> None:
    entries = final().importance()
    assert {entry.feature for entry in entries} == {"income", "purpose", "noise"}
    assert entries[0].feature == "income"
    assert entries[0].gain > entries[-1].gain
    assert entries[0].splits > 0


def test_categories_are_split_as_categories(tmp_path: Path) -> None:
    final().save(tmp_path)
    infos = (
        (tmp_path / "model.txt").read_text().split("feature_infos=")[1].split("\n")[0].split(" ")
    )
    assert infos[0].startswith("[")
    assert set(infos[1].split(":")) <= {"-1", "0", "1", "2"}


def test_a_damaged_model_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("not a model")
    with pytest.raises(UserError, match=r"model\.txt is not a LightGBM text model"):
        LightGbmTrees().load(tmp_path)
