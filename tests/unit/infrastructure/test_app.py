"""app.py as the CDK CLI and people run it: a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.load import REPOSITORY
from tests.unit.config.environment_file import values, write
from tests.unit.infrastructure.assembly import Assembly
from warmfold.templates import child_environment

SOURCES = ("config", "constructs", "containers", "examples", "lambda_src", "stacks", "warmfold")
ROOTS = ("", "constructs", "containers", "lambda_src")

# Loaded into the CDK's Node.js process before anything else: says that it was, and ends the
# process at the first connection that is not a pipe to its parent.
NODE_GUARD = """
const fs = require("fs"), net = require("net");
fs.appendFileSync(process.env.GUARD_LOG, "node\\n");
net.Socket.prototype.connect = () => {
  fs.appendFileSync(process.env.GUARD_LOG, "CALL\\n");
  process.exit(97);
};
"""
PYTHON_GUARD = """
import os, socket
with open(os.environ["GUARD_LOG"], "a") as log: log.write("python\\n")
def connect(*_):
    with open(os.environ["GUARD_LOG"], "a") as log: log.write("CALL\\n")
    raise OSError("no network in a synth")
socket.socket.connect = socket.socket.connect_ex = connect
socket.getaddrinfo = connect
"""


def copy_of_the_repository(folder: Path) -> Path:
    """With the example as the local environment's only model."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "dist", "build", "tests")
    for name in SOURCES:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    for path in (REPOSITORY / "warmfold_shapes").glob("*.py"):
        (folder / "warmfold_shapes").mkdir(exist_ok=True)
        shutil.copy(path, folder / "warmfold_shapes")
    for name in ("app.py", "cdk.json"):
        shutil.copy(REPOSITORY / name, folder)
    write(folder / "config" / "environments", values("local"), "local")
    return folder


def run(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`python app.py` in a checkout, which alone is on the path."""
    path = os.pathsep.join([*(str(folder / root) for root in ROOTS)])
    extra = variables.pop("PYTHONPATH", "")
    environment = {
        **child_environment(),
        "PYTHONPATH": f"{extra}{os.pathsep}{path}" if extra else path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "CDK_VALIDATION": "false",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def templates(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.template.json")}


def test_two_checkouts_give_the_same_bytes_and_neither_calls_anything(
    local: Assembly, tmp_path: Path
) -> None:
    guards = tmp_path / "guards"
    guards.mkdir()
    (guards / "guard.js").write_text(NODE_GUARD)
    (guards / "sitecustomize.py").write_text(PYTHON_GUARD)
    log = guards / "log"
    first = copy_of_the_repository(tmp_path / "one")
    second = copy_of_the_repository(tmp_path / "a folder with spaces")

    guarded = run(
        first,
        GUARD_LOG=str(log),
        NODE_OPTIONS=f"--require={guards / 'guard.js'}",
        PYTHONPATH=str(guards),
        PYTHONHASHSEED="1",
    )
    plain = run(second, PYTHONHASHSEED="2", TZ="Asia/Tokyo")

    assert guarded.returncode == 0, guarded.stderr
    assert plain.returncode == 0, plain.stderr
    assert set(log.read_text().split()) == {"node", "python"}
    made = templates(first / "cdk.out")
    assert len(made) == 6
    assert templates(second / "cdk.out") == made
    assert templates(local.folder) == made


@pytest.mark.parametrize(
    "context,expected",
    [
        ({"env": "production"}, "environment 'production' has no file"),
        ({"env": "../../prod"}, "environment '../../prod' has no file"),
    ],
)
def test_an_unknown_environment_ends_with_one_plain_message(
    tmp_path: Path, context: dict[str, str], expected: str
) -> None:
    result = run(REPOSITORY, CDK_CONTEXT_JSON=json.dumps(context), CDK_OUTDIR=str(tmp_path / "out"))
    assert result.returncode == 1
    assert f"warmfold: {expected}" in result.stderr
    assert "Traceback" not in result.stderr
