"""Ways to a container's server: a port of this machine, or a socket where it has no network."""

import http.client
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from warmfold_local.engine.relay import relayed

# Where SageMaker expects a server (developer guide, "Custom inference code with hosting
# services"). On the machine's own network any number of them live side by side.
CONTAINER_PORT = 8080
_BACKLOG = 128


class Wire(Protocol):
    """``port`` is the one that the server shall listen on, at 127.0.0.1."""

    @property
    def port(self) -> int: ...

    @property
    def cut_off(self) -> bool:
        """Whether the container has no network but its own loopback device."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the container inherits."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """What starts ``argv`` so that it can be reached; ``argv`` begins with a path."""

    def connection(self, timeout_seconds: float) -> http.client.HTTPConnection: ...

    def started(self) -> None:
        """The container has what it needs of this."""

    def close(self) -> None: ...


class PortWire:
    """The machine's own network."""

    cut_off = False

    def __init__(self) -> None:
        self.port = free_port()
        self.descriptors: tuple[int, ...] = ()

    def command(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_seconds)

    def started(self) -> None:
        """Nothing was handed over."""

    def close(self) -> None:
        """Nothing is held."""


class RelayWire:
    """A container without a network: it is handed a listening socket at ``path``."""

    cut_off = True

    def __init__(self, path: Path) -> None:
        self.port = CONTAINER_PORT
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        with _short(path) as name:
            self._listening.bind(name)
        self._listening.listen(_BACKLOG)
        self.descriptors = (self._listening.fileno(),)

    def command(self, argv: Sequence[str]) -> list[str]:
        return relayed(argv, listening=self._listening.fileno(), port=self.port)

    def connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        return _UnixConnection(self._path, timeout_seconds)

    def started(self) -> None:
        """Only the relay listens from now on: where it has ended, nothing waits for it."""
        self._listening.close()

    def close(self) -> None:
        self._listening.close()
        self._path.unlink(missing_ok=True)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("127.0.0.1", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        with _short(self._path) as name:
            self.sock.connect(name)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """``path`` by another name: a Unix socket's may have 107 bytes (unix(7))."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
