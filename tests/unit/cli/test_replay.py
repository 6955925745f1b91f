"""``warmfold local replay``."""

import json

import pytest

from warmfold.cli.main import run


def test_both_published_cases_are_printed_with_their_assumptions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["local", "replay"]) == 0
    text = capsys.readouterr().out
    assert text.index("pereira: 120 sequential rounds") < text.index("best-egg: 8 tuning jobs")
    assert "cold               10 h 00 min" in text
    assert text.count("cold_start_seconds = ") == 2


def test_one_case_as_values_with_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["local", "replay", "--case", "pereira", "--json"]
    assert run([*arguments, "--set", "trials=60", "--set", "warm_start_seconds=20"]) == 0
    (case,) = json.loads(capsys.readouterr().out)
    assert case["case"] == "pereira"
    assert case["modelled"]["cold"]["wall_seconds"] == 60 * 300


@pytest.mark.parametrize("setting", ["trials", "nothing=1", "trials=none", "trials=0"])
def test_a_faulty_setting_is_one_plain_message(
    setting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["local", "replay", "--set", setting]) == 2
    written = capsys.readouterr()
    assert written.err.startswith("warmfold: ")
    assert written.err.count("\n") == 1
    assert written.out == ""
