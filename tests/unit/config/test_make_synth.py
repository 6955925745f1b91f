"""`make synth ENV=...`: whatever is written there is one value, to make and to the shell."""

import shutil
import subprocess
from pathlib import Path

import pytest

from config.load import REPOSITORY

MAKE = shutil.which("make")
# Says what it was given, one line an argument.
_TOLD = '#!/bin/sh\nfor each in "$@"; do echo "$each" >> told; done\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A set-up checkout whose Python and Node.js only tell their arguments."""
    for name in ("requirements/dev.txt", "pyproject.toml", "package-lock.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for name in (".venv/bin/python", "bin/node"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(_TOLD, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    for name in ("node_modules/.installed", ".venv/installed"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "prod",
        "a b",
        "",
        "--help",
        "a'b",
        'x"; touch made; "',
        "$(touch made)",
        "`touch made`",
        "$HOME",
    ],
)
def test_an_environments_name_is_one_value(checkout: Path, name: str) -> None:
    assert MAKE is not None
    outcome = subprocess.run(
        [MAKE, "synth", f"ENV={name}"],
        cwd=checkout,
        env={"PATH": f"{checkout / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    told = (checkout / "told").read_text(encoding="utf-8").splitlines()
    assert told[told.index("-m") :][:3] == ["-m", "config", name]
    assert told[-4:] == ["-c", f"env={name}", "--output", f"build/cdk.out/{name}"]
    assert not (checkout / "made").exists()
