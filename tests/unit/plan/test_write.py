"""``plan --write`` puts a choice in the place of ``auto`` and leaves everything else."""

from pathlib import Path

import pytest

from config.errors import InvalidSettingsError
from config.load import ENVIRONMENTS, load_settings, load_undecided_settings
from warmfold.cli import plan_command
from warmfold.cli.main import run
from warmfold.errors import WarmfoldError
from warmfold.plan.write import write_choices

ENGINE, STRATEGY = ("tuning", "engine"), ("cross_validation", "strategy")
CHOICES = {ENGINE: "in_job", STRATEGY: "in_job"}
SHIPPED = (ENVIRONMENTS / "prod.toml").read_text(encoding="utf-8")
UNDECIDED = SHIPPED.replace('engine = "amt"', "engine = 'auto'  # by plan").replace(
    'strategy = "in_job"', 'strategy = "auto"'
)


def file(folder: Path, text: str) -> Path:
    path = folder / "prod.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_undecided_file_is_refused_until_a_plan_has_decided(tmp_path: Path) -> None:
    path = file(tmp_path, UNDECIDED)
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings("prod", tmp_path)
    assert len(caught.value.faults) == 2
    assert "let `warmfold plan --write`" in str(caught.value)
    undecided = load_undecided_settings("prod", tmp_path).models[0]
    assert (undecided.tuning.engine, undecided.cross_validation.strategy) == ("amt", "in_job")
    written = write_choices(path, undecided.name, CHOICES)
    assert written == ["tuning.engine", "cross_validation.strategy"]
    assert load_settings("prod", tmp_path).models[0].tuning.engine == "in_job"


def test_comments_and_everything_else_stay_as_they_were(tmp_path: Path) -> None:
    path = file(tmp_path, UNDECIDED)
    write_choices(path, "german-credit", CHOICES)
    expected = UNDECIDED.replace("engine = 'auto'", 'engine = "in_job"').replace(
        'strategy = "auto"', 'strategy = "in_job"'
    )
    assert path.read_text(encoding="utf-8") == expected
    assert list(tmp_path.iterdir()) == [path]


def test_only_the_model_that_was_planned_is_decided(tmp_path: Path) -> None:
    _, _, model = UNDECIDED.partition("[[models]]")
    second = "[[models]]" + model.replace('"german-credit"', '"other"', 1)
    path = file(tmp_path, f"{UNDECIDED}\n{second}")
    write_choices(path, "other", CHOICES)
    before, _, after = path.read_text(encoding="utf-8").rpartition("[[models]]")
    assert "auto" in before
    assert "auto" not in after


def test_what_is_decided_already_is_not_changed(tmp_path: Path) -> None:
    path = file(tmp_path, SHIPPED)
    assert write_choices(path, "german-credit", CHOICES) == []
    assert path.read_text(encoding="utf-8") == SHIPPED


def test_a_form_that_cannot_be_edited_by_line_is_left_to_the_user(tmp_path: Path) -> None:
    inline = 'cross_validation = { strategy = "auto" }\n'
    text = '[[models]]\nname = "m"\n' + inline
    path = file(tmp_path, text)
    with pytest.raises(WarmfoldError, match="write 'in_job' there yourself"):
        write_choices(path, "m", CHOICES)
    assert path.read_text(encoding="utf-8") == text


def test_the_command_prints_a_plan_for_the_projects_own_data(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["plan", "--env", "prod", "--model", "german-credit"]) == 0
    printed = capsys.readouterr().out
    assert "1,000 rows x 20 columns" in printed
    assert "recommended:" in printed


def test_the_command_writes_the_environments_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file(tmp_path, UNDECIDED)
    monkeypatch.setattr(plan_command, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(
        plan_command, "load_undecided_settings", lambda env: load_undecided_settings(env, tmp_path)
    )
    assert run(["plan", "--env", "prod", "--rows", "10000", "--columns", "40", "--write"]) == 0
    assert "tuning.engine, cross_validation.strategy" in capsys.readouterr().out
    assert load_settings("prod", tmp_path).models[0].tuning.engine == "in_job"


def test_nothing_is_planned_for_a_file_that_leaves_nothing_to_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(tmp_path, SHIPPED)
    monkeypatch.setattr(plan_command, "ENVIRONMENTS", tmp_path)
    assert run(["plan", "--env", "prod", "--rows", "50000", "--columns", "40", "--write"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{path}: model german-credit: nothing was changed" in printed.err
    assert 'set engine and/or strategy to "auto" first' in printed.err
    assert path.read_text(encoding="utf-8") == SHIPPED


def test_the_help_does_not_speak_of_aws(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["plan", "--help"])
    printed = capsys.readouterr().out
    assert "AWS" not in printed
    with pytest.raises(SystemExit):
        run(["run", "--help"])
    assert "AWS" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments,expected",
    [
        (["--rows", "5"], "give both --rows and --columns"),
        (["--rows", "0", "--columns", "3"], "must be 1 or more"),
        (["--model", "nobody"], "has no model nobody"),
        (["--data", "nothing.csv"], "does not exist: name a CSV file by --data"),
    ],
)
def test_a_mistake_is_named(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--env", "prod", *arguments]) == 2
    assert expected in capsys.readouterr().err
