"""Image resolution, the container's environment and folders, data in and out."""

from pathlib import Path

import pytest

from tests.unit.local.jobs_support import BUCKET, Bench
from warmfold_local.engine.container import command_line, container_environment, relocate
from warmfold_local.engine.images import Image, ImageNotFound, resolve_image
from warmfold_local.engine.s3 import (
    TransferError,
    download_object,
    download_prefix,
    list_keys,
    split_uri,
    upload_tree,
)
from warmfold_local.errors import ValidationError

IMAGE = Image("uri", ("python", "-m", "app"), ("train",), {"PATH": "/venv/bin", "IN_IMAGE": "1"})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def test_an_image_is_found_by_repository_and_tag(bench: Bench) -> None:
    image = resolve_image(bench.cloud.settings.images_dir, bench.image("pass", "team/trainer"))
    assert image.command == ("nothing",)
    assert image.environment["FROM_IMAGE"] == "yes"


@pytest.mark.parametrize(
    "uri, message",
    [
        ("trainer:latest", "is not an image of this cloud"),
        ("000000000000.dkr.ecr.us-east-1.amazonaws.com/a/../../b:v1", "is not an image"),
        ("000000000000.dkr.ecr.us-east-1.amazonaws.com/trainer:v9", "warmfold images build"),
    ],
)
def test_an_image_that_was_not_built_is_refused_with_the_remedy(
    tmp_path: Path, uri: str, message: str
) -> None:
    with pytest.raises(ImageNotFound, match=message):
        resolve_image(tmp_path, uri)


def test_the_environment_is_the_images_the_jobs_and_the_platforms_and_nothing_else(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    values = container_environment(
        bench.cloud,
        IMAGE,
        base_dir=tmp_path / "ml",
        extra={"OWN": "2", "SAGEMAKER_BASE_DIR": "/elsewhere", "HOME": "/root"},
        isolated=False,
    )
    assert values["SAGEMAKER_BASE_DIR"] == str(tmp_path / "ml")
    assert values["HOME"].startswith(str(tmp_path))
    assert Path(values["TMPDIR"]).is_dir()
    assert values["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert (values["IN_IMAGE"], values["OWN"]) == ("1", "2")
    assert "AWS_PROFILE" not in values


def test_an_isolated_container_has_no_credentials(bench: Bench, tmp_path: Path) -> None:
    values = container_environment(bench.cloud, IMAGE, base_dir=tmp_path, extra={}, isolated=True)
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"} & set(values)
    assert values["AWS_EC2_METADATA_DISABLED"] == "true"


def test_the_command_line_follows_docker() -> None:
    own = ["python", "-m", "app"]
    assert command_line(IMAGE) == [*own, "train"]
    assert command_line(IMAGE, default=("serve",)) == [*own, "serve"]
    assert command_line(IMAGE, arguments=["x"], default=("train",)) == [*own, "x"]
    assert command_line(IMAGE, entrypoint=["sh"], default=("train",)) == ["sh"]
    assert command_line(IMAGE, entrypoint=["sh"], arguments=["-c"]) == ["sh", "-c"]


def test_paths_of_the_contract_are_moved_below_the_base(tmp_path: Path) -> None:
    assert relocate(tmp_path, "/opt/ml/processing/x") == tmp_path / "processing" / "x"


@pytest.mark.parametrize("path", ["/etc", "/opt/ml", "/opt/ml/../etc", "/opt/mlx/a", "relative"])
def test_other_paths_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValidationError, match="must be a path below /opt/ml"):
        relocate(tmp_path, path)


def test_an_s3_uri_is_split() -> None:
    assert split_uri("s3://bucket/a/b") == ("bucket", "a/b")
    assert split_uri("s3://bucket") == ("bucket", "")
    for wrong in ("https://x/y", "s3://", "bucket/key"):
        with pytest.raises(TransferError, match="is not an S3 URI"):
            split_uri(wrong)


@pytest.mark.parametrize(
    "prefix, expected",
    [
        ("data/train/", ["a.csv", "deep/b.csv"]),
        ("data/train", ["a.csv", "deep/b.csv", "train2/c.csv"]),
        ("data/train/a.csv", ["a.csv"]),
        ("data/tr", ["train/a.csv", "train/deep/b.csv", "train2/c.csv"]),
    ],
)
def test_a_prefix_is_downloaded_with_relative_paths(
    bench: Bench, tmp_path: Path, prefix: str, expected: list[str]
) -> None:
    for key in ("train/a.csv", "train/deep/b.csv", "train2/c.csv", "train/"):
        bench.put(f"data/{key}", key)
    target = tmp_path / "in put"
    download_prefix(bench.cloud, f"s3://{BUCKET}/{prefix}", target)
    found = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())
    assert found == expected


@pytest.mark.parametrize("key", ["data/../../../etc/cron", "data//etc/cron"])
def test_a_key_that_would_leave_the_folder_is_refused(bench: Bench, key: str) -> None:
    bench.put(key, "x")
    with pytest.raises(TransferError, match="cannot be a file below a folder"):
        list_keys(bench.cloud, "s3://artifacts/data/")


def test_a_missing_object_is_named(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match=r"s3://artifacts/model\.tar\.gz"):
        download_object(bench.cloud, "s3://artifacts/model.tar.gz", tmp_path / "x")


def test_a_tree_is_uploaded_without_links(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a b.txt").write_text("1", encoding="utf-8")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert upload_tree(bench.cloud, tmp_path, "s3://artifacts/out/") == 1
    assert bench.s3.objects == {(BUCKET, "out/deep/a b.txt"): b"1"}
