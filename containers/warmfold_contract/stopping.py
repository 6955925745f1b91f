"""Signals that ask a container to stop, delivered where Python can act on them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_signals_left_to_main_thread() -> Iterator[None]:
    """Threads started in the block, and theirs in turn, never receive a stop signal.

    Python runs handlers in the main thread only. If the kernel hands the signal to another
    thread, a main thread that waits on a lock is not woken, and the handler runs when the wait
    ends by itself: a server would be killed before it noticed that it was asked to stop.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
