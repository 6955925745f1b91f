"""Faults on demand: what a fault is, which call it hits, and that the same seed hits the same."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.pipelines.aids import make_cloud
from warmfold_local.auth import HttpRequest
from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.faults.hooks import Killer, disturbed, invocation_terms, killer, throttle
from warmfold_local.faults.http import PATH, administer
from warmfold_local.faults.kinds import (
    KINDS,
    AnswerLost,
    Budget,
    EndpointDisturbed,
    Fault,
    Killed,
    NodeLost,
    Throttled,
)
from warmfold_local.faults.parse import describe, parse, render
from warmfold_local.faults.registry import Faults

SMALLEST: dict[str, dict[str, Any]] = {
    "throttle": {},
    "answer_lost": {},
    "job_fails": {},
    "job_killed": {"at_line": 3},
    "node_lost": {"after_seconds": 0.5},
    "spot_interrupted": {"at_line": 1, "wait_seconds": 0.5},
    "s3": {"error": "SlowDown"},
    "event": {"how": "late"},
    "endpoint": {"status": 500},
    "disk_full": {"path": "model/m"},
    "alarm": {"after_seconds": 2},
    "pool_terminated": {},
}


def throttled(**budget: Any) -> Throttled:
    return Throttled(match="List*", budget=Budget(**budget))


def hits(faults: Faults, calls: int, name: str = "ListTrainingJobs") -> list[int]:
    """Which of so many calls are hit, counted from 0."""
    return [call for call in range(calls) if faults.take(Throttled, name) is not None]


def test_a_fault_fires_as_often_as_its_budget_says_and_then_no_more() -> None:
    faults = Faults()
    faults.add(throttled(times=2, skip=1))
    assert hits(faults, 6) == [1, 2]


def test_a_container_has_sagemakers_sixty_seconds_unless_a_fault_says_otherwise() -> None:
    faults = Faults()
    faults.add(EndpointDisturbed(match="e", limit_seconds=0.5))
    found = [invocation_terms(faults, "e").limit_seconds for _ in range(2)]
    assert found == [0.5, 60.0]
    faults.add(EndpointDisturbed(match="e", status=500))
    assert invocation_terms(faults, "e").limit_seconds == 60.0


def test_a_fault_without_end_never_stops() -> None:
    faults = Faults()
    faults.add(throttled(times=None))
    assert hits(faults, 50) == list(range(50))


def test_what_does_not_match_costs_no_budget() -> None:
    faults = Faults()
    faults.add(throttled())
    assert hits(faults, 3, "DescribeTrainingJob") == []
    assert faults.take(AnswerLost, "ListTrainingJobs") is None
    assert hits(faults, 3) == [0]


@given(seed=st.integers(0, 2**32), probability=st.floats(0, 1), times=st.none() | st.integers(1, 9))
def test_the_same_seed_hits_the_same_calls(
    seed: int, probability: float, times: int | None
) -> None:
    runs = []
    for _ in range(2):
        faults = Faults()
        faults.add(throttled(seed=seed, probability=probability, times=times))
        runs.append(hits(faults, 40))
    assert runs[0] == runs[1]
    assert times is None or len(runs[0]) <= times


def test_another_seed_hits_other_calls_about_as_often_as_its_probability() -> None:
    found = []
    for seed in (1, 2):
        faults = Faults()
        faults.add(throttled(seed=seed, probability=0.25, times=None))
        found.append(hits(faults, 1000))
    assert found[0] != found[1]
    assert all(200 < len(each) < 300 for each in found)


def test_threads_share_one_budget() -> None:
    faults = Faults()
    faults.add(throttled(times=50))
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(hits(faults, 100)))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 50


def test_what_fired_when_is_listed_until_it_is_cleared() -> None:
    faults = Faults()
    first, second = faults.add(throttled()), faults.add(throttled(times=None))
    hits(faults, 3)
    listed = faults.listed()
    assert [(each["id"], each["fired"]) for each in listed["faults"]] == [(first, 1), (second, 2)]
    assert [each["id"] for each in listed["firings"]] == [first, second, second]
    assert {each["name"] for each in listed["firings"]} == {"ListTrainingJobs"}
    assert faults.clear(second) == 1
    assert hits(faults, 1) == []
    with pytest.raises(ValidationError, match="no fault fault-2 is set"):
        faults.clear(second)
    assert faults.clear() == 1
    assert faults.listed() == {"faults": [], "firings": []}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_and_written(kind: str) -> None:
    values = {"kind": kind, "match": "a*", **SMALLEST[kind]}
    fault = parse(values)
    assert values.items() <= render(fault).items()
    assert parse(render(fault)) == fault
    assert describe(render(fault)).startswith(f"{kind} a*")


@pytest.mark.parametrize(
    "values, said",
    [
        ([], "JSON object"),
        ({"kind": "rain", "match": "*"}, "no kind of fault 'rain'"),
        ({"kind": "throttle"}, "needs match"),
        ({"kind": "throttle", "match": ""}, "match of a fault must be a text"),
        ({"kind": "throttle", "match": "*", "budget": 1}, "no member budget"),
        ({"kind": "throttle", "match": "*", "times": 0}, "times of a fault must be a whole"),
        ({"kind": "throttle", "match": "*", "times": True}, "times of a fault must be a whole"),
        ({"kind": "throttle", "match": "*", "probability": 1.5}, "from 0 to 1"),
        ({"kind": "throttle", "match": "*", "probability": float("nan")}, "from 0 to 1"),
        ({"kind": "answer_lost", "match": "*", "how": "late"}, "one of close, error"),
        ({"kind": "job_fails", "match": "*", "reason": "Rain"}, "one of CapacityError"),
        ({"kind": "job_killed", "match": "*"}, "after_seconds or at_line"),
        ({"kind": "node_lost", "match": "*", "at_line": 1, "after_seconds": 1}, "not both"),
        ({"kind": "spot_interrupted", "match": "*"}, "after_seconds or at_line"),
        (
            {"kind": "spot_interrupted", "match": "*", "at_line": 1, "wait_seconds": None},
            "wait_seconds of a fault must be a number from 0 to 900",
        ),
        ({"kind": "s3", "match": "*"}, "it does nothing"),
        ({"kind": "s3", "match": "*", "error": []}, "one of InternalError"),
        ({"kind": "s3", "match": "*", "delay_seconds": 1e9}, "from 0 to 900"),
        ({"kind": "endpoint", "match": "*"}, "it does nothing"),
        ({"kind": "endpoint", "match": "*", "status": 200}, "status from 400 to 599"),
        ({"kind": "endpoint", "match": "*", "limit_seconds": -1}, "from 0 to 900"),
        ({"kind": "alarm", "match": "a", "times": 3}, "takes no budget"),
        ({"kind": "disk_full", "match": "a", "path": "../x"}, "must lie below /opt/ml"),
        ({"kind": "disk_full", "match": "a", "path": "/etc/x"}, "must lie below /opt/ml"),
    ],
)
def test_a_malformed_fault_is_refused_by_name(values: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        parse(values)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["times", "skip", "seed", "how", "error", "status", "state", "delay_seconds"]),
)
def test_any_value_is_read_or_refused(value: object, kind: str, member: str) -> None:
    values = {"kind": kind, "match": "*", **SMALLEST[kind], member: value}
    try:
        fault = parse(values)
    except ValidationError:
        return
    assert isinstance(fault, Fault)
    assert render(fault)[member] == value


def test_a_throttled_operation_is_refused_in_the_services_words() -> None:
    faults = Faults()
    faults.add(throttled())
    with pytest.raises(ServiceError, match="Rate exceeded") as caught:
        throttle(faults, "ListTrainingJobs")
    assert caught.value.code == "ThrottlingException"
    throttle(faults, "ListTrainingJobs")


@pytest.mark.parametrize(
    "how, expected", [("lost", ["b"]), ("duplicate", ["a", "a", "b"]), ("late", ["b", "a"])]
)
def test_events_are_lost_doubled_or_late(how: str, expected: list[str]) -> None:
    faults, both = Faults(), threading.Event()
    seen: list[str] = []

    def publish(**event: Any) -> None:
        seen.append(event["detail"]["name"])
        if len(seen) == len(expected):
            both.set()

    faults.add(
        parse(
            {"kind": "event", "match": "Model*", "resource": "*/a", "how": how}
            | {"delay_seconds": 0.1}
        )
    )
    send = disturbed(publish, faults)
    for name in ("a", "b"):
        send(
            source="x", detail_type="Model change", detail={"name": name}, resources=[f"arn/{name}"]
        )
    assert both.wait(5)
    assert seen == expected


def test_a_container_is_killed_at_its_line_and_not_before() -> None:
    faults = Faults()
    killed: list[int] = []
    lines: list[str] = []
    faults.add(Killed(match="train*", at_line=2))
    watching = killer(faults, "train-1")
    on_line = watching.watch(lines.append)
    assert on_line is not None
    watching.attach(lambda: killed.append(len(lines)))
    for line in ("one", "two"):
        on_line(line)
    watching.end()
    assert killed == [1]  # at the second line, before it is handed on
    assert lines == ["one", "two"]
    assert killer(faults, "train-2").fault is None


def test_a_line_before_the_process_is_known_still_kills() -> None:
    watching, killed = Killer(Killed(match="*", at_line=1)), threading.Event()
    on_line = watching.watch(None)
    assert on_line is not None
    on_line("early")
    watching.attach(killed.set)
    assert killed.is_set()


def test_a_container_that_ended_in_time_is_not_killed() -> None:
    watching, killed = Killer(NodeLost(match="*", after_seconds=0.05)), threading.Event()
    watching.attach(killed.set)
    watching.end()
    assert not killed.wait(0.15)
    assert watching.lost_node


@pytest.mark.parametrize("body", [b"[" * 200_000, b"", b"\xff", b"[1]", b'{"kind": [1]}'])
def test_any_body_is_refused_and_sets_nothing(tmp_path: Path, body: bytes) -> None:
    cloud = make_cloud(tmp_path)
    request = HttpRequest(method="POST", raw_path=PATH, query_string="", headers={}, body=body)
    with pytest.raises(ValidationError):
        administer(cloud, request)
    assert cloud.faults.listed() == {"faults": [], "firings": []}


def test_a_list_of_faults_is_set_whole_or_not_at_all(tmp_path: Path) -> None:
    cloud = make_cloud(tmp_path)
    good = {"kind": "throttle", "match": "List*"}

    def post(values: object) -> None:
        body = json.dumps(values).encode()
        request = HttpRequest(method="POST", raw_path=PATH, query_string="", headers={}, body=body)
        administer(cloud, request)

    with pytest.raises(ValidationError, match="needs match"):
        post([good, {"kind": "throttle"}])
    assert cloud.faults.listed()["faults"] == []
    post([good, good])
    assert [each["id"] for each in cloud.faults.listed()["faults"]] == ["fault-1", "fault-2"]
