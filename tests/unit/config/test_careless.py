"""What a hurried hand writes: each is one message with key, value and remedy."""

import datetime
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import UnreadableFileError
from config.load import ENVIRONMENTS, REPOSITORY, environments, load_settings
from tests.unit.config.environment_file import Place, dotted, set_at, values, write
from tests.unit.config.test_checks import CANDIDATE, MODEL, SERVING, messages
from warmfold.cli.main import run

ENVIRONMENT: Place = ("environment",)
CIDR: Place = (*ENVIRONMENT, "network", "created", "cidr")
TAGS: Place = (*ENVIRONMENT, "tags")
ADDRESSES: Place = ("alerts", "email_addresses")
ZONE: Place = (*MODEL, "batch", "time_zone")


@pytest.mark.parametrize(
    "place,value,expected",
    [
        ((*ENVIRONMENT, "account"), 333333333333, "is a whole number; use a text in quotes"),
        ((*ENVIRONMENT, "account"), "333333333333 ", "has spaces around it; write the 12 digits"),
        (
            (*ENVIRONMENT, "account"),
            "３３３３３３３３３３３３",
            "is not allowed; write the 12 digits",
        ),
        ((*ENVIRONMENT, "region"), "eu_west_1", "write a region such as eu-west-1"),
        (TAGS, {"": "x"}, 'tags."" = "x": has no name'),
        (TAGS, {" owner": "x"}, 'tags." owner" = "x": has spaces around its name or value'),
        (TAGS, {"owner": "x\t"}, "has spaces around"),
        (TAGS, {"ow\nner": "x"}, r'tags.ow\nner = "x": has a character that no tag has'),
        (TAGS, {"owner": "💥"}, "use letters, digits, spaces and _.:/=+-@"),
        (TAGS, {"Owner": "a", "owner": "b"}, "differs from 'Owner' in capital letters only"),
        (CIDR, "8.8.0.0/16", "holds none of the subnets"),
        (CIDR, "127.0.0.0/16", "is reserved for loopback"),
        (CIDR, "10.42.0.1/16", "with zeros after the prefix"),
        (ADDRESSES, ["a@b.com", "a@b.com"], "is there already; name each address once"),
        (ADDRESSES, ["<a@b.com>"], "write an e-mail address such as"),
        (ADDRESSES, ["a@b..com"], "write an e-mail address such as"),
        (("alerts", "monthly_budget_usd"), -1, "use a number from 0 to 100000000"),
        (ZONE, "europe/london", "is no time zone, did you mean 'Europe/London'?"),
        (ZONE, "Factory", "is no time zone"),
        (ZONE, "+02:00", "is no time zone"),
        ((*MODEL, "batch", "time"), "cron(0 6 31 2 ? *)", 'write a time of day such as "06:00"'),
        ((*MODEL, "data", "holdout_fraction"), 20, "use a number above 0 and below 1"),
        ((*MODEL, "jobs", "trial", "max_runtime_seconds"), "1h", "use a whole number"),
        ((*MODEL, "gate", "minimum_score"), 10**400, "use a finite number"),
        (("images", "source"), "URI", "is not a known value, did you mean 'uri'?"),
        ((*CANDIDATE, "static", "max_rounds"), "", "use an integer from 1 to 100000"),
        ((*SERVING, "deployment", "canary_percent"), 0.25, "use a whole number"),
    ],
)
def test_each_is_one_message_with_its_place(
    tmp_path: Path, place: Place, value: object, expected: str
) -> None:
    (found,) = messages(tmp_path, (place, value))
    assert found.startswith(dotted(place))
    assert expected in found


@pytest.mark.parametrize("written", ["06:00:00", "2026-01-01T06:00:00"])
def test_a_time_without_quotes_is_told_as_what_it_is(tmp_path: Path, written: str) -> None:
    text = (ENVIRONMENTS / "prod.toml").read_text(encoding="utf-8")
    changed = text.replace('time = "06:00"', f"time = {written}")
    (tmp_path / "prod.toml").write_text(changed, encoding="utf-8")
    kind = "a time" if "T" not in written else f"a {datetime.datetime.__name__}"
    with pytest.raises(Exception, match=rf"batch\.time = .*: is {kind}; use a text in quotes"):
        load_settings("prod", tmp_path)


@pytest.mark.parametrize(
    "line,expected",
    [
        ('region = "x"\nregion = "y"', r"is not TOML: Cannot overwrite.*, in `region = \"y\"`"),
        ("region = eu-west-1", r"is not TOML: .*, in `region = eu-west-1`"),
        (f"x = {'9' * 5000}", r"prod\.toml is not TOML"),
    ],
)
def test_a_line_that_is_no_toml_is_shown(tmp_path: Path, line: str, expected: str) -> None:
    (tmp_path / "prod.toml").write_text(f"[environment]\n{line}\n", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match=expected):
        load_settings("prod", tmp_path)


def test_what_editors_and_systems_leave_in_the_folder_is_no_environment(tmp_path: Path) -> None:
    write(tmp_path, values())
    (tmp_path / "._prod.toml").write_bytes(b"\0")
    (tmp_path / "old.toml").mkdir()
    (tmp_path / "lost.toml").symlink_to(tmp_path / "nowhere")
    assert environments(tmp_path) == ("prod",)
    assert load_settings("prod", tmp_path).name == "prod"


def asked(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """`python -m config`, which `make synth` asks before a synth."""
    return subprocess.run(
        [sys.executable, "-m", "config", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([".", "containers"])},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_can_be_asked_about_without_a_synth() -> None:
    assert (asked("prod").returncode, asked("prod").stderr) == (0, "")
    typo = asked("a b")
    assert typo.returncode == 1
    assert "warmfold: environment 'a b' has no file" in typo.stderr
    assert "Traceback" not in typo.stderr
    assert "for example `make synth ENV=staging`" in asked("stagin").stderr
    assert "usage: python -m config NAME" in asked().stderr


def test_every_message_has_its_file(tmp_path: Path) -> None:
    write(tmp_path, set_at(values(), (*MODEL, "data", "folds"), 1))
    with pytest.raises(Exception, match=str(tmp_path / "prod.toml")):
        load_settings("prod", tmp_path)


def test_an_environment_without_a_file_is_answered_in_the_terms_of_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["plan", "--env", "stagin"]) == 2
    said = capsys.readouterr().err
    assert "environment 'stagin' has no file" in said
    assert "for example `--env staging`" in said
    assert "-c env" not in said
