"""Reading from a host that is gone, as LightGBM reads: 0 bytes are asked for again."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from warmfold_trainer.algorithms.lightgbm_lost_hosts import break_ended, lost_hosts_end_training

# Between two looks of the watcher.
POLL_SECONDS = 0.01

Host = tuple[socket.socket, Callable[[], object]]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield listener


@contextmanager
def other_host(listener: socket.socket, sends: bytes = b"") -> Iterator[Host]:
    """A watched connection with a process of its own, and what ends that."""
    port = int(listener.getsockname()[1])
    code = (
        "import socket, sys; peer = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); "
        "peer.sendall(sys.argv[2].encode()); sys.stdin.read()"
    )
    with lost_hosts_end_training(poll_seconds=POLL_SECONDS) as joined:
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(port), sends.decode()], stdin=subprocess.PIPE
        )
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(None)
                joined()
                yield connection, child.communicate
        finally:
            child.kill()
            child.communicate()


def read_all(connection: socket.socket, count: int) -> bytes:
    """LightGBM's `Linkers::Recv`: until all has come, or a read fails."""
    read = b""
    while len(read) < count:
        read += connection.recv(count - len(read))
    return read


def test_a_host_that_has_ended_is_an_error_and_not_an_endless_wait(
    listener: socket.socket,
) -> None:
    with other_host(listener, b"sums") as (connection, end):
        end()
        # What it had sent is read first.
        assert read_all(connection, 4) == b"sums"
        with pytest.raises(OSError, match="not connected"):
            read_all(connection, 1)


@pytest.mark.parametrize("unread", [True, False])
def test_a_connection_that_was_reset_is_an_error_for_whoever_reads_second(
    listener: socket.socket, unread: bool
) -> None:
    """Its error is told once only, and after an orderly end not at all."""
    with other_host(listener) as (connection, end):
        if unread:
            connection.sendall(b"what the other host never reads")
        end()
        if not unread:
            connection.sendall(b"to nobody")
        time.sleep(10 * POLL_SECONDS)
        with pytest.raises(OSError, match=r"not connected|reset|Broken pipe"):
            read_all(connection, 1)
        with pytest.raises(OSError, match="not connected"):
            read_all(connection, 1)


def test_a_connection_that_waits_stays_as_it_is(listener: socket.socket) -> None:
    with other_host(listener, b"sums") as (connection, _):
        time.sleep(20 * POLL_SECONDS)
        assert read_all(connection, 4) == b"sums"
        connection.settimeout(20 * POLL_SECONDS)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_connection_from_before_is_left_alone(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()) as here:
        listener.accept()[0].close()
        with lost_hosts_end_training(poll_seconds=POLL_SECONDS) as joined:
            joined()
            time.sleep(20 * POLL_SECONDS)
            assert here.recv(1) == b""


def test_a_descriptor_that_is_somebody_elses_by_now_is_left_alone(
    listener: socket.socket,
) -> None:
    with socket.create_connection(listener.getsockname()) as gone:
        listener.accept()[0].close()
        copy = gone.dup()
    with copy, socket.create_connection(listener.getsockname()) as new:
        there, _ = listener.accept()
        with there:
            break_ended([(new.fileno(), copy)])
            there.sendall(b"sums")
            assert read_all(new, 4) == b"sums"
