"""A host that goes away in the middle of LightGBM's distributed training.

LightGBM's `recv` loop takes the 0 of a connection that has ended for "nothing yet" and asks again,
for ever and with a whole core; of a connection that was reset the error is told once only, to
whoever asks first. An error ends the training as it should, so each connection found to have ended
is replaced by a socket that is not connected: the loop's next `recv` fails.
"""

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL_SECONDS = 1.0

# A descriptor, and a copy of its socket: while that is open, no other has the same inode.
Link = tuple[int, socket.socket]


@contextmanager
def lost_hosts_end_training(*, poll_seconds: float = _POLL_SECONDS) -> Iterator[Callable[[], None]]:
    """Gives a function to call once the hosts have joined: from then on, while the block lasts,
    reading from one that is gone fails within seconds.

    The connections are those that were opened since the block began, by LightGBM in its own code. A
    host that ends in good order has sent all that the others wait for, so that none of them reads
    from it again.
    """
    before = {os.fstat(descriptor).st_ino for descriptor, _ in _closing(_sockets())}
    links: list[Link] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(poll_seconds):
            break_ended(links)

    watcher = threading.Thread(target=watch, name="lost-hosts", daemon=True)

    def joined() -> None:
        for descriptor, copy in _sockets():
            if os.fstat(copy.fileno()).st_ino in before:
                copy.close()
            else:
                links.append((descriptor, copy))
        watcher.start()

    try:
        yield joined
    finally:
        ended.set()
        if watcher.is_alive():
            watcher.join()
        for _ in _closing(iter(links)):
            pass


def break_ended(links: list[Link]) -> None:
    """Replace those that have ended, and forget them."""
    for link in list(links):
        descriptor, copy = link
        if _has_ended(copy):
            links.remove(link)
            with copy, suppress(OSError):
                # LightGBM may have closed it, and something else have got its number.
                if os.path.samestat(os.fstat(descriptor), os.fstat(copy.fileno())):
                    with socket.socket() as unconnected:
                        os.dup2(unconnected.fileno(), descriptor)


def _has_ended(connection: socket.socket) -> bool:
    """Takes nothing from it but an error."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _sockets() -> Iterator[Link]:
    """This process's TCP sockets that do not listen, each with a copy for the caller to close."""
    for path in list(Path("/dev/fd").iterdir()):
        # Any may be gone by now: the one that listed the folder is.
        with suppress(OSError):
            descriptor = int(path.name)
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            copy = socket.socket(fileno=os.dup(descriptor))
            is_tcp = copy.family == socket.AF_INET and copy.type == socket.SOCK_STREAM
            if is_tcp and not copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                yield descriptor, copy
            else:
                copy.close()


def _closing(links: Iterator[Link]) -> Iterator[Link]:
    for descriptor, copy in links:
        with copy:
            yield descriptor, copy
