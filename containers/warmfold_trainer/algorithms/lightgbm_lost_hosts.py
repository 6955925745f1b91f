"""A host that goes away in the middle of LightGBM's distributed training.

LightGBM's `recv` loop takes the 0 of a connection that the other side has closed for "nothing yet"
and asks again, for ever and with a whole core. An error ends the training as it should, so each
connection found closed is replaced by a socket that is not connected: the loop's next `recv` fails.
"""

import os
import socket
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL_SECONDS = 1.0


@contextmanager
def lost_hosts_end_training(
    places: Sequence[tuple[str, int]], rank: int, *, poll_seconds: float = _POLL_SECONDS
) -> Iterator[None]:
    """While this lasts, reading from a host at ``places`` that is gone fails within seconds.

    ``rank`` is this host's place. A host that ends in good order has sent all that the others wait
    for, so that none of them reads from it again.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(poll_seconds):
            break_closed(_connections(frozenset(places), places[rank][1]))

    watcher = threading.Thread(target=watch, name="lost-hosts", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _connections(
    places: frozenset[tuple[str, int]], own_port: int
) -> Iterator[tuple[int, socket.socket]]:
    """The connections with other hosts, which LightGBM opens in its own code: one end of each is
    where a host listens. A descriptor with a copy of its socket, open until the next."""
    for path in list(Path("/dev/fd").iterdir()):
        # Any may be gone by now: the one that listed the folder is.
        with suppress(OSError):
            descriptor = int(path.name)
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as copy:
                if copy.family != socket.AF_INET or copy.type != socket.SOCK_STREAM:
                    continue
                peer = copy.getpeername()  # an error for the socket that listens
                if peer in places or copy.getsockname()[1] == own_port:
                    yield descriptor, copy


def break_closed(connections: Iterable[tuple[int, socket.socket]]) -> None:
    """Replace those that the other side has closed: descriptors, with copies of their sockets."""
    for descriptor, copy in connections:
        with suppress(OSError):
            closed = copy.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
            if closed and _is_still(descriptor, copy):
                with socket.socket() as unconnected:
                    os.dup2(unconnected.fileno(), descriptor)


def _is_still(descriptor: int, copy: socket.socket) -> bool:
    """LightGBM may have closed it, and something else have got its number, since it was copied."""
    return os.path.samestat(os.fstat(descriptor), os.fstat(copy.fileno()))
