"""Noticing that another process, the server's owner, is gone."""

import os
import select
import threading
import time
from collections.abc import Callable

_POLL_SECONDS = 0.5


def when_gone(pid: int, then: Callable[[], object]) -> threading.Thread:
    """Call ``then`` on a thread of its own as soon as process ``pid`` has ended."""

    def watch() -> None:
        wait_until_gone(pid)
        then()

    thread = threading.Thread(target=watch, name=f"owner-{pid}", daemon=True)
    thread.start()
    return thread


def wait_until_gone(pid: int) -> None:
    if hasattr(os, "pidfd_open"):  # Linux: also right for a process nobody has waited for
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            select.select([descriptor], [], [])
        finally:
            os.close(descriptor)
        return
    while exists(pid):
        time.sleep(_POLL_SECONDS)


def exists(pid: int) -> bool:
    """Whether there is a process with this id, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
