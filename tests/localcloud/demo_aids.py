"""The demo and the commands, each as a process of its own in a user's environment."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from config.load import REPOSITORY
from warmfold.runs.aws import Aws, connect, find_deployment

MODEL = "german-credit"
DATA = REPOSITORY / "examples" / "german_credit" / "data" / "german_credit.csv"
# A user's own settings, which would lead somewhere else if anything of them were used.
USERS_OWN = {
    "AWS_PROFILE": "production",
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
}


def command(state_dir: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "warmfold.cli", "--state-dir", str(state_dir), *arguments]


def environment() -> dict[str, str]:
    proxies = {name.upper() for name in os.environ if name.lower().endswith("_proxy")}
    own = {} if proxies else USERS_OWN  # a machine behind a proxy needs it to install the images
    return {**os.environ, **own}


def run(state_dir: Path, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(state_dir, *arguments),
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


@dataclass(frozen=True)
class Demo:
    """A finished demo whose cloud is still there."""

    state_dir: Path
    report: Path
    outcome: "subprocess.CompletedProcess[str]"

    @property
    def aws(self) -> Aws:
        return connect("local", self.state_dir)

    def packages(self) -> list[dict[str, Any]]:
        group = find_deployment(self.aws, MODEL).training["ModelPackageGroupName"]
        answer = self.aws.client("sagemaker").list_model_packages(ModelPackageGroupName=group)
        found: list[dict[str, Any]] = answer["ModelPackageSummaryList"]
        return found


def build_images() -> None:
    """In the machine's own environment, with which pip reaches the package index."""
    built = subprocess.run(
        [sys.executable, "-m", "warmfold.cli", "images", "build"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr


def bad_data(kind: str) -> bytes:
    lines = DATA.read_text(encoding="utf-8").splitlines()
    if kind == "no target":
        return "\n".join(line.rsplit(",", 1)[0] for line in lines).encode()
    if kind == "constant target":
        return "\n".join([lines[0], *(re.sub("bad$", "good", row) for row in lines[1:])]).encode()
    if kind == "ragged":
        return "\n".join([*lines[:7], lines[7] + ",more", *lines[8:]]).encode()
    return DATA.read_bytes().replace(b"radio", b"r\xe9dio", 1)


def started(state_dir: Path, arguments: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(state_dir, *arguments),
        cwd=REPOSITORY,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that was put into the background hands on that Ctrl-C is ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def read_until(child: "subprocess.Popen[str]", words: str) -> None:
    """Read the child's output up to a line with ``words``; a demo that ends before is a failure."""
    seen = []
    for line in child.stdout or ():
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"never said {words!r}:\n{''.join(seen)}")
