"""A trial's waiting on the real clock, and what SIGTERM does to it."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar

from warmfold_contract.errors import write_failure
from warmfold_trainer.fan_out.calls import Waiting

Result = TypeVar("Result")

# How soon a stop is noticed while nothing is called. Python resumes a sleep after a signal.
_SLICE_SECONDS = 0.25


class TrialStopped(Exception):
    """SageMaker stops the trial."""


@contextmanager
def stop_noted(failure: Path) -> Iterator[Callable[[], bool]]:
    """In the block SIGTERM is only noted, with a reason in the failure file; after it, it acts.

    The value says whether it has come. A handler may run between any two lines, so it calls
    nothing; whoever waits stops the trial's jobs.
    """
    noted = False

    def note(_signal: int, _frame: FrameType | None) -> None:
        nonlocal noted
        noted = True
        write_failure(failure, "stopped by SIGTERM before all folds were done")

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: noted
    finally:
        signal.signal(signal.SIGTERM, before)
        if noted:
            signal.raise_signal(signal.SIGTERM)


def drive(
    process: Waiting[Result], *, stop_asked: Callable[[], bool], stopping: Callable[[], bool]
) -> Result:
    """What ``process`` returns. When a stop is asked for, ``TrialStopped`` is thrown in, once,
    unless the process is ``stopping`` already; it may go on to wait while it cleans up."""
    thrown = False
    try:
        seconds = next(process)
        while True:
            if stop_asked() and not (thrown or stopping()):
                thrown = True
                seconds = process.throw(TrialStopped("stopped by SIGTERM"))
            elif seconds > 0:
                slice_seconds = min(seconds, _SLICE_SECONDS)
                time.sleep(slice_seconds)
                seconds -= slice_seconds
            else:
                seconds = next(process)
    except StopIteration as end:
        result: Result = end.value
        return result
