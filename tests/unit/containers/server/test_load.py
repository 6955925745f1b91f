"""A server under load: slow and failing project code, the health check, the orderly stop."""

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.containers.server.builders import PROJECT, ROWS, Client, features, serving
from warmfold_server import service
from warmfold_server.model import Model
from warmfold_server.server import Server

GOOD = json.dumps(ROWS[0]).encode()


class Gate:
    """Project code that waits until it is let through."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.waiting = threading.Semaphore(0)

    def features(self, columns: Mapping[str, Any]) -> Mapping[str, Any]:
        self.waiting.release()
        assert self.open.wait(20)
        return features(columns)


def gated(model: Model) -> tuple[Model, Gate]:
    gate = Gate()
    return replace(model, project=replace(PROJECT, features=gate.features)), gate


def in_background(server: Server, statuses: list[int]) -> threading.Thread:
    def invoke() -> None:
        client = Client(server.port)
        statuses.append(client.invoke(GOOD, "application/json")[0])
        client.close()

    thread = threading.Thread(target=invoke)
    thread.start()
    return thread


def test_ping_is_answered_while_every_scoring_place_is_taken(model: Model) -> None:
    blocked, gate = gated(model)
    callers = 2 * (os.cpu_count() or 1) + 2
    statuses: list[int] = []
    with serving(blocked) as server:
        threads = [in_background(server, statuses) for _ in range(callers)]
        assert gate.waiting.acquire(timeout=10)
        client = Client(server.port, timeout_seconds=2.0)  # SageMaker's own limit
        assert client.request("GET", "/ping")[0] == 200
        client.close()
        gate.open.set()
        for thread in threads:
            thread.join(20)
    assert statuses == [200] * callers


def test_a_server_whose_every_place_is_stuck_says_so_until_one_is_free(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SageMaker replaces an instance that is not healthy any more."""
    monkeypatch.setattr(service, "STUCK_SECONDS", 0.2)
    monkeypatch.setattr(service, "QUEUE_SECONDS", 0.2)
    blocked, gate = gated(model)
    places = os.cpu_count() or 1
    statuses: list[int] = []
    with serving(blocked) as server:
        client = Client(server.port)
        threads = [in_background(server, statuses) for _ in range(places)]
        for _ in threads:
            assert gate.waiting.acquire(timeout=10)
        assert client.request("GET", "/ping")[0] == 200  # busy is not stuck
        time.sleep(0.3)
        assert client.request("GET", "/ping")[0] == 503
        status, reply = client.invoke(GOOD, "application/json")
        assert (status, json.loads(reply)) == (503, {"error": "too many requests at once"})
        gate.open.set()
        for thread in threads:
            thread.join(20)
        assert client.request("GET", "/ping")[0] == 200
        assert client.invoke(GOOD, "application/json")[0] == 200
        client.close()
    assert statuses == [200] * places


def test_a_place_that_is_free_is_enough_to_be_healthy(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STUCK_SECONDS", 0.0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    blocked, gate = gated(model)
    statuses: list[int] = []
    with serving(blocked) as server:
        thread = in_background(server, statuses)
        assert gate.waiting.acquire(timeout=10)
        client = Client(server.port)
        assert client.request("GET", "/ping")[0] == 200
        client.close()
        gate.open.set()
        thread.join(20)


def test_a_request_in_flight_is_answered_before_the_server_stops(model: Model) -> None:
    blocked, gate = gated(model)
    statuses: list[int] = []
    with serving(blocked) as server:
        thread = in_background(server, statuses)
        assert gate.waiting.acquire(timeout=10)
        threading.Timer(0.3, gate.open.set).start()
    thread.join(20)
    assert statuses == [200]


def test_a_request_that_outlasts_the_stop_is_counted(model: Model) -> None:
    blocked, gate = gated(model)
    statuses: list[int] = []
    with serving(blocked) as server:
        thread = in_background(server, statuses)
        assert gate.waiting.acquire(timeout=10)
        assert server.drain(0.1) == 1
        gate.open.set()
        thread.join(20)


def test_a_failing_project_is_a_500_without_its_text(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    def leaks(columns: Mapping[str, Any]) -> Mapping[str, Any]:
        raise ValueError(f"bad purpose {columns['purpose'][0]}")

    broken = replace(model, project=replace(PROJECT, features=leaks))
    with serving(broken) as server:
        client = Client(server.port)
        status, reply = client.invoke(GOOD, "application/json")
        assert client.request("GET", "/ping")[0] == 200
        client.close()
    assert (status, json.loads(reply)) == (
        500,
        {"error": "the model's project code failed: see its log"},
    )
    assert "raised ValueError at test_load.py line" in caplog.text
    assert "bad purpose" not in caplog.text
