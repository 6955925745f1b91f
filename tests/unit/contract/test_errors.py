"""The failure file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.errors import FAILURE_LIMIT, write_failure


@given(st.text(max_size=1500))
def test_a_reason_is_cut_to_1024_bytes_of_valid_utf8(
    tmp_path_factory: pytest.TempPathFactory, reason: str
) -> None:
    path = tmp_path_factory.mktemp("job") / "output" / "failure"
    write_failure(path, reason)
    raw = path.read_bytes()
    assert len(raw) <= FAILURE_LIMIT
    assert reason.startswith(raw.decode("utf-8"))
    assert len(raw) > FAILURE_LIMIT - 4 or raw.decode("utf-8") == reason


@pytest.mark.parametrize("before", [1021, 1022, 1023])
def test_a_character_across_the_limit_is_left_out_whole(tmp_path: Path, before: int) -> None:
    write_failure(tmp_path / "failure", "x" * before + "\N{PILE OF POO}" + "y")
    assert (tmp_path / "failure").read_text(encoding="utf-8") == "x" * before


def test_a_lone_surrogate_does_not_prevent_the_file(tmp_path: Path) -> None:
    write_failure(tmp_path / "failure", "before \ud800 after")
    assert (tmp_path / "failure").read_text(encoding="utf-8") == "before ? after"


def test_the_first_reason_is_kept_and_an_empty_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "failure"
    path.touch()
    write_failure(path, "first")
    write_failure(path, "second")
    assert path.read_text(encoding="utf-8") == "first"
