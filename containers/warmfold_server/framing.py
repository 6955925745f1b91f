"""Where a request's body ends, and how long its sender may take to send it.

Decided strictly and before the body is read: two readers that disagree on a length can be made
to see different requests (RFC 9112, 6.3).
"""

import io
import socket
import time
from collections.abc import Callable
from email.message import Message
from http import HTTPStatus

from warmfold_server.errors import RequestError, bad_request


def body_length(headers: Message, limit_bytes: int) -> int | None:
    """``Content-Length``, or ``None`` where it is absent.

    Raises ``RequestError``: 411 for a transfer coding, 400 for a length that is no number or is
    given twice, 413 over ``limit_bytes``.
    """
    if headers.get("Transfer-Encoding") is not None:
        raise RequestError(
            HTTPStatus.LENGTH_REQUIRED, "Transfer-Encoding is not supported: send Content-Length"
        )
    given = headers.get_all("Content-Length", [])
    if not given:
        return None
    text = str(given[0]).strip()
    if len(given) > 1 or not (text.isascii() and text.isdigit()):
        raise bad_request("Content-Length must be one whole number")
    if len(text) > 18 or int(text) > limit_bytes:
        raise RequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {limit_bytes} bytes"
        )
    return int(text)


class RequestStream(io.RawIOBase):
    """A connection's bytes under one deadline per request, not one per packet.

    A sender that drips a byte every few seconds would hold its thread for ever under an ordinary
    socket time-out. Between requests the deadline is ``idle_seconds``; the first byte of a
    request starts ``request_seconds`` and calls ``on_request``.
    """

    def __init__(
        self,
        connection: socket.socket,
        *,
        idle_seconds: float,
        request_seconds: float,
        on_request: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._idle_seconds = idle_seconds
        self._request_seconds = request_seconds
        self._on_request = on_request
        self.expect_request()

    def expect_request(self) -> None:
        self._waiting = True
        self._deadline = time.monotonic() + self._idle_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Raises ``TimeoutError`` at the deadline."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(remaining)
        count = self._connection.recv_into(buffer)
        if self._waiting and count:
            self._waiting = False
            self._deadline = time.monotonic() + self._request_seconds
            self._on_request()
        return count
