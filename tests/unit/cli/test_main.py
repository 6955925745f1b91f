"""Exit codes and messages of the command line."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from config.errors import ConfigError
from warmfold.cli import cloud_commands, main, model_commands
from warmfold.cli.main import run
from warmfold.cli.parser import make_parser
from warmfold.errors import RunFailedError, WarmfoldError
from warmfold_local.launcher import LocalCloudError

REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeEndpoint")


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(_options: argparse.Namespace) -> NoReturn:
        raise error

    monkeypatch.setattr(cloud_commands, "status", command)


@pytest.mark.parametrize(
    "error, code",
    [
        (RunFailedError("step Tune-gbdt", "why", Path("/logs/log.txt")), 1),
        (WarmfoldError("a mistake"), 2),
        (ConfigError("a mistake"), 2),
        (LocalCloudError("a mistake"), 2),
        (NoCredentialsError(), 2),
        (KeyboardInterrupt(), 130),
        (main.Terminated(), 143),
    ],
)
def test_a_known_end_is_one_plain_message(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing_with(error, monkeypatch)
    assert run(["local", "status"]) == code
    written = capsys.readouterr().err
    assert written.startswith("warmfold: ")
    assert "Traceback" not in written


def test_a_failed_run_names_step_reason_and_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_with(RunFailedError("step Tune-gbdt", "why", Path("/logs/log.txt")), monkeypatch)
    run(["local", "status"])
    assert capsys.readouterr().err == (
        "warmfold: step Tune-gbdt failed: why\n  its log: /logs/log.txt\n"
    )


@pytest.mark.parametrize("error", [ZeroDivisionError("ours"), REFUSED])
def test_our_own_fault_has_its_traceback_and_a_hint(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_with(error, monkeypatch)
    assert run(["--state-dir", "/somewhere", "local", "status"]) == 1
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert "the local cloud's log is /somewhere/server.log" in written


def test_a_refusal_of_aws_is_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(_options: argparse.Namespace) -> NoReturn:
        raise REFUSED

    monkeypatch.setattr(model_commands, "approve", command)
    assert run(["approve", "--env", "dev"]) == 1
    written = capsys.readouterr().err
    assert "AWS refused" in written
    assert "Traceback" not in written


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["approve"],
        ["report"],
        ["local", "status"],
        ["local", "env"],
    ],
)
def test_without_a_local_cloud_the_remedy_is_told(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--state-dir", str(tmp_path), *arguments]) == 2
    assert "make demo KEEP=1" in capsys.readouterr().err


def test_an_unknown_environment_or_model_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--state-dir", str(tmp_path), "run", "--env", "qa"]) == 2
    assert "'qa'" in capsys.readouterr().err
    assert run(["--state-dir", str(tmp_path), "run", "--model", "mortgage"]) == 2
    assert "no model 'mortgage': it has german-credit" in capsys.readouterr().err


def test_data_is_checked_before_anything_is_looked_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--state-dir", str(tmp_path), "run", "--data", str(tmp_path / "no.csv")]) == 2
    assert "no.csv does not exist" in capsys.readouterr().err


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ["demo", "images build", "local up", "local down", "local status", "local env"]
    commands += ["local logs", "run", "approve", "score", "report", "check-templates"]
    for command in commands:
        with pytest.raises(SystemExit) as raised:
            make_parser().parse_args([*command.split(), "--help"])
        assert raised.value.code == 0
        assert "usage: warmfold" in capsys.readouterr().out


def test_the_module_runs_as_a_program() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "warmfold.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert "check-templates" in shown.stdout


@pytest.mark.parametrize(
    "text, count",
    [('{"a": 1}', 1), ('[{"a": 1}, {"a": null}]', 2), ('{"a": 1}\n\n{"a": 2}\n{"a": 3}\n', 3)],
)
def test_applicants_are_json_or_json_lines(tmp_path: Path, text: str, count: int) -> None:
    path = tmp_path / "applicants.jsonl"
    path.write_text(text, encoding="utf-8")
    found = model_commands.read_applicants(str(path))
    assert len(found) == count
    assert found[0] == {"a": 1}


@pytest.mark.parametrize("text", ["", "[]", "[1, 2]", '"text"', "\n"])
def test_what_is_no_applicant_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "applicants.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WarmfoldError, match="holds no applicants"):
        model_commands.read_applicants(str(path))


def test_a_broken_line_is_named_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "applicants.jsonl"
    path.write_text('{"a": 1}\n{"secret": \n', encoding="utf-8")
    with pytest.raises(WarmfoldError, match="line 2: not JSON") as raised:
        model_commands.read_applicants(str(path))
    assert "secret" not in str(raised.value)


def test_a_missing_file_of_applicants_is_named() -> None:
    with pytest.raises(WarmfoldError, match=r"nowhere\.json is not a file"):
        model_commands.read_applicants("nowhere.json")


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


def test_a_stale_instance_file_gives_nothing_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``local env`` needs a running cloud: a stale instance file is none."""
    (tmp_path / "instance.json").write_text(json.dumps({"secret": "s3cret"}), encoding="utf-8")
    assert run(["--state-dir", str(tmp_path), "local", "env"]) == 2
    written = capsys.readouterr()
    assert "s3cret" not in written.out + written.err
