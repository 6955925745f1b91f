"""Waiting with a deadline, and a word about what did not come."""

import time
from collections.abc import Callable
from typing import TypeVar

from warmfold.errors import RunFailedError

Found = TypeVar("Found")


def wait_for(
    look: Callable[[], Found | None],
    *,
    what: str,
    timeout_seconds: float,
    poll_seconds: float,
    hint: str = "",
) -> Found:
    """The first answer of ``look`` that is not ``None``.

    Raises ``RunFailedError`` after ``timeout_seconds``; ``what`` names what was waited for.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise RunFailedError(what, f"nothing after {timeout_seconds:.0f} seconds", hint or None)
        time.sleep(poll_seconds)
