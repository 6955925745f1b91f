"""How a server without a network is reached: a socket of the local cloud's, relayed from within.

The local cloud listens on a Unix socket and hands it to the container it starts. There this
program leaves a process behind that passes each connection on to the server's own loopback port,
and becomes the server itself: whoever started it still deals with one process.

This file is the program, too. It imports the standard library only, to start in milliseconds.
"""

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Sequence

_CHUNK_BYTES = 64 * 1024


def relayed(argv: Sequence[str], *, listening: int, port: int) -> list[str]:
    """The vector that runs ``argv`` with a relay from the socket ``listening`` to its ``port``."""
    return [*relaying(listening=listening, port=port), *argv]


def relaying(*, listening: int, port: int) -> list[str]:
    """The vector of a relay alone."""
    return [sys.executable, "-I", "-S", __file__, str(listening), str(port)]


def serve(listening: socket.socket, port: int) -> None:
    """Relay every connection, for ever."""
    while True:
        near, _ = listening.accept()
        threading.Thread(target=_relay, args=(near, port), daemon=True).start()


def _relay(near: socket.socket, port: int) -> None:
    with near, socket.socket() as far:
        try:
            far.connect(("127.0.0.1", port))
        except OSError:  # nobody listens yet: the caller sees its connection closed
            return
        back = threading.Thread(target=_copy, args=(far, near), daemon=True)
        back.start()
        _copy(near, far)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until the source ends; a connection that breaks on either side ends like one that closes."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _leave_behind(listening: socket.socket, port: int) -> None:
    """A relay that is nobody's child: the server must not find one that it did not start."""
    if os.fork() == 0:
        if os.fork() == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nothing, stream)
            serve(listening, port)
        os._exit(0)
    os.wait()


def main(arguments: Sequence[str]) -> None:
    """``LISTENING PORT [PROGRAM …]``; ``PROGRAM`` is a path."""
    listening = socket.socket(fileno=int(arguments[0]))
    if not arguments[2:]:
        serve(listening, int(arguments[1]))
    _leave_behind(listening, int(arguments[1]))
    listening.close()
    os.execv(arguments[2], list(arguments[2:]))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
