"""What the loader says about a file that it cannot use."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config.errors import (
    Fault,
    InvalidSettingsError,
    UnknownEnvironmentError,
    UnreadableFileError,
    as_toml,
)
from config.load import ENVIRONMENTS, load_settings
from tests.unit.config.environment_file import Place, at, dotted, set_at, values, write
from tests.unit.example_model import with_the_example_only

GOOD = values("prod")


def tables(content: object, place: Place = ()) -> list[Place]:
    """Every place that holds a table whose keys are fixed."""
    if isinstance(content, list):
        return [found for i, item in enumerate(content) for found in tables(item, (*place, i))]
    if not isinstance(content, dict):
        return []
    below = [found for key, item in content.items() for found in tables(item, (*place, key))]
    free = bool(place) and place[-1] in ("tags", "static", "ranges")
    return below if free else [place, *below]


def scalars(content: object, place: Place = ()) -> list[Place]:
    """Every place that holds a plain value."""
    if isinstance(content, dict):
        return [found for key, item in content.items() for found in scalars(item, (*place, key))]
    if isinstance(content, list):
        return [found for i, item in enumerate(content) for found in scalars(item, (*place, i))]
    return [place]


def faults(folder: Path, content: dict[str, object]) -> InvalidSettingsError:
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings("prod", write(folder, content))
    return caught.value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


def test_the_rewritten_file_means_the_same_as_the_real_one(folder: Path) -> None:
    real = with_the_example_only(load_settings("prod"))
    assert load_settings("prod", write(folder, GOOD)) == real


@given(
    place=st.sampled_from(tables(GOOD)), name=st.from_regex(r"[a-z][a-z_]{0,15}", fullmatch=True)
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_an_unknown_key_anywhere_is_reported_with_its_place(
    folder: Path, place: Place, name: str
) -> None:
    if name in at(GOOD, place):
        name += "_x"
    optional = {"canary_percent", "values", "minimum", "maximum", "scaling"}
    if name in optional:
        name += "_x"
    error = faults(folder, set_at(GOOD, (*place, name), 1))
    assert [fault.key for fault in error.faults] == [dotted((*place, name))]
    assert "not a known key" in str(error)


@given(place=st.sampled_from(scalars(GOOD)))
@hypothesis_settings(max_examples=80, deadline=None)
def test_a_value_of_the_wrong_type_anywhere_is_reported_with_its_place(
    folder: Path, place: Place
) -> None:
    wrong = 7 if isinstance(at(GOOD, place), str) and "static" not in place else ["wrong"]
    error = faults(folder, set_at(GOOD, place, wrong))
    assert [fault.key for fault in error.faults] == [dotted(place)]
    assert str(folder / "prod.toml") in str(error)


@given(place=st.sampled_from([p for p in scalars(GOOD) if not isinstance(p[-1], int)]))
@hypothesis_settings(max_examples=60, deadline=None)
def test_nothing_is_assumed_in_place_of_a_missing_value(folder: Path, place: Place) -> None:
    content = set_at(GOOD, place, 0)
    del at(content, place[:-1])[place[-1]]
    if "tags" in place or "static" in place or place[-1] == "scaling":
        load_settings("prod", write(folder, content))
        return
    error = faults(folder, content)
    assert [fault.key for fault in error.faults] == [dotted(place)]
    assert "is missing" in str(error)


def test_a_misspelt_key_is_answered_with_the_right_one(folder: Path) -> None:
    content = set_at(GOOD, ("models", 0, "tuning", "max_trails"), 40)
    assert "did you mean 'max_trials'?" in str(faults(folder, content))


def test_a_misspelt_choice_is_answered_with_the_right_one(folder: Path) -> None:
    content = set_at(GOOD, ("models", 0, "tuning", "strategy"), "Bayesain")
    error = str(faults(folder, content))
    assert 'models[0].tuning.strategy = "Bayesain"' in error
    assert "did you mean 'Bayesian'?" in error


def test_all_faults_are_told_at_once(folder: Path) -> None:
    content = set_at(GOOD, ("environment", "account"), "12345")
    content = set_at(content, ("storage", "removable"), True)
    content = set_at(content, ("models", 0, "data", "folds"), 1)
    content = set_at(content, ("models", 0, "tuning", "parallel_trials"), 41)
    content = set_at(content, ("models", 0, "batch", "time_zone"), "Europe/Londn")
    content = set_at(content, ("models", 0, "candidates", 0, "static", "max_round"), 9)
    content = set_at(content, ("models", 0, "project"), "examples/nowhere")
    assert [fault.key for fault in faults(folder, content).faults] == [
        "environment.account",
        "storage.removable",
        "models[0].data.folds",
        "models[0].tuning.parallel_trials",
        "models[0].candidates[0].static.max_round",
        "models[0].batch.time_zone",
        "models[0].project",
    ]


def test_a_message_names_value_and_remedy(folder: Path) -> None:
    error = str(faults(folder, set_at(GOOD, ("models", 0, "data", "folds"), 1)))
    assert "models[0].data.folds = 1: is not allowed; use a number from 2 to 20" in error


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_are_refused(folder: Path, value: str) -> None:
    place = ("models", 0, "gate", "minimum_score")
    assert "use a finite number" in str(faults(folder, set_at(GOOD, place, float(value))))


def test_true_is_no_number(folder: Path) -> None:
    error = str(faults(folder, set_at(GOOD, ("models", 0, "data", "folds"), True)))
    assert "models[0].data.folds = true: is true or false; use a whole number" in error


def test_an_environment_without_a_file_names_those_that_have_one(folder: Path) -> None:
    write(folder, GOOD)
    with pytest.raises(UnknownEnvironmentError, match=r"'production' has no file.*prod"):
        load_settings("production", folder)


def test_a_path_is_no_environment() -> None:
    with pytest.raises(UnknownEnvironmentError):
        load_settings("../environments/prod")


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "prod.toml").write_text("[environment]\naccount = \n")
    with pytest.raises(UnreadableFileError, match=r"prod\.toml is not TOML: .*line 2"):
        load_settings("prod", tmp_path)


@pytest.mark.parametrize(
    "coding, message",
    [
        ("utf-16", "is not UTF-8 but UTF-16: save it as UTF-8"),
        ("utf-16-le", "NUL characters, as UTF-16 text does: save it as UTF-8"),
    ],
)
def test_a_file_in_utf_16_is_refused_as_such(tmp_path: Path, coding: str, message: str) -> None:
    text = (ENVIRONMENTS / "local.toml").read_text(encoding="utf-8")
    (tmp_path / "local.toml").write_bytes(text.encode(coding))
    with pytest.raises(UnreadableFileError, match=message):
        load_settings("local", tmp_path)


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    content = (ENVIRONMENTS / "local.toml").read_bytes()
    (tmp_path / "local.toml").write_bytes(b"\xef\xbb\xbf" + content)
    assert load_settings("local", tmp_path) == load_settings("local")


@pytest.mark.parametrize(
    "value, kind",
    [
        ("inf", "= inf: is not a finite number"),
        ("nan", "= nan: is not a finite number"),
        ("2.5", "= 2.5: is a number with a decimal point"),
    ],
)
def test_a_number_that_is_not_whole_is_told_by_its_kind(
    tmp_path: Path, value: str, kind: str
) -> None:
    text = (ENVIRONMENTS / "local.toml").read_text(encoding="utf-8")
    changed = re.sub(r"^max_trials = \d+", f"max_trials = {value}", text, flags=re.MULTILINE)
    (tmp_path / "local.toml").write_text(changed, encoding="utf-8")
    with pytest.raises(InvalidSettingsError, match=rf"{kind}; use a whole number"):
        load_settings("local", tmp_path)


def test_a_long_value_is_shown_in_part() -> None:
    fault = Fault(key="model.name", problem="is too long", remedy="shorten it", value="x" * 500)
    assert str(fault) == f'model.name = "{"x" * 119}…: is too long; shorten it'


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prod.toml").write_bytes("owner = 'Zoë'".encode("latin-1"))
    with pytest.raises(UnreadableFileError, match="not UTF-8"):
        load_settings("prod", tmp_path)


@pytest.mark.parametrize(
    "written",
    [
        "true",
        "3",
        "1.5",
        "nan",
        "-inf",
        "06:00:00",
        "2024-03-01",
        "2024-03-01 06:00:00+01:00",
        '["ml.c5.large"]',
        "[[1, 2], []]",
        '{ kind = "integer", "a b" = {} }',
    ],
)
def test_a_value_is_shown_as_a_file_has_it(written: str) -> None:
    assert as_toml(tomllib.loads(f"it = {written}")["it"]) == written


@given(text=st.text())
def test_any_text_is_shown_as_one_printable_text_of_toml(text: str) -> None:
    shown = as_toml(text)
    assert shown.isprintable()
    assert tomllib.loads(f"it = {shown}") == {"it": text}


def test_values_that_were_read_already_are_shown_as_a_file_has_them() -> None:
    assert as_toml(("ml.c5.large",)) == '["ml.c5.large"]'
