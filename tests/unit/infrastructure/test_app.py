"""app.py as the CDK CLI and people run it: a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.load import REPOSITORY
from tests.unit.config.environment_file import values, write
from tests.unit.infrastructure.assembly import Assembly
from warmfold.templates import child_environment

SOURCES = ("config", "constructs", "containers", "examples", "lambda_src", "stacks", "warmfold")
ROOTS = ("", "constructs", "containers", "lambda_src")

# Loaded into the CDK's Node.js process before anything else: says that it was and in what year,
# and ends the process at the first connection that is not a pipe to its parent.
NODE_GUARD = """
const fs = require("fs"), net = require("net");
const Real = Date, ahead = Number(process.env.SECONDS_AHEAD) * 1000;
globalThis.Date = class Date extends Real {
  constructor(...given) { if (given.length) super(...given); else super(Real.now() + ahead); }
  static now() { return Real.now() + ahead; }
};
fs.appendFileSync(process.env.GUARD_LOG, `node-${new Date().getFullYear()}\\n`);
net.Socket.prototype.connect = () => {
  fs.appendFileSync(process.env.GUARD_LOG, "CALL\\n");
  process.exit(97);
};
"""
PYTHON_GUARD = """
import datetime, os, socket, time
ahead, real, real_ns = int(os.environ["SECONDS_AHEAD"]), time.time, time.time_ns
time.time = lambda: real() + ahead
time.time_ns = lambda: real_ns() + ahead * 10**9
class Ahead(datetime.datetime):
    @classmethod
    def now(cls, tz=None): return cls.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls): return cls.now(datetime.timezone.utc).replace(tzinfo=None)
datetime.datetime = Ahead
with open(os.environ["GUARD_LOG"], "a") as log: log.write(f"python-{Ahead.now().year}\\n")
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


def guarded(guards: Path, *, years_ahead: int) -> dict[str, str]:
    """Variables that keep a synth off the network, and put its clock forward."""
    guards.mkdir()
    (guards / "guard.js").write_text(NODE_GUARD)
    (guards / "sitecustomize.py").write_text(PYTHON_GUARD)
    return {
        "GUARD_LOG": str(guards / "log"),
        "NODE_OPTIONS": f"--require={guards / 'guard.js'}",
        "PYTHONPATH": str(guards),
        "SECONDS_AHEAD": str(years_ahead * 366 * 86400),
    }


def as_somebody(name: str, folder: Path) -> dict[str, str]:
    """Another user: another home, without what jsii unpacked into ours (200 MB)."""
    (folder / name).mkdir()
    unpacked = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
    return {
        "USER": name,
        "LOGNAME": name,
        "HOME": str(folder / name),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(unpacked),
    }


def test_two_checkouts_two_users_and_two_years_give_the_same_bytes_and_nothing_is_called(
    local: Assembly, tmp_path: Path
) -> None:
    first = copy_of_the_repository(tmp_path / "one")
    second = copy_of_the_repository(tmp_path / "a folder with spaces")
    for path in second.rglob("*"):
        os.utime(path, (0, 0))
    homes = tmp_path / "homes"
    homes.mkdir()
    here = guarded(tmp_path / "here", years_ahead=0)
    later = guarded(tmp_path / "later", years_ahead=9)

    ann = {**here, **as_somebody("ann", homes), "PYTHONHASHSEED": "1"}
    bob = {**later, **as_somebody("bob", homes), "PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"}
    with ThreadPoolExecutor() as both:
        started = [both.submit(run, first, **ann), both.submit(run, second, **bob)]
    results = [each.result() for each in started]

    assert [result.returncode for result in results] == [0, 0], results[0].stderr
    years = [sorted(Path(each["GUARD_LOG"]).read_text().split()) for each in (here, later)]
    assert [len({*each}) for each in years] == [2, 2], years  # Node.js and Python; no CALL
    assert {int(told[-4:]) for told in years[1]} == {int(told[-4:]) + 9 for told in years[0]}
    made = templates(first / "cdk.out")
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
    assert "for example `-c env=" in result.stderr
    assert "Traceback" not in result.stderr
