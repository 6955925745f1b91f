"""A model's server: reached the same way with and without a network of its own."""

import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.local.jobs_support import Bench
from warmfold_local.engine import sandbox
from warmfold_local.engine.images import resolve_image
from warmfold_local.engine.model_server import ModelServer
from warmfold_local.engine.sandbox import Kind

# Answers with what it can reach, or with what it was sent.
SERVER = """
import http.server, os, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/reach":
            with socket.socket() as probe:
                code = probe.connect_ex(("127.0.0.1", int(body)))
            body = b"reached" if code == 0 else b"cut off"
        elif self.path == "/children":
            try:
                os.waitpid(-1, os.WNOHANG)
                body = b"some"
            except ChildProcessError:
                body = b"none"
        self.answer(body)
    def log_message(self, *_):
        pass
address = (os.environ["WARMFOLD_BIND_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


@pytest.fixture(params=["unshare", "bubblewrap"])
def walled(request: pytest.FixtureRequest) -> Iterator[Kind]:
    if not sandbox.usable(request.param):
        pytest.skip(f"{request.param} does not work on this machine")
    with sandbox.forced(request.param):
        yield request.param


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def started(
    bench: Bench, *, isolated: bool, folder: str = "model-1", code: str = SERVER
) -> ModelServer:
    image = resolve_image(bench.cloud.settings.images_dir, bench.image(code, name=folder))
    base_dir = bench.cloud.settings.state_dir / "jobs" / folder
    server = ModelServer(
        bench.cloud,
        image,
        base_dir=base_dir,
        log_path=base_dir.parent / "log.txt",
        environment={},
        isolated=isolated,
    )
    server.wait_ready(timeout_seconds=20, give_up=lambda: False)
    return server


def asked(server: ModelServer, path: str, body: bytes) -> bytes:
    return server.request("POST", path, body=body, timeout_seconds=20).body


@pytest.mark.usefixtures("walled")
def test_an_isolated_server_answers_and_reaches_nothing(bench: Bench, listener: int) -> None:
    server = started(bench, isolated=True)
    try:
        assert asked(server, "/reach", str(listener).encode()) == b"cut off"
    finally:
        server.stop()
    assert not list((bench.cloud.settings.state_dir / "jobs").glob("*.sock"))


@pytest.mark.usefixtures("walled")
def test_a_server_that_is_not_isolated_keeps_the_network(bench: Bench, listener: int) -> None:
    server = started(bench, isolated=False)
    try:
        assert asked(server, "/reach", str(listener).encode()) == b"reached"
    finally:
        server.stop()


@pytest.mark.usefixtures("walled")
def test_an_isolated_server_is_given_large_bodies_from_many_callers(bench: Bench) -> None:
    server = started(bench, isolated=True)
    bodies = [bytes([number]) * 3_000_000 for number in range(12)]
    try:
        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(lambda body: asked(server, "/echo", body), bodies))
    finally:
        server.stop()
    assert answers == bodies


@pytest.mark.usefixtures("walled")
def test_the_relay_is_not_the_servers_child(bench: Bench) -> None:
    server = started(bench, isolated=True)
    try:
        assert asked(server, "/children", b"") == b"none"
    finally:
        server.stop()


@pytest.mark.usefixtures("walled")
def test_a_server_that_has_ended_refuses_at_once(bench: Bench) -> None:
    server = started(bench, isolated=True)
    server.child.kill()
    server.child.wait(10)
    began = time.monotonic()
    with pytest.raises((OSError, http.client.HTTPException)):
        asked(server, "/echo", b"1")
    assert time.monotonic() - began < 5
    server.stop()


@pytest.mark.usefixtures("walled")
def test_a_stop_reaches_the_server_itself(bench: Bench) -> None:
    code = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n" + SERVER
    server = started(bench, isolated=True, code=code)
    assert server.stop(10) == 7


def test_without_walls_an_isolated_server_is_reached_by_a_port(bench: Bench) -> None:
    with sandbox.forced("none"):
        server = started(bench, isolated=True)
        try:
            assert asked(server, "/echo", b"here") == b"here"
        finally:
            server.stop()
