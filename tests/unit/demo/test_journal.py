"""The journal times phases and tables them."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from warmfold.demo.journal import Journal


def console() -> Console:
    return Console(file=io.StringIO(), width=100)


def ticking() -> Iterator[float]:
    yield from (10.0, 12.5, 20.0, 95.0)


def test_phases_are_announced_timed_and_tabled() -> None:
    clock = ticking()
    journal = Journal(console(), 2, now=lambda: next(clock))
    with journal.phase("Build") as phase:
        phase.result = "2 images in [odd] folder"
    with journal.phase("Train") as phase:
        phase.result = "done"
    journal.console.print(journal.table())
    written = journal.console.file.getvalue()  # type: ignore[attr-defined]
    assert "1/2 Build" in written
    assert "2 images in [odd] folder (2.5 s)" in written
    assert "2/2 Train" in written
    assert "1:15" in written
    assert journal.seconds == pytest.approx(77.5)


def test_a_phase_that_fails_is_kept_with_its_time_and_the_error_goes_on() -> None:
    clock = ticking()
    journal = Journal(console(), 1, now=lambda: next(clock))
    with pytest.raises(ValueError, match="no"), journal.phase("Build"):
        raise ValueError("no")
    assert [(p.name, p.seconds) for p in journal.phases] == [("Build", 2.5)]
