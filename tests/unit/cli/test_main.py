"""Exit codes and messages of the command line."""

import argparse
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ProfileNotFound

from config.errors import ConfigError
from warmfold.cli import cloud_commands, demo_commands, main, model_commands
from warmfold.cli.main import run
from warmfold.cli.parser import make_parser
from warmfold.errors import RunFailedError, WarmfoldError
from warmfold_local.launcher import LocalCloudError
from warmfold_local.state_folder import Identity, save_identity

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


def test_an_aws_that_cannot_be_reached_is_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(_options: argparse.Namespace) -> NoReturn:
        raise ProfileNotFound(profile="corp")

    monkeypatch.setattr(model_commands, "approve", command)
    assert run(["approve", "--env", "dev"]) == 1
    assert "no answer from AWS: The config profile (corp)" in capsys.readouterr().err
    assert run(["approve"]) == 1
    assert "this is a fault of warmfold's own" in capsys.readouterr().err


def refusal(code: str, message: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "DescribeEndpoint")


@pytest.mark.parametrize(
    "error, own_fault",
    [
        (refusal("ResourceNotFound", "there is none"), False),
        (refusal("ValidationException", 'Could not find endpoint "x".'), False),
        (refusal("ValidationException", "1 validation error detected"), True),
        (refusal("InternalServerError", "Could not find my way", 500), True),
    ],
)
def test_what_is_not_in_the_local_cloud_is_no_fault_of_ours(
    error: ClientError,
    own_fault: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command(_options: argparse.Namespace) -> NoReturn:
        raise error

    monkeypatch.setattr(model_commands, "report", command)
    assert run(["--state-dir", "/somewhere", "report"]) == 1
    written = capsys.readouterr().err
    assert str(error) in written
    assert "/somewhere/server.log" in written
    assert ("a fault of warmfold's own" in written) == own_fault
    assert ("Traceback" in written) == own_fault


def test_what_an_error_carries_along_is_told_after_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = RunFailedError("step Tune-gbdt", "why")
    error.add_note("  the local cloud was stopped")
    failing_with(error, monkeypatch)
    run(["local", "status"])
    assert capsys.readouterr().err.endswith("failed: why\n  the local cloud was stopped\n")


def test_a_failed_demo_says_that_its_cloud_is_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object) -> NoReturn:
        raise RunFailedError("step BuildFeatures", "row 7 is odd")

    monkeypatch.setattr(demo_commands, "run_demo", fail)
    assert run(["demo", "--keep"]) == 1
    assert "stopped, although it was to be kept: only its logs are left" in capsys.readouterr().err


@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path, buffered: str) -> None:
    log = tmp_path / "server.log"
    log.write_text("a line\n" * 100_000, encoding="utf-8")
    arguments = ["--state-dir", str(tmp_path), "local", "logs"]
    with subprocess.Popen(
        [sys.executable, "-m", "warmfold.cli", *arguments],
        env={**os.environ, "PYTHONUNBUFFERED": buffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "a line\n"
        child.stdout.close()
        assert child.stderr.read() == ""
    assert child.returncode == main.NOT_READ


def test_a_report_that_cannot_be_written_is_refused_before_it_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(model_commands, "connect", lambda _environment, _state_dir: None)
    assert run(["report", "--output", str(tmp_path)]) == 2
    assert f"report {tmp_path} is a folder" in capsys.readouterr().err


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


@pytest.mark.parametrize("arguments", [["score", "-"], ["local", "status"]])
def test_where_a_stopped_local_cloud_is_kept_the_remedy_is_to_go_on_with_it(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"age": 30}')))
    save_identity(tmp_path, Identity(id="a" * 32, secret="b" * 32, port=1))
    assert run(["--state-dir", str(tmp_path), *arguments]) == 2
    told = capsys.readouterr().err
    assert "go on with it by `warmfold local up`" in told
    assert "make demo" not in told


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


def test_a_broken_line_of_standard_input_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"bogus\n")))
    with pytest.raises(WarmfoldError, match="standard input, line 1: not JSON"):
        model_commands.read_applicants("-")


def test_a_missing_file_of_applicants_is_named() -> None:
    with pytest.raises(WarmfoldError, match=r"nowhere\.json is not a file"):
        model_commands.read_applicants("nowhere.json")
