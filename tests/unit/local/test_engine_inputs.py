"""Which objects a source names, and which host gets which."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.local.jobs_support import BUCKET, Bench, channel
from warmfold_local.engine.inputs import fetch
from warmfold_local.engine.s3 import TransferError


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def names(files: list[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files]


def source(uri: str, kind: str = "S3Prefix", shared: str = "FullyReplicated") -> dict[str, str]:
    return {"S3Uri": uri, "S3DataType": kind, "S3DataDistributionType": shared}


def test_a_manifest_names_its_objects_one_by_one(bench: Bench, tmp_path: Path) -> None:
    for name in ("a.csv", "deep/b.csv", "unlisted.csv"):
        bench.put(f"data/{name}", name)
    lines = [{"prefix": f"s3://{BUCKET}/data/"}, "deep/b.csv", "a.csv"]
    uri = bench.put("lists/train.manifest", json.dumps(lines))
    folder = tmp_path / "train"
    found = fetch(bench.cloud, source(uri, "ManifestFile"), [folder])[0]
    assert names(found, folder) == ["deep/b.csv", "a.csv"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "text, message",
    [
        ("not json", "is not JSON"),
        ("{}", "is not a list"),
        ('[{"prefix": "s3://artifacts/data/"}]', "is not a list"),
        ('[{"prefix": "data/"}, "a"]', "is not an S3 URI"),
        ('[{"prefix": "s3://artifacts/data/"}, "../a"]', "entry 2 of the manifest"),
        ('[{"prefix": "s3://artifacts/data/"}, "/a"]', "entry 2 of the manifest"),
        ('[{"prefix": "s3://artifacts/data/"}, "a", 7]', "entry 3 of the manifest"),
        ('[{"prefix": "s3://artifacts/data/"}, "absent"]', "s3://artifacts/data/absent"),
    ],
)
def test_a_wrong_manifest_is_refused(bench: Bench, tmp_path: Path, text: str, message: str) -> None:
    bench.put("data/a", "a")
    uri = bench.put("train.manifest", text)
    with pytest.raises(TransferError, match=message):
        fetch(bench.cloud, source(uri, "ManifestFile"), [tmp_path / "train"])


def test_a_job_trains_on_a_manifest(bench: Bench) -> None:
    bench.put("data/a", "a")
    uri = bench.put("m", json.dumps([{"prefix": f"s3://{BUCKET}/data/"}, "a"]))
    code = """
        import os, pathlib
        data = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "input" / "data"
        assert [p.name for p in data.rglob("*") if p.is_file()] == ["a"]
    """
    bench.train(
        bench.image(code), InputDataConfig=[channel("train", uri, S3DataType="ManifestFile")]
    )
    assert bench.ended_training()["TrainingJobStatus"] == "Completed", bench.log("training")


def test_a_prefix_without_objects_is_an_error_that_names_it(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match='under S3 URL "s3://artifacts/none"'):
        fetch(bench.cloud, source("s3://artifacts/none"), [tmp_path / "train"])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(objects=st.integers(1, 9), hosts=st.integers(1, 5))
def test_shards_are_a_partition_of_nearly_equal_parts(
    tmp_path_factory: pytest.TempPathFactory, objects: int, hosts: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    bench = Bench(folder)
    for number in range(objects):
        bench.put(f"data/{number}", str(number))
    folders = [folder / f"host-{number}" for number in range(hosts)]
    sharded = source(f"s3://{BUCKET}/data/", shared="ShardedByS3Key")
    shares = [
        names(f, d) for f, d in zip(fetch(bench.cloud, sharded, folders), folders, strict=True)
    ]
    assert sorted(name for share in shares for name in share) == [str(n) for n in range(objects)]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all(path.is_dir() for path in folders)
