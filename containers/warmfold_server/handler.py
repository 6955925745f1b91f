"""One connection: requests in, replies out, in the strictest reading of HTTP/1.1."""

import contextlib
import io
import logging
import socket
import time
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from warmfold_server import service
from warmfold_server.errors import RequestError, bad_request
from warmfold_server.framing import RequestStream, body_length
from warmfold_server.service import Reply, error_reply

if TYPE_CHECKING:
    from warmfold_server.server import Server

# Longer than the idle time-out of the proxies in front of us: were it shorter, we could close a
# connection just as the next request is sent on it.
IDLE_SECONDS = 75.0
REQUEST_SECONDS = 30.0
WRITE_SECONDS = 30.0
LINGER_SECONDS = 2.0

_CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"

log = logging.getLogger(__name__)


class Handler(BaseHTTPRequestHandler):
    """Reads no body before it has been accepted by its headers, and none that is too large."""

    protocol_version = "HTTP/1.1"
    server: "Server"
    # Headers and body leave in one segment, at once: with both settings at their defaults a
    # reply waits 40 ms for the acknowledgement of its headers.
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self._unread = False
        self._stream = RequestStream(
            self.connection,
            idle_seconds=IDLE_SECONDS,
            request_seconds=REQUEST_SECONDS,
            on_request=self._begin,
        )
        self.rfile.close()
        self.rfile = io.BufferedReader(self._stream)

    def _begin(self) -> None:
        self.server.mark(self.connection, busy=True)

    def handle_one_request(self) -> None:
        self._stream.expect_request()
        if not self.server.mark(self.connection, busy=False):
            self.close_connection = True
            return
        super().handle_one_request()

    def handle_expect_100(self) -> bool:
        """Leave the sender waiting until the body's length and type have been accepted."""
        return True

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def _respond(self) -> None:
        self._unread = True
        try:
            reply = self._reply()
        except RequestError as error:
            log.info("%d: %s", error.status, error.message)
            reply = error_reply(error.status, error.message)
        except Exception as error:  # noqa: BLE001  logged in full but for its text
            # The exception's text is left out of the log: it may quote a data value.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("500: %s\n%s", type(error).__name__, frames)  # noqa: TRY400
            reply = error_reply(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed: see its log")
        self._send(reply)

    def _reply(self) -> Reply:
        path = self.path.partition("?")[0]
        length = body_length(self.headers, self.server.max_body_bytes)
        self._unread = bool(length)
        method = service.METHODS.get(path)
        if method is None:
            raise RequestError(HTTPStatus.NOT_FOUND, f"paths are {', '.join(service.METHODS)}")
        if method != self.command:
            return error_reply(
                HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {method}", {"Allow": method}
            )
        if path == service.INVOCATIONS:
            return self._invoke(length)
        return self._status(path, length)

    def _status(self, path: str, length: int | None) -> Reply:
        if length:
            raise bad_request(f"{path} takes no body")
        if path == service.PING:
            return self.server.service.ping()
        return self.server.service.execution_parameters()

    def _invoke(self, length: int | None) -> Reply:
        if length is None:
            self._unread = True  # it may send a body all the same
            raise RequestError(HTTPStatus.LENGTH_REQUIRED, "send Content-Length")
        return self.server.service.invoke(
            self._body(length),
            self.headers.get("Content-Type"),
            self.headers.get("Accept"),
            probe=self.headers.get(_CUSTOM_ATTRIBUTES) == service.PROBE,
        )

    def _body(self, length: int) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()
            self.wfile.flush()
        try:
            body = self.rfile.read(length)
        except TimeoutError as error:
            raise RequestError(HTTPStatus.REQUEST_TIMEOUT, "the body came too slowly") from error
        if len(body) < length:
            raise bad_request("the body is shorter than Content-Length")
        self._unread = False
        return body

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """What the base class refuses by itself (a malformed request line or header), as JSON."""
        self._unread = True
        self.request_version = self.protocol_version  # it takes a line without version for 0.9
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:  # its answer to any method but ours
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._send(error_reply(status, status.description or status.phrase))

    def _send(self, reply: Reply) -> None:
        self.connection.settimeout(WRITE_SECONDS)
        if self._unread or self.server.stopping:
            self.close_connection = True
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def finish(self) -> None:
        super().finish()
        if self._unread:
            self._linger()

    def _linger(self) -> None:
        """Read on for a moment after a refusal.

        To close a socket that has unread input resets the connection, and the reset may destroy
        the reply before its sender has read it.
        """
        deadline = time.monotonic() + LINGER_SECONDS
        with contextlib.suppress(OSError):  # timed out or reset: the sender had its chance
            self.connection.shutdown(socket.SHUT_WR)
            while (remaining := deadline - time.monotonic()) > 0:
                self.connection.settimeout(remaining)
                if not self.connection.recv(65536):
                    return

    def version_string(self) -> str:
        return "warmfold"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No line per request: SageMaker counts them, and health checks would drown the log."""

    def log_message(self, format: str, *args: object) -> None:
        """The base class's own remarks quote the request, which may hold data: dropped."""
