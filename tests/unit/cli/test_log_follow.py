"""``local logs -f``: everything once, in order, until the job has ended."""

import io
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warmfold.cli import log_follow
from warmfold.cli.log_follow import follow
from warmfold.cli.main import run


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follow, "_POLL_SECONDS", 0.01)


def test_a_growing_log_is_followed_to_the_end_of_its_job(tmp_path: Path) -> None:
    path, over, out = tmp_path / "log.txt", threading.Event(), io.StringIO()
    follower = threading.Thread(target=follow, args=(path, over.is_set, out))
    follower.start()  # before there is a file
    with path.open("w", encoding="utf-8") as log:
        for line in ("one\n", "zwei ü\n", "3"):
            log.write(line)
            log.flush()
    over.set()
    follower.join(10)
    assert not follower.is_alive()
    assert out.getvalue() == "one\nzwei ü\n3"


def test_what_is_written_just_before_the_end_is_read(tmp_path: Path) -> None:
    path, out = tmp_path / "log.txt", io.StringIO()

    def ended() -> bool:
        path.write_text("last words\n")
        return True

    follow(path, ended, out)
    assert out.getvalue() == "last words\n"


@settings(deadline=None)  # files
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r")), st.integers(1, 7))
def test_a_character_is_never_cut_wherever_the_file_is(
    tmp_path_factory: pytest.TempPathFactory, text: str, step: int
) -> None:
    path, out = tmp_path_factory.mktemp("log") / "log.txt", io.StringIO()
    data = text.encode()
    ends = iter([*range(step, len(data), step), len(data)])
    looks = [len(data)]

    def ended() -> bool:
        looks[0] = next(ends)
        path.write_bytes(data[: looks[0]])
        return looks[0] == len(data)

    log_follow._POLL_SECONDS = 0.0
    follow(path, ended, out)
    assert out.getvalue() == text


def test_without_a_running_cloud_the_log_is_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "jobs" / "training" / "job" / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("all of it\n", encoding="utf-8")
    (tmp_path / "jobs" / "training" / "job-two").mkdir()
    assert run(["--state-dir", str(tmp_path), "local", "logs", "-f", "job"]) == 0
    assert capsys.readouterr().out == "all of it\n"
