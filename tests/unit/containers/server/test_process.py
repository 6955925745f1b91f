"""The server as SageMaker starts it: a process with a model folder, a port and signals."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import lightgbm
import pytest

from tests.unit.containers.server.builders import (
    ROWS,
    Client,
    expected_scores,
    write_artifact,
    write_project,
)

CONTAINERS = Path(__file__).parents[4] / "containers"
BODY = json.dumps({"instances": ROWS}).encode()
HEAD = b"POST /invocations HTTP/1.1\r\nHost: model\r\nContent-Type: application/json\r\n"


@pytest.fixture
def environment(tmp_path: Path, booster: lightgbm.Booster) -> dict[str, str]:
    """Of the serving container, with the base folder moved from /opt/ml."""
    installed = write_project(tmp_path / "installed")
    write_artifact(tmp_path / "ml" / "model", booster)
    return {
        **installed,
        "PYTHONPATH": f"{CONTAINERS}:{installed['PYTHONPATH']}",
        "SAGEMAKER_BASE_DIR": str(tmp_path / "ml"),
        "SAGEMAKER_BIND_TO_PORT": "0",
        "WARMFOLD_BIND_HOST": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "warmfold_server", *arguments]


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end by itself."""
    return subprocess.run(
        command(*arguments), env=environment, capture_output=True, text=True, timeout=60
    )


@contextmanager
def started(environment: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A serving process and its port; it is killed if the test did not stop it."""
    with subprocess.Popen(
        command("serve"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:([0-9]+)$", line.strip())
            assert found is not None, line
            yield process, int(found.group(1))
        finally:
            process.kill()


def stopped(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=20)


def test_a_served_model_answers_and_ends_with_0_on_sigterm(
    environment: dict[str, str], booster: lightgbm.Booster
) -> None:
    with started(environment) as (process, port):
        client = Client(port)
        assert client.request("GET", "/ping")[:2] == (200, b"")
        status, reply = client.invoke(BODY, "application/json")
        assert [item["score"] for item in json.loads(reply)["predictions"]] == expected_scores(
            booster
        )
        begin = time.monotonic()
        # The client's connection is still open: an idle one does not hold up the stop.
        assert stopped(process) == 0
        assert time.monotonic() - begin < 5
        client.close()
    assert status == 200


def test_a_request_that_is_half_sent_at_sigterm_is_answered(environment: dict[str, str]) -> None:
    with started(environment) as (process, port), closing(connect(port)) as connection:
        connection.sendall(HEAD + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY[:9])
        client = Client(port)
        client.request("GET", "/ping")  # by now the first request has been taken up
        client.close()
        process.send_signal(signal.SIGTERM)
        wait_until_refused(port)
        connection.sendall(BODY[9:])
        reply = connection.recv(65536)
        assert reply.startswith(b"HTTP/1.1 200 ")
        assert b"Connection: close" in reply
        assert process.wait(timeout=20) == 0


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def wait_until_refused(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            connect(port).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            continue  # queued at the very moment that the listening socket was closed
        time.sleep(0.02)
    pytest.fail("the server still accepts connections after SIGTERM")


def test_a_refused_model_ends_the_process_with_1_before_it_binds(
    environment: dict[str, str],
) -> None:
    (Path(environment["SAGEMAKER_BASE_DIR"]) / "model" / "model.pkl").write_bytes(b"\x80\x04.")
    result = run(environment, "serve")
    assert result.returncode == 1
    assert "not serving: the model artifact holds 'model.pkl'" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_a_model_of_another_wheel_is_refused(environment: dict[str, str]) -> None:
    project_file = Path(environment["WARMFOLD_PROJECT_FILE"])
    project_file.write_text(json.dumps({"name": "p", "version": "1", "wheel_sha256": "00" * 32}))
    result = run(environment, "serve")
    assert result.returncode == 1
    assert "deploy the server image that was built with the trainer image" in result.stdout


def test_a_port_that_is_taken_is_named(environment: dict[str, str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        result = run({**environment, "SAGEMAKER_BIND_TO_PORT": str(port)}, "serve")
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.stdout


@pytest.mark.parametrize("arguments", [(), ("train",), ("serve", "now")])
def test_wrong_arguments_end_with_2(
    environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    result = run(environment, *arguments)
    assert (result.returncode, "usage: " in result.stdout) == (2, True)
