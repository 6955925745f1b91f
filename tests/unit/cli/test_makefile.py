"""What `make setup` says on a machine that lacks something."""

import shutil
import subprocess
from pathlib import Path

import pytest

from config.load import REPOSITORY

MAKE = shutil.which("make")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a space, and in it the Makefile and what its targets are older than."""
    folder = tmp_path / "a checkout"
    for name in ("requirements/dev.txt", "pyproject.toml", "package-lock.json", "bin/ignored"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    shutil.copy(REPOSITORY / "Makefile", folder)
    return folder


def program(checkout: Path, name: str, *lines: str) -> None:
    path = checkout / "bin" / name
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    path.chmod(0o755)


def make_setup(checkout: Path) -> "subprocess.CompletedProcess[str]":
    assert MAKE is not None
    return subprocess.run(
        [MAKE, "setup"],
        cwd=checkout,
        env={"PATH": str(checkout / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_node_nothing_is_installed(checkout: Path) -> None:
    program(checkout, "python3", "touch python-was-started")
    outcome = make_setup(checkout)
    assert outcome.returncode != 0
    assert "warmfold needs Node.js 20 or newer" in outcome.stdout
    assert not (checkout / ".venv").exists()
    assert "setting up .venv" not in outcome.stdout


def test_a_failing_npm_is_heard(checkout: Path) -> None:
    program(checkout, "node", "exit 0")
    program(
        checkout,
        "npm",
        'case "$*" in *--silent*) ;; *) echo "npm error code ENOTFOUND" >&2 ;; esac',
        "exit 1",
    )
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "installed").touch()
    outcome = make_setup(checkout)
    assert outcome.returncode != 0
    assert "npm error code ENOTFOUND" in outcome.stderr
    assert not (checkout / "node_modules" / ".installed").exists()


def test_npm_does_not_speak_of_its_own_updates(checkout: Path) -> None:
    program(checkout, "node", "exit 0")
    program(checkout, "npm", 'echo "notifier: $npm_config_update_notifier" >&2')
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "installed").touch()
    (checkout / "node_modules").mkdir()
    outcome = make_setup(checkout)
    assert "notifier: false" in outcome.stderr
