"""Random and mutated requests: never a 500, never a hang, never a byte outside the state folder.

In this process, against the control plane itself; `test_fuzz_front.py` does it through the port.
"""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.localcloud.fuzz_bench import OPERATIONS, Complaints, FuzzBench
from tests.localcloud.fuzz_requests import body_of, mutate, request_for
from tests.localcloud.fuzz_templates import TEMPLATES

SETTINGS = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
CALLS = 20


def check(bench: FuzzBench, operation: str, body: bytes) -> int:
    """One request: whatever it is, the answer is the service's own, of a kind that it has."""
    status, answer = bench.handle(operation, body)
    shown = f"{operation} {body[:2000]!r} -> {status} {str(answer)[:300]}"
    assert status < 500 or answer.get("__type") == "UnsupportedOperation", shown
    return status


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def run(folder: Path, requests: list[tuple[str, bytes]]) -> list[int]:
    with Complaints() as complaints:
        bench = FuzzBench(folder / str(len(list(folder.iterdir()))))
        try:
            statuses = [check(bench, operation, body) for operation, body in requests]
        finally:
            bench.end()
        assert bench.strays() == []
    assert complaints.texts == []
    return statuses


@SETTINGS
@given(random=st.randoms(use_true_random=True))
def test_any_sequence_of_requests_is_answered(folder: Path, random: Random) -> None:
    operations = [random.choice(OPERATIONS) for _ in range(CALLS)]
    run(folder, [(o, body_of(request_for(o, random), random)) for o in operations])


@SETTINGS
@given(random=st.randoms(use_true_random=True))
def test_any_mutated_request_is_answered(folder: Path, random: Random) -> None:
    def spoiled(operation: str) -> bytes:
        request: Any = request_for(operation, random)
        for _ in range(random.randint(1, 3)):
            request = mutate(request, random)
        return body_of(request, random)

    operations = [random.choice(OPERATIONS) for _ in range(CALLS)]
    run(folder, [(o, spoiled(o)) for o in operations])


@pytest.mark.parametrize("operation", sorted(set(TEMPLATES) - {"UpdateEndpoint"}))
def test_the_fuzz_begins_with_requests_that_are_accepted(folder: Path, operation: str) -> None:
    """Otherwise the tests above would only show that shapes are checked."""
    assert run(folder, [(operation, json.dumps(TEMPLATES[operation]).encode())]) == [200]
