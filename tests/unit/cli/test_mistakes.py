"""Mistakes on the command line: one message with value, place and remedy, before anything runs."""

from pathlib import Path
from typing import Any

import pytest

from config.load import load_settings
from tests.unit.report.builders import report_data
from warmfold.cli import model_commands
from warmfold.cli.main import run
from warmfold.cli.parser import make_parser
from warmfold.errors import WarmfoldError
from warmfold.report.collect import ReportData
from warmfold.runs.aws import Deployment

MODEL = load_settings("local").models[0]
DEPLOYMENT = Deployment(
    model=MODEL.name,
    training={"PipelineName": "training", "RawDataUri": "s3://bucket/raw/"},
    serving={},
    batch={"BatchOutputUri": "s3://bucket/output"},
)
EXECUTION = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/training/execution/abc"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployed model; nothing may be asked of any service."""
    monkeypatch.setattr(model_commands, "target", lambda _: (None, MODEL))
    monkeypatch.setattr(model_commands, "find_deployment", lambda *_: DEPLOYMENT)


@pytest.mark.parametrize(
    "score, words",
    [
        ("nan", "--minimum-score is nan: give a finite number"),
        ("inf", "--minimum-score is inf: give a finite number"),
        ("7", "--minimum-score is 7.0: auc lies between 0 and 1"),
        ("-0.1", "--minimum-score is -0.1: auc lies between 0 and 1"),
    ],
)
def test_a_gate_that_nothing_or_everything_passes_is_refused(
    deployed: None, score: str, words: str
) -> None:
    options = make_parser().parse_args(["run", f"--minimum-score={score}"])
    with pytest.raises(WarmfoldError) as raised:
        options.command(options)
    assert str(raised.value) == words


@pytest.mark.parametrize("day", ["yesterday", "2026-13-45", "20260302"])
def test_a_day_that_is_none_is_refused(
    deployed: None, capsys: pytest.CaptureFixture[str], tmp_path: Path, day: str
) -> None:
    arguments = ["report", "--day", day, "--output", str(tmp_path / "report.html")]
    assert run(arguments) == 2
    assert f"--day is {day!r}: give a day as YYYY-MM-DD" in capsys.readouterr().err


def test_an_execution_that_is_no_arn_is_refused(
    deployed: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["report", "--execution", "abc", "--output", str(tmp_path / "report.html")]
    assert run(arguments) == 2
    assert "--execution is 'abc': give the ARN of a pipeline" in capsys.readouterr().err


def test_a_day_without_a_published_batch_is_told_and_no_report_written(
    deployed: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def collected(*_: Any, **__: Any) -> ReportData:
        return report_data(batch=None)

    monkeypatch.setattr(model_commands, "collect", collected)
    path = tmp_path / "report.html"
    arguments = ["report", "--day", "2026-03-02", "--execution", EXECUTION, "--output", str(path)]
    assert run(arguments) == 2
    said = capsys.readouterr().err
    assert "no batch of 2026-03-02 is published: there is no s3://bucket/output/day=2026" in said
    assert not path.exists()


@pytest.mark.parametrize("below", ["", "cloud"])
def test_a_state_folder_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], below: str
) -> None:
    file = tmp_path / "notes.txt"
    file.touch()
    assert run(["--state-dir", str(file / below), "local", "status"]) == 2
    said = capsys.readouterr().err
    assert f"{file} is a file, not a folder: name another one by --state-dir" in said


@pytest.mark.parametrize("content", [b"\xff\xfe{\x00}\x00", b'{"name": "Zo\xeb"}'])
def test_applicants_in_another_encoding_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "my applicants.jsonl"
    path.write_bytes(content)
    with pytest.raises(WarmfoldError, match=r"my applicants.jsonl, byte \d+: not UTF-8: save it"):
        model_commands.read_applicants(str(path))


def test_a_byte_order_mark_before_the_applicants_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "applicants.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n')
    assert model_commands.read_applicants(str(path)) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["run"], "stopped by Ctrl-C; what it has started on the platform goes on there"),
        (["score", "x"], "stopped by Ctrl-C; everything that was started is stopped"),
    ],
)
def test_an_interrupted_command_says_what_goes_on(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model_commands, "target", interrupted)
    monkeypatch.setattr(model_commands, "read_applicants", interrupted)
    assert run(arguments) == 130
    assert words in capsys.readouterr().err
