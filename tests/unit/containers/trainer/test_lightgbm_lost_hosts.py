"""Reading from a host that is gone, as LightGBM reads: 0 bytes are asked for again."""

import socket
import time
from collections.abc import Iterator

import pytest

from warmfold_trainer.algorithms.lightgbm_lost_hosts import break_closed, lost_hosts_end_training

# Between two looks of the watcher.
POLL_SECONDS = 0.01


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


def read_all(connection: socket.socket, count: int) -> bytes:
    """LightGBM's `Linkers::Recv`: until all has come, or a read fails."""
    read = b""
    while len(read) < count:
        read += connection.recv(count - len(read))
    return read


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "connected"])
def test_a_host_that_is_gone_is_an_error_and_not_an_endless_wait(
    listener: socket.socket, accepted: bool
) -> None:
    places = [("127.0.0.1", port_of(listener)), ("127.0.0.1", 1)]
    one = socket.create_connection(places[0], timeout=None)
    other, _ = listener.accept()
    here, there = (other, one) if accepted else (one, other)
    with here, there, lost_hosts_end_training(places, int(not accepted), poll_seconds=POLL_SECONDS):
        there.sendall(b"sums")
        there.close()
        # What it had sent is read first.
        assert read_all(here, 4) == b"sums"
        with pytest.raises(OSError, match="not connected"):
            read_all(here, 1)


def test_a_connection_that_waits_stays_as_it_is(listener: socket.socket) -> None:
    places = [("127.0.0.1", port_of(listener)), ("127.0.0.1", 1)]
    with socket.create_connection(places[0], timeout=None) as there:
        here, _ = listener.accept()
        here.settimeout(20 * POLL_SECONDS)
        with here, lost_hosts_end_training(places, 0, poll_seconds=POLL_SECONDS):
            with pytest.raises(TimeoutError):
                here.recv(1)
            there.sendall(b"sums")
            assert read_all(here, 4) == b"sums"


def test_a_connection_with_somebody_else_is_left_alone(listener: socket.socket) -> None:
    with socket.create_connection(("127.0.0.1", port_of(listener)), timeout=None) as here:
        there, _ = listener.accept()
        there.close()
        places = [("127.0.0.1", 1), ("127.0.0.1", 2)]
        with lost_hosts_end_training(places, 0, poll_seconds=POLL_SECONDS):
            time.sleep(20 * POLL_SECONDS)
            assert here.recv(1) == b""


def test_a_descriptor_that_is_somebody_elses_by_now_is_left_alone(
    listener: socket.socket,
) -> None:
    port = port_of(listener)
    with socket.create_connection(("127.0.0.1", port)) as gone:
        listener.accept()[0].close()
        copy = gone.dup()
    with copy, socket.create_connection(("127.0.0.1", port)) as new:
        there, _ = listener.accept()
        with there:
            break_closed([(new.fileno(), copy)])
            there.sendall(b"sums")
            assert read_all(new, 4) == b"sums"
