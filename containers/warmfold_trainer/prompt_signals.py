"""Handlers of signals while a library has the main thread."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def handled_at_once() -> Iterator[None]:
    """Python's handlers run in the main thread only, between two of its own steps: a library that
    waits there for minutes holds them up. In the block they are run by another thread as well,
    at once, with no frame. They must bear to be run by both: the trainer's end the process.
    """
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    previous = signal.set_wakeup_fd(writes)

    def handle() -> None:
        while number := os.read(reads, 1):
            handler = signal.getsignal(number[0])
            if callable(handler):
                handler(number[0], None)

    waiting = threading.Thread(target=handle, name="signals", daemon=True)
    waiting.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous)
        os.close(writes)
        waiting.join()
        os.close(reads)
