"""What a function's asset holds, and what moves its hash."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms

from warmfold_constructs import python_function
from warmfold_constructs.python_function import PythonFunction

PACKAGES = (
    "best_training_job",
    "deploy_model",
    "probe_endpoint",
    "publish_predictions",
    "scale_endpoint",
    "start_batch_scoring",
)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the functions' sources, which the construct reads instead."""
    copy = tmp_path / "lambda_src"
    shutil.copytree(
        python_function.SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    monkeypatch.setattr(python_function, "SOURCE", copy)
    return copy


def hashes(folder: Path) -> dict[str, str]:
    """The key of each function's asset, and so its content's hash."""
    app = App(outdir=str(folder))
    stack = Stack(app, "Stack")
    key = kms.Key(stack, "Key")
    for package in PACKAGES:
        PythonFunction(
            stack,
            package,
            package=package,
            description="",
            environment={},
            timeout_seconds=60,
            log_retention_days=7,
            key=key,
        )
    template: dict[str, Any] = app.synth().get_stack_by_name("Stack").template
    functions = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    ]
    return {f["Handler"].partition(".")[0]: f["Code"]["S3Key"] for f in functions}


def test_an_edit_moves_only_its_own_functions_hash(source: Path, tmp_path: Path) -> None:
    before = hashes(tmp_path / "before")
    handler = source / "deploy_model" / "handler.py"
    handler.write_text(handler.read_text() + "\n# edited\n")
    after = hashes(tmp_path / "after")
    assert {name for name in PACKAGES if before[name] != after[name]} == {"deploy_model"}


def test_an_edit_of_the_shared_package_moves_all(source: Path, tmp_path: Path) -> None:
    before = hashes(tmp_path / "before")
    (source / "warmfold_lambda" / "new.py").write_text("VALUE = 1\n")
    after = hashes(tmp_path / "after")
    assert all(before[name] != after[name] for name in PACKAGES)


def test_caches_do_not_count(source: Path, tmp_path: Path) -> None:
    before = hashes(tmp_path / "before")
    for package in (*PACKAGES, "warmfold_lambda"):
        cache = source / package / "__pycache__"
        cache.mkdir()
        (cache / "handler.cpython-314.pyc").write_bytes(b"\0")
    assert hashes(tmp_path / "after") == before


def test_an_asset_holds_its_package_and_the_shared_one(source: Path, tmp_path: Path) -> None:
    hashes(tmp_path / "out")
    contents = {
        frozenset(path.name for path in asset.iterdir())
        for asset in (tmp_path / "out").glob("asset.*")
    }
    assert contents == {frozenset({package, "warmfold_lambda"}) for package in PACKAGES}
