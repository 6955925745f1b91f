"""A running local cloud, an image that trains on anything, and the environments of its clients."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.localcloud.conftest import RunningCloud
from tests.localcloud.conftest import cloud as cloud

ROOT = Path(__file__).parents[2]
ROLE_NAME = "client"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
BUCKET = "clients"

# Scores best where x is 3; needs nothing but the standard library.
PROGRAM = """
import json, os, pathlib, sys
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
values = json.loads((base / "input/config/hyperparameters.json").read_text())
values = {k: v.strip('"') for k, v in values.items()}
rows = sorted(p.name for p in (base / "input/data/train").rglob("*") if p.is_file())
(base / "model/model.json").write_text(json.dumps(values))
print("rows", rows)
print("validation:score=%r;" % (10 - (float(values.get("x", 0)) - 3) ** 2), flush=True)
if "sleep" in values:
    import time
    time.sleep(float(values["sleep"]))
"""


@dataclass(frozen=True)
class Client:
    """A program outside this one, which reaches the local cloud only by its environment."""

    environment: Mapping[str, str]

    def run(self, *argv: str, seconds: float = 120.0) -> str:
        """Its output; fails the test with everything it said if it fails."""
        done = subprocess.run(
            argv,
            env=dict(self.environment),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def client(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """For any client: AWS's variables, and a home folder of its own."""
    home = tmp_path_factory.mktemp("home")
    return Client(
        {
            **cloud.settings.client_environment(),
            "PATH": os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "AWS_PAGER": "",
        }
    )


@pytest.fixture(scope="session")
def image(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("an image")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    argv = [sys.executable, "-S", "-m", "program"]
    return cloud.add_image("clients", "v1", argv, PYTHONPATH=str(folder))


@pytest.fixture(scope="session")
def role(cloud: RunningCloud) -> str:
    """May do anything: what a client's own rendering asks for is not this tier's subject."""
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="all", PolicyDocument=json.dumps(ALLOW_ALL))
    return str(arn["Role"]["Arn"])


@pytest.fixture(scope="session")
def data(cloud: RunningCloud) -> str:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="data/rows.csv", Body=b"a\n1\n")
    return f"s3://{BUCKET}/data/"


def interpreter(variable: str, default: str) -> Path:
    """The Python of an environment that only this tier has; `.ci/run` makes it."""
    path = Path(os.environ.get(variable, ROOT / default))
    assert path.exists(), f"no {path}: run .ci/run, or name one by {variable}"
    return path
