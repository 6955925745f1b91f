"""Which artifacts are refused, and that the others score exactly as LightGBM does."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from tests.unit.containers.server.builders import (
    PROJECT,
    ROWS,
    SCHEMA,
    WHEEL,
    expected_scores,
    loaded,
    write_artifact,
)
from warmfold_contract.errors import UserError
from warmfold_contract.manifest import sha256_of
from warmfold_contract.schema import Feature
from warmfold_server.model import Model, ProjectError, load_model


def test_scores_are_those_of_lightgbm(model: Model, booster: lightgbm.Booster) -> None:
    assert model.scores(ROWS) == expected_scores(booster)


def test_threads_at_once_get_the_same_scores_as_one(model: Model) -> None:
    rows = [dict(ROWS[n % len(ROWS)]) for n in range(400)]
    alone = model.scores(rows)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: model.scores(rows), range(24)))
    assert all(scores == alone for scores in together)


def test_a_model_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="started without a model"):
        loaded(tmp_path / "model")


def test_an_artifact_without_manifest_is_refused(artifact: Path) -> None:
    (artifact / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"has no manifest\.json"):
        loaded(artifact)


@pytest.mark.parametrize("text", ["", "{", "[]", '"manifest"', "{}", '{"format": 1}'])
def test_a_manifest_that_cannot_be_read_is_refused(artifact: Path, text: str) -> None:
    (artifact / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json"):
        loaded(artifact)


def test_a_changed_model_file_is_refused(artifact: Path) -> None:
    with (artifact / "model.txt").open("a") as stream:
        stream.write(" ")
    with pytest.raises(UserError, match="not the file that was trained"):
        loaded(artifact)


def test_a_missing_model_file_is_refused(artifact: Path) -> None:
    (artifact / "model.txt").unlink()
    with pytest.raises(UserError, match=r"lacks model\.txt"):
        loaded(artifact)


def test_an_unlisted_model_file_is_refused(artifact: Path) -> None:
    change_manifest(artifact, files={})
    with pytest.raises(UserError, match=r"'model\.txt', unknown to manifest\.json"):
        loaded(artifact)


def test_a_manifest_without_model_file_is_refused(artifact: Path) -> None:
    (artifact / "model.txt").unlink()
    change_manifest(artifact, files={})
    with pytest.raises(UserError, match=r"does not list model\.txt"):
        loaded(artifact)


def test_a_pickle_beside_the_model_is_refused(artifact: Path) -> None:
    (artifact / "preprocessor.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(UserError, match=r"'preprocessor\.pkl', unknown"):
        loaded(artifact)


def test_a_folder_in_the_artifact_is_refused(artifact: Path) -> None:
    (artifact / "code").mkdir()
    with pytest.raises(UserError, match="'code', which is not a plain file"):
        loaded(artifact)


@pytest.mark.parametrize("name", ["model.txt", "manifest.json"])
def test_a_link_in_the_artifact_is_refused(artifact: Path, name: str) -> None:
    elsewhere = artifact.parent / name
    (artifact / name).rename(elsewhere)
    (artifact / name).symlink_to(elsewhere)
    with pytest.raises(UserError, match=f"'{name}', which is not a plain file"):
        loaded(artifact)


def test_a_model_trained_with_another_wheel_is_refused(artifact: Path) -> None:
    with pytest.raises(UserError, match="this image holds cdcd"):
        load_model(artifact, PROJECT, {**WHEEL, "wheel_sha256": "cd" * 32})


def test_a_manifest_that_names_no_wheel_is_refused(artifact: Path) -> None:
    change_manifest(artifact, project={})
    with pytest.raises(UserError, match="trained with project wheel None"):
        loaded(artifact)


@pytest.mark.parametrize(
    "change,fault",
    [
        ({"algorithm": "catboost"}, "algorithm 'catboost', this image serves lightgbm, xgboost"),
        ({"task": "ranking"}, "for 'ranking', this image serves classification and regression"),
        ({"algorithm": "linear"}, r"manifest\.json does not list linear\.json"),
    ],
)
def test_a_model_of_another_kind_is_refused(
    artifact: Path, change: dict[str, str], fault: str
) -> None:
    change_manifest(artifact, **change)
    with pytest.raises(UserError, match=fault):
        loaded(artifact)


def test_a_model_that_does_not_fit_its_schema_is_refused(
    booster: lightgbm.Booster, tmp_path: Path
) -> None:
    wider = replace(SCHEMA, features=(*SCHEMA.features, Feature("extra", "number")))
    folder = write_artifact(tmp_path / "model", booster, schema=wider)
    with pytest.raises(UserError, match=r"model\.txt has 3 features, manifest\.json says 4"):
        loaded(folder)


def test_a_file_that_is_no_lightgbm_model_is_refused(
    booster: lightgbm.Booster, tmp_path: Path
) -> None:
    folder = write_artifact(tmp_path / "model", booster)
    (folder / "model.txt").write_text("not a model")
    rehash(folder)
    with pytest.raises(UserError, match="is not a LightGBM model"):
        loaded(folder)


def test_a_project_that_cannot_score_missing_values_is_refused(artifact: Path) -> None:
    project = replace(PROJECT, features=fails)
    with pytest.raises(UserError, match=r"every value is missing: .* raised ZeroDivisionError"):
        loaded(artifact, project)


def test_a_failing_project_is_told_from_a_bad_row(model: Model) -> None:
    broken = replace(model, project=replace(PROJECT, features=fails))
    with pytest.raises(ProjectError, match="ZeroDivisionError"):
        broken.scores(ROWS)
    with pytest.raises(UserError, match="row 1, column 'amount'"):
        broken.scores([{"amount": True, "purpose": "car"}])


def fails(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"amount": np.array([1 // 0])}


def change_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def rehash(folder: Path) -> None:
    change_manifest(folder, files={"model.txt": sha256_of(folder / "model.txt")})
