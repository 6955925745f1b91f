"""A trial's waiting, and SIGTERM in its middle."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from warmfold_trainer.fan_out.calls import Waiting
from warmfold_trainer.fan_out.driver import TrialStopped, drive, stop_noted


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Signals that were not only noted."""
    signals: list[int] = []

    def hear(number: int, _frame: Any) -> None:
        signals.append(number)

    before = signal.signal(signal.SIGTERM, hear)
    yield signals
    signal.signal(signal.SIGTERM, before)


def never() -> bool:
    return False


def test_what_is_waited_for_is_returned_when_the_time_is_over() -> None:
    def process() -> Waiting[str]:
        yield 0.05
        yield 0.0
        return "done"

    begun = time.monotonic()
    assert drive(process(), stop_asked=never, stopping=never) == "done"
    assert time.monotonic() - begun >= 0.05


def test_a_stop_is_thrown_in_once_and_the_clean_up_may_wait() -> None:
    seen: list[str] = []

    def process() -> Waiting[None]:
        try:
            yield 60.0
        except TrialStopped:
            seen.append("stopped")
            yield 0.01
            seen.append("cleaned")
            raise

    with pytest.raises(TrialStopped):
        drive(process(), stop_asked=lambda: True, stopping=never)
    assert seen == ["stopped", "cleaned"]


def test_a_stop_does_not_disturb_a_clean_up_that_is_under_way() -> None:
    def process() -> Waiting[str]:
        yield 0.01
        return "cleaned"

    assert drive(process(), stop_asked=lambda: True, stopping=lambda: True) == "cleaned"


def test_sigterm_is_noted_with_a_reason_and_acts_afterwards(
    tmp_path: Path, heard: list[int]
) -> None:
    failure = tmp_path / "output" / "failure"
    with stop_noted(failure) as stop_asked:
        assert not stop_asked()
        signal.raise_signal(signal.SIGTERM)
        assert stop_asked()
        assert heard == []
        assert "stopped by SIGTERM" in failure.read_text()
    assert heard == [signal.SIGTERM]


def test_without_a_signal_nothing_is_left(tmp_path: Path, heard: list[int]) -> None:
    with stop_noted(tmp_path / "failure"):
        pass
    assert heard == []
    assert not list(tmp_path.iterdir())
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
