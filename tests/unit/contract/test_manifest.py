"""The artifact's manifest."""

from pathlib import Path

import pytest

from warmfold_contract.errors import UserError
from warmfold_contract.manifest import FILE_NAME, Manifest, read_artifact, sha256_of
from warmfold_contract.schema import Column, Feature, Schema

SCHEMA = Schema(
    columns=(Column("amount", "number"), Column("purpose", "category")),
    features=(Feature("amount", "number"), Feature("purpose", "category", ("car", "haus ü"))),
    target="bad",
    positive_label="1",
    negative_label="0",
)


def manifest(files: dict[str, str]) -> Manifest:
    return Manifest(
        algorithm="lightgbm",
        task="classification",
        fitted_as="regression",
        schema=SCHEMA,
        hyperparameters={"num_leaves": "31"},
        rounds=12,
        metric="auc",
        cross_validation={"score": 0.7},
        calibration={"method": "none"},
        training_rows=800,
        data_fingerprint="data",
        fold_hash="folds",
        project={"name": "p", "version": "1", "wheel_sha256": "w"},
        files=files,
    )


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    model = tmp_path / "model.txt"
    model.write_text("trees")
    write(tmp_path, {"model.txt": sha256_of(model)})
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    (folder / FILE_NAME).write_text(manifest(files).to_json(), encoding="utf-8")


def test_a_manifest_is_read_back_as_it_was(artifact: Path) -> None:
    read = read_artifact(artifact)
    assert read == manifest({"model.txt": sha256_of(artifact / "model.txt")})
    assert read.schema.features[1].levels == ("car", "haus ü")


def test_the_same_manifest_has_the_same_bytes() -> None:
    assert manifest({"b": "2", "a": "1"}).to_json() == manifest({"a": "1", "b": "2"}).to_json()


def test_a_changed_file_is_refused(artifact: Path) -> None:
    (artifact / "model.txt").write_text("other trees")
    with pytest.raises(UserError, match=r"model\.txt .* is not the file that was trained"):
        read_artifact(artifact)


def test_a_missing_or_linked_file_is_refused(artifact: Path) -> None:
    (artifact / "model.txt").rename(artifact / "elsewhere")
    with pytest.raises(UserError, match=r"lacks model\.txt"):
        read_artifact(artifact)
    (artifact / "model.txt").symlink_to(artifact / "elsewhere")
    with pytest.raises(UserError, match=r"lacks model\.txt"):
        read_artifact(artifact)


@pytest.mark.parametrize("name", ["../model.txt", "/etc/passwd", "sub/model.txt", "."])
def test_a_file_outside_the_artifact_is_refused(artifact: Path, name: str) -> None:
    write(artifact, {name: "0" * 64})
    with pytest.raises(UserError, match=r"names a file outside the artifact|lacks"):
        read_artifact(artifact)


@pytest.mark.parametrize(
    "text,fault",
    [
        ("", "manifest.json is not JSON"),
        ("[]", "manifest.json must be a JSON object"),
        ('{"format": 1}', "manifest.json has format 1, this image reads 2"),
        ('{"format": 2}', "manifest.json is incomplete"),
    ],
)
def test_what_is_no_manifest_of_this_format_is_refused(
    artifact: Path, text: str, fault: str
) -> None:
    (artifact / FILE_NAME).write_text(text)
    with pytest.raises(UserError, match=fault):
        read_artifact(artifact)


def test_an_artifact_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no manifest\.json"):
        read_artifact(tmp_path)
