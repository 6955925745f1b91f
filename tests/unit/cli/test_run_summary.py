"""The end of ``warmfold run``."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report.builders import evaluation_values, report_data
from warmfold.cli.parser import make_parser
from warmfold.cli.run_summary import run_summary, trains_on
from warmfold.report.evaluation import Evaluation

COMPARED = {
    "status": "compared",
    "version": 3,
    "score": 0.77,
    "difference": 0.01125,
    "interval": None,
    "clean": True,
}


@pytest.fixture(autouse=True)
def activated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment whose programs a shell finds."""
    program = tmp_path / "warmfold"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def lines(
    *arguments: str, approval: str = "PendingManualApproval", maximize: bool = True, **changes: Any
) -> list[str]:
    evaluation = Evaluation.from_json(json.dumps({**evaluation_values(), **changes}))
    package = replace(report_data().package, version=4, approval=approval)
    options = make_parser().parse_args([*arguments])
    return run_summary(options, package, evaluation, maximize=maximize)


@pytest.mark.parametrize(
    "files, told",
    [
        (None, "training on what is below s3://raw"),
        (["a.csv"], "training on 1 file below s3://raw: a.csv"),
        (list("abcde"), "training on 5 files below s3://raw: a, b, c, d, e"),
        (list("abcdefg"), "training on 7 files below s3://raw: a, b, c, d, e and 2 more"),
    ],
)
def test_the_files_are_named(files: list[str] | None, told: str) -> None:
    assert trains_on("s3://raw", files) == told


def test_the_first_model_has_a_score_and_the_next_commands() -> None:
    assert lines("run", champion={"status": "none"}) == [
        "hold-out AUC: 0.7812",
        "see it:     warmfold report --env local",
        "approve it: warmfold approve 4 --env local",
    ]


@pytest.mark.parametrize("maximize, word", [(True, "better"), (False, "worse")])
def test_a_comparison_is_told(maximize: bool, word: str) -> None:
    told = lines("run", champion=COMPARED, maximize=maximize)[1]
    assert told == f"against version 3, approved: {word} by 0.0112 (difference +0.0112)"


def test_a_champion_that_may_know_the_rows_is_told() -> None:
    told = lines("run", champion={**COMPARED, "clean": False})[1]
    assert told.endswith("; it may have been trained on these rows")


def test_the_next_commands_repeat_the_choices_of_the_run(tmp_path: Path) -> None:
    state = str(tmp_path / "a cloud")
    told = lines("--state-dir", state, "run", "--env", "dev", "--model", "loans")
    assert told[-1] == (
        f"approve it: warmfold --state-dir '{state}' approve 4 --env dev --model loans"
    )


def test_what_does_not_await_approval_is_not_offered_for_it() -> None:
    assert not any("approve it" in line for line in lines("run", approval="Approved"))


def test_commands_can_be_copied_where_no_environment_is_activated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/a folder/bin/python")
    see = lines("run", champion={"status": "none"})[1]
    assert see == "see it:     '/a folder/bin/warmfold' report --env local"
