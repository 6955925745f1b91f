"""No line of a project can be taken for a metric."""

import contextlib
import io
import itertools
import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.metrics import OBJECTIVE, format_metric, metric_regex, parse_metric
from warmfold_trainer.metric_log import GuardedStream, guarded_output, print_metrics

TRUE = format_metric(OBJECTIVE, 0.75)
FAKE = format_metric(OBJECTIVE, 0.99)


def metrics_of(text: str) -> list[float]:
    found = [parse_metric(line) for line in text.splitlines()]
    return [value for _, value in (entry for entry in found if entry is not None)]


def test_a_project_that_prints_a_metric_line_is_not_believed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with guarded_output():
        print(FAKE)  # noqa: T201 - as a project might
        print_metrics([TRUE])
        print(FAKE, file=sys.stderr)  # noqa: T201
    written = capsys.readouterr()
    assert metrics_of(written.out) == [0.75]
    assert metrics_of(written.err) == []
    assert "warmfold-metric" in written.err


def test_half_a_line_of_a_project_does_not_spoil_a_metric(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with guarded_output():
        print("scoring ...", end="")  # noqa: T201
        print_metrics([TRUE])
        print(" done", end="")  # noqa: T201
    out = capsys.readouterr().out
    assert metrics_of(out) == [0.75]
    assert out.endswith("scoring ... done\n")


def test_the_log_passes_the_guard_too(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded_output():
        handler = logging.StreamHandler(sys.stderr)
        handler.emit(logging.LogRecord("project", logging.INFO, "x.py", 1, FAKE, None, None))
    assert metrics_of(capsys.readouterr().err) == []


@given(st.lists(st.integers(1, len(FAKE) + 1), max_size=5), st.booleans())
def test_a_line_written_in_pieces_is_no_metric_either(cuts: list[int], ended: bool) -> None:
    below = io.StringIO()
    stream = GuardedStream(below)
    text = FAKE + ("\n" if ended else "")
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for start, end in itertools.pairwise(places):
        stream.write(text[start:end])
    stream.finish()
    assert re.search(metric_regex(OBJECTIVE), below.getvalue(), re.MULTILINE) is None
    assert below.getvalue().endswith(";\n")


def test_the_streams_are_those_of_before_afterwards() -> None:
    before = sys.stdout, sys.stderr
    with contextlib.suppress(RuntimeError), guarded_output():
        raise RuntimeError
    assert (sys.stdout, sys.stderr) == before
