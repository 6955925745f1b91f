"""``local up``, ``logs`` and ``env``: ports, hints, and what is not there."""

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from warmfold.cli import cloud_commands
from warmfold.cli.main import run
from warmfold_local.cloud import Settings
from warmfold_local.launcher import Instance


@pytest.mark.parametrize("port", ["0", "-1", "65536", "80000"])
def test_what_is_no_port_is_refused_before_anything_is_made(
    tmp_path: Path, port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state_dir = tmp_path / "state"
    assert run(["--state-dir", str(state_dir), "local", "up", "--port", port]) == 2
    assert "a port is 1 to 65535" in capsys.readouterr().err
    assert not state_dir.exists()


@pytest.mark.parametrize(
    "deployed, wanted, unwanted",
    [
        (
            True,
            ("-m awscli sagemaker list-model-packages", "score", "german_credit.csv\n", "--help"),
            ("bootstrap",),
        ),
        (
            False,
            ("bootstrap aws://000000000000/us-east-1", "deploy --all"),
            ("list-model", "score"),
        ),
    ],
)
def test_hints_fit_what_is_in_the_cloud_and_a_folder_with_spaces(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    deployed: bool,
    wanted: tuple[str, ...],
    unwanted: tuple[str, ...],
) -> None:
    monkeypatch.setattr(sys, "executable", "/a checkout/.venv/bin/python")
    settings = Settings(
        account="000000000000",
        region="us-east-1",
        port=4566,
        secret="not to be shown",
        state_dir=tmp_path,
        images_dir=tmp_path,
    )
    console = Console(file=io.StringIO(), width=80)
    instance = Instance(settings, 1, tmp_path / "server.log")
    cloud_commands.print_how_to_talk(instance, console, deployed=deployed)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(words in shown for words in wanted)
    assert not any(words in shown for words in unwanted)
    assert "'/a checkout/.venv/bin/warmfold'" in shown
    for program in ("-m awscli", '-c "import boto3'):
        assert (f"'/a checkout/.venv/bin/python' {program}" in shown) == deployed
    assert "not to be shown" not in shown


def test_logs_finds_a_job_by_a_part_of_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("abc-Tune-001", "abc-Tune-002"):
        log = tmp_path / "jobs" / "training" / name / "log.txt"
        log.parent.mkdir(parents=True)
        log.write_text(f"log of {name}\n", encoding="utf-8")
    logs = ["--state-dir", str(tmp_path), "local", "logs"]
    assert run([*logs, "002"]) == 0
    assert capsys.readouterr().out == "log of abc-Tune-002\n"
    assert run([*logs, "Tune"]) == 2
    assert "abc-Tune-001" in capsys.readouterr().err
    assert run(logs) == 2
    assert "nothing has been started yet" in capsys.readouterr().err


def test_an_empty_log_is_said_to_be_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "jobs" / "endpoint" / "abc" / "log.txt"
    log.parent.mkdir(parents=True)
    log.touch()
    assert run(["--state-dir", str(tmp_path), "local", "logs", "abc"]) == 0
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", f"the log {log} is empty\n")


def test_a_stale_instance_file_gives_nothing_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``local env`` needs a running cloud: a stale instance file is none."""
    (tmp_path / "instance.json").write_text(json.dumps({"secret": "s3cret"}), encoding="utf-8")
    assert run(["--state-dir", str(tmp_path), "local", "env"]) == 2
    written = capsys.readouterr()
    assert "s3cret" not in written.out + written.err
