"""`warmfold ci` in a checkout of one's own."""

import argparse
from pathlib import Path

import pytest

from config.load import load_settings
from tests.unit.config.environment_file import set_at, values, write
from warmfold.cli import ci_command


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, set_at(values("prod"), ("ci", "repository"), "acme/models"))
    monkeypatch.setattr(ci_command, "load_settings", lambda name: load_settings(name, folder))


@pytest.mark.usefixtures("configured")
def test_a_workflow_is_told_where_and_as_whom_to_sign_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ci_command.print_ci(argparse.Namespace(env="prod", repository="acme/models"))
    assert capsys.readouterr().out.splitlines() == [
        "account=333333333333",
        "region=eu-west-1",
        "deploy-role=arn:aws:iam::333333333333:role/warmfold-prod-ci-deploy",
        "diff-role=arn:aws:iam::333333333333:role/warmfold-prod-ci-diff",
    ]


@pytest.mark.usefixtures("configured")
def test_another_repository_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ci_command.NotThisRepositoryError, match=r"'acme/models'.*'else/where'"):
        ci_command.print_ci(argparse.Namespace(env="prod", repository="else/where"))
    assert capsys.readouterr().out == ""
