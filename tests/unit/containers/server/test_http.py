"""The HTTP contract: paths, framing, time-outs."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.unit.containers.server.builders import ROWS, Client, serving
from warmfold_server import handler
from warmfold_server import server as server_module
from warmfold_server.model import Model
from warmfold_server.server import Server

GOOD = json.dumps(ROWS[0]).encode()
HEAD = b"POST /invocations HTTP/1.1\r\nHost: model\r\nContent-Type: application/json\r\n"


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
        yield connection


def exchange(server: Server, request: bytes) -> bytes:
    """Everything that is answered until the server closes the connection."""
    with connected(server) as connection:
        connection.sendall(request)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    reply = b""
    while piece := connection.recv(65536):
        reply += piece
    return reply


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def test_ping_is_200_with_an_empty_body(client: Client) -> None:
    status, body, _ = client.request("GET", "/ping")
    assert (status, body) == (200, b"")


def test_execution_parameters_keep_to_batch_transforms_limits(client: Client) -> None:
    status, body, _ = client.request("GET", "/execution-parameters")
    values = json.loads(body)
    assert status == 200
    assert values["BatchStrategy"] == "MULTI_RECORD"
    assert values["MaxConcurrentTransforms"] >= 1
    assert values["MaxConcurrentTransforms"] * values["MaxPayloadInMB"] <= 100


def test_a_connection_is_kept_for_the_next_request(client: Client) -> None:
    first = client.invoke(GOOD, "application/json")
    connection = client.connection.sock
    assert client.invoke(GOOD, "application/json") == first
    assert client.connection.sock is connection


def test_a_refused_body_does_not_end_the_connection(client: Client) -> None:
    assert client.invoke(b"{", "application/json")[0] == 400
    connection = client.connection.sock
    assert client.invoke(GOOD, "application/json")[0] == 200
    assert client.connection.sock is connection


@pytest.mark.parametrize(
    "method,path,status",
    [
        ("GET", "/", 404),
        ("GET", "/models", 404),
        ("POST", "/invocations/", 404),
        ("GET", "/ping?x=1", 200),
        ("POST", "/ping", 405),
        ("GET", "/invocations", 405),
        ("PUT", "/invocations", 405),
        ("HEAD", "/ping", 405),
        ("BREW", "/ping", 405),
    ],
)
def test_paths_and_methods(client: Client, method: str, path: str, status: int) -> None:
    assert client.request(method, path)[0] == status


def test_the_answer_to_a_wrong_method_names_the_right_one(client: Client) -> None:
    status, _, headers = client.request("GET", "/invocations")
    assert (status, headers["Allow"]) == (405, "POST")


def test_a_content_type_or_accept_that_is_unknown_is_refused(client: Client) -> None:
    assert client.invoke(GOOD, "application/x-python-pickle")[0] == 415
    assert client.invoke(GOOD, "application/json", Accept="image/png")[0] == 406


@pytest.mark.parametrize(
    "headers,status",
    [
        (b"", 411),
        (b"Transfer-Encoding: chunked\r\n", 411),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 411),
        (b"Content-Length: five\r\n", 400),
        (b"Content-Length: -5\r\n", 400),
        (b"Content-Length: +5\r\n", 400),
        (b"Content-Length: 5, 5\r\n", 400),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        (b"Content-Length: 1048577\r\n", 413),
        (b"Content-Length: 99999999999999999999999\r\n", 413),
    ],
)
def test_a_length_that_is_not_plain_is_refused(server: Server, headers: bytes, status: int) -> None:
    reply = exchange(server, HEAD + headers + b"\r\n")
    assert status_of(reply) == status
    assert b"Connection: close" in reply


def test_a_body_that_is_too_large_is_refused_unread_and_the_refusal_arrives(
    client: Client,
) -> None:
    status, reply = client.invoke(b" " * (3 * 1024 * 1024), "application/json")
    assert (status, json.loads(reply)["error"]) == (413, "the body is larger than 1048576 bytes")


def test_a_body_of_the_largest_size_is_read(client: Client) -> None:
    assert client.invoke(GOOD + b" " * (1024 * 1024 - len(GOOD)), "application/json")[0] == 200


def test_a_sender_that_asks_first_is_told_to_continue(server: Server) -> None:
    with connected(server) as connection:
        length = f"Content-Length: {len(GOOD)}\r\n".encode()
        connection.sendall(
            HEAD + b"Expect: 100-continue\r\nConnection: close\r\n" + length + b"\r\n"
        )
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(GOOD)
        assert status_of(read_all(connection)) == 200


def test_a_sender_that_asks_first_for_too_much_is_not_told_to_continue(server: Server) -> None:
    reply = exchange(server, HEAD + b"Expect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
    assert status_of(reply) == 413


@pytest.mark.parametrize(
    "request_bytes,status",
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /ping HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /ping HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET /ping HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", 400),
    ],
)
def test_a_malformed_request_is_refused_as_json(
    server: Server, request_bytes: bytes, status: int
) -> None:
    head, _, body = exchange(server, request_bytes).partition(b"\r\n\r\n")
    assert status_of(head) == status
    assert set(json.loads(body)) == {"error"}


def test_an_old_client_without_keep_alive_is_answered(server: Server) -> None:
    assert status_of(exchange(server, b"GET /ping HTTP/1.0\r\n\r\n")) == 200


def test_two_requests_in_one_packet_are_both_answered(server: Server) -> None:
    ping = b"GET /ping HTTP/1.1\r\nHost: model\r\n"
    reply = exchange(server, ping + b"\r\n" + ping + b"Connection: close\r\n\r\n")
    assert reply.count(b"HTTP/1.1 200 OK") == 2


def test_a_sender_that_stops_in_the_middle_is_told_so(server: Server) -> None:
    with connected(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 50\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        assert status_of(read_all(connection)) == 400


def test_a_body_that_comes_too_slowly_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "REQUEST_SECONDS", 0.2)
    with connected(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 50\r\n\r\n{")
        assert status_of(read_all(connection)) == 408


def test_an_idle_connection_is_closed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "IDLE_SECONDS", 0.2)
    assert exchange(server, b"") == b""


def test_more_connections_than_threads_are_refused(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 1)
    with serving(model) as server, connected(server) as first:
        first.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
        assert status_of(first.recv(1000)) == 200
        with connected(server) as second:
            assert second.recv(1000) == b""
