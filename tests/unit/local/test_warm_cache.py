"""The persistent cache of a warm pool: kept between its jobs, gone with it, nobody else's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import ROLE, Bench, training_request
from warmfold_local.engine import sandbox
from warmfold_local.engine.sandbox import Kind
from warmfold_local.sagemaker import capacity, training_updates

MODULES = (training_updates,)  # imported for its operation

# Adds its own name to a list in the cache, and prints what was there.
REMEMBERS = """
import json, os, pathlib
cache = pathlib.Path(os.environ["SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"])
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
assert cache == base / "sagemaker/warmpoolcache", cache
before = sorted(path.name for path in cache.iterdir())
print("found", json.dumps(before), flush=True)
(cache / os.environ["TRAINING_JOB_NAME"]).write_text("x" * 10)
"""
NONE = """
import os, pathlib
assert "SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY" not in os.environ
assert not (pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "sagemaker").exists()
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path / "with spaces")
    path = bench.cloud.settings.state_dir / capacity.LIMITS_FILE
    path.parent.mkdir(parents=True)
    quotas = {"ml.m5.large for training warm pool usage": 4}
    path.write_text(json.dumps({"quotas": quotas}), encoding="utf-8")
    return bench


@pytest.fixture(params=["none", "unshare", "bubblewrap"])
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    if request.param != "none" and not sandbox.usable(request.param):
        pytest.skip(f"{request.param} does not work on this machine")
    with sandbox.forced(request.param):
        yield request.param


def trained(bench: Bench, image: str, name: str, seconds: int = 600, **members: Any) -> list[str]:
    """What the job found in its cache."""
    own = training_request(image)["ResourceConfig"]
    resources = {**own, "KeepAlivePeriodInSeconds": seconds, "InstanceCount": 1}
    bench.train(image, name, **{"ResourceConfig": resources, **members})
    job = bench.ended_training(name)
    assert job["TrainingJobStatus"] == "Completed", bench.log("training", name)
    lines = [line for line in bench.log("training", name).splitlines() if "found" in line]
    found: list[str] = json.loads(lines[0].partition("found ")[2]) if lines else []
    return found


def caches(bench: Bench) -> list[Path]:
    return list((bench.cloud.settings.state_dir / "pools").glob("*"))


def test_the_next_job_of_the_pool_finds_what_the_last_one_left(bench: Bench, kind: Kind) -> None:
    image = bench.image(REMEMBERS)
    assert trained(bench, image, "a") == []
    assert trained(bench, image, "b") == ["a"]
    assert trained(bench, image, "c", HyperParameters={"x": "1"}) == ["a", "b"]
    assert bench.s3.objects == {}  # the cache is no part of the model


def test_another_pool_has_a_cache_of_its_own(bench: Bench) -> None:
    image = bench.image(REMEMBERS)
    trained(bench, image, "a")
    assert trained(bench, image, "b", RoleArn=f"{ROLE}-two") == []


def test_a_job_that_ends_the_pool_still_finds_the_cache_and_takes_it_along(bench: Bench) -> None:
    image = bench.image(REMEMBERS)
    trained(bench, image, "a")
    assert trained(bench, image, "b", seconds=0) == ["a"]
    bench.wait(lambda: caches(bench) == [])
    assert trained(bench, image, "c") == []


def test_a_pool_that_is_ended_takes_its_cache_along(bench: Bench) -> None:
    trained(bench, bench.image(REMEMBERS), "a")
    assert len(caches(bench)) == 1
    zero = {"KeepAlivePeriodInSeconds": 0}
    bench.call("UpdateTrainingJob", TrainingJobName="a", ResourceConfig=zero)
    bench.wait(lambda: caches(bench) == [])


def test_a_failed_job_leaves_the_cache_to_the_next(bench: Bench) -> None:
    code = f"{REMEMBERS}\nraise SystemExit(before == [])"
    image = bench.image(code)
    own = training_request(image)["ResourceConfig"]
    bench.train(image, "a", ResourceConfig={**own, "KeepAlivePeriodInSeconds": 60})
    assert bench.ended_training("a")["TrainingJobStatus"] == "Failed"
    assert trained(bench, image, "b") == ["a"]


def test_a_link_in_place_of_the_cache_is_not_kept(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    code = f"{REMEMBERS}\nimport shutil\nshutil.rmtree(cache)\ncache.symlink_to({str(tmp_path)!r})"
    image = bench.image(code)
    trained(bench, image, "a")
    assert trained(bench, image, "b") == []


def test_without_a_pool_there_is_no_cache(bench: Bench) -> None:
    trained(bench, bench.image(NONE), "a", seconds=0)
    (bench.cloud.settings.state_dir / capacity.LIMITS_FILE).unlink()
    trained(bench, bench.image(NONE, "other"), "b")
