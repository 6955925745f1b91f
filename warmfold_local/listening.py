"""The server's listening socket, bound to 127.0.0.1 and nothing else."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from warmfold_local.state_folder import LocalCloudError


@contextmanager
def listening_socket(port: int | None, wish: int | None) -> Iterator[socket.socket]:
    """Bound before the server starts, so that a taken port is found here, and without a race.

    ``wish`` is tried where no port is demanded.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            _bind(listener, port, wish)
            listener.listen(128)
        except OSError as error:
            raise LocalCloudError(_port_message(port, error)) from error
        yield listener


def _bind(listener: socket.socket, port: int | None, wish: int | None) -> None:
    if port is None and wish is not None:
        try:
            listener.bind(("127.0.0.1", wish))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return
    listener.bind(("127.0.0.1", 0 if port is None else port))


def _port_message(port: int | None, error: OSError) -> str:
    if port is None:
        return f"no free port on 127.0.0.1: {error.strerror}"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of 127.0.0.1 is taken: name another one, or none for any free port"
    return f"port {port} of 127.0.0.1 cannot be used: {error.strerror}"
