"""Metric lines on a job's stdout, and nothing else that looks like one.

SageMaker reads stdout and stderr as one log, line by line. What project code prints goes through
``guarded_output`` instead: whole lines only, so that half a line is never joined to a metric line,
and without the tag, so that no line of a project can be taken for a score.
"""

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from warmfold_contract.metrics import without_tag


class GuardedStream(io.TextIOBase):
    """Passes on complete lines, each without a metric line's tag."""

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream
        self._unfinished = ""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.unguarded.fileno()

    def write(self, text: str) -> int:
        lines, separator, self._unfinished = (self._unfinished + text).rpartition("\n")
        if separator:
            self.unguarded.write(without_tag(lines) + separator)
            self.unguarded.flush()
        return len(text)

    def finish(self) -> None:
        """Write what is left of a line that was never ended."""
        if self._unfinished:
            self.write("\n")


@contextmanager
def guarded_output() -> Iterator[None]:
    """In the block everything but ``print_metrics`` writes to guarded streams."""
    before = sys.stdout, sys.stderr
    guarded = GuardedStream(sys.stdout), GuardedStream(sys.stderr)
    sys.stdout, sys.stderr = guarded
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in guarded:
            stream.finish()


def print_metrics(lines: Iterable[str]) -> None:
    """Write metric lines at once, to the job's own stdout."""
    stream = sys.stdout
    if isinstance(stream, GuardedStream):
        stream = stream.unguarded
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()
