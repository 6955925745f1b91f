"""The listening socket, its connections, and an orderly end."""

import logging
import socket
import socketserver
import sys
import threading
import traceback
from typing import Any

from warmfold_server.handler import Handler
from warmfold_server.service import Service

# Each connection is a thread. More than SageMaker's proxy opens; few enough for any instance.
MAX_CONNECTIONS = 256

# How often `serve_forever` looks whether it has been asked to stop.
_POLL_SECONDS = 0.1

log = logging.getLogger(__name__)


class Server(socketserver.ThreadingTCPServer):
    """Not ``http.server.HTTPServer``, which looks its own host up in DNS before it binds: in an
    isolated network that takes seconds."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, service: Service, *, max_body_bytes: int) -> None:
        """Binds and listens; connections are answered from ``start`` on. Raises ``OSError``."""
        self.service = service
        self.max_body_bytes = max_body_bytes
        self.stopping = False
        self._within_request: dict[socket.socket, bool] = {}
        self._changed = threading.Condition()
        super().__init__((host, port), Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()

    def drain(self, timeout_seconds: float) -> int:
        """Accept nothing more and wait for the requests in flight.

        Returns how many of them were unanswered after ``timeout_seconds``.
        """
        self.shutdown()
        self.server_close()
        with self._changed:
            self.stopping = True
            for connection, busy in self._within_request.items():
                if not busy:
                    _stop_reading(connection)
            self._changed.wait_for(lambda: not self._within_request, timeout_seconds)
            return sum(self._within_request.values())

    def mark(self, connection: socket.socket, *, busy: bool) -> bool:
        """Note whether a connection is within a request; False if it must not begin another."""
        with self._changed:
            self._within_request[connection] = busy
            return busy or not self.stopping

    # The base class annotates these with its private unions of socket types.
    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            full = len(self._within_request) >= MAX_CONNECTIONS
            if not full:
                self._within_request[request] = False
        if full:
            log.warning("a connection was refused: %d are open", MAX_CONNECTIONS)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread to be had: `drain` must not wait for it
            self._forget(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._forget(request)

    def _forget(self, connection: socket.socket) -> None:
        with self._changed:
            del self._within_request[connection]
            self._changed.notify_all()

    def handle_error(self, *_: object) -> None:
        """A connection's thread has failed. A sender that went away is no fault of ours."""
        error = sys.exception()
        if error is None or isinstance(error, ConnectionError | TimeoutError):
            return
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("a connection failed: %s\n%s", type(error).__name__, frames)


def _stop_reading(connection: socket.socket) -> None:
    """End an idle connection: its reader sees the end of input, as if its sender had closed.

    A request that has already arrived is still read and answered.
    """
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        log.debug("an idle connection was closed by its sender just now")
