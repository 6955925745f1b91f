"""No body brings the server down: never a 5xx, never a hang, and the next answer is right."""

import json
from typing import Any

import lightgbm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.containers.server.builders import ROWS, Client, expected_scores
from warmfold_server.content import TYPES
from warmfold_server.server import Server

ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["amount", "purpose", "instances", "x"]), inner)
    ),
    max_leaves=12,
)
GOOD = json.dumps({"instances": ROWS}).encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A right body with a piece cut out and another put in."""
    start = draw(st.integers(0, len(GOOD)))
    return GOOD[:start] + draw(st.binary(max_size=8)) + GOOD[start + draw(st.integers(0, 8)) :]


BODIES = st.one_of(
    st.binary(max_size=200),
    ANY_JSON.map(lambda value: json.dumps(value).encode()),
    damaged(),
    st.text(alphabet='0123456789.,eE+-"\n\r car', max_size=80).map(str.encode),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=BODIES, content_type=st.sampled_from(TYPES))
def test_no_body_breaks_the_server(
    server: Server, booster: lightgbm.Booster, body: bytes, content_type: str
) -> None:
    client = Client(server.port, timeout_seconds=10.0)
    try:
        status, reply = client.invoke(body, content_type)
        assert status in (200, 400)
        assert status == 200 or set(json.loads(reply)) == {"error"}
        status, reply = client.invoke(GOOD, "application/json")
        scores = [prediction["score"] for prediction in json.loads(reply)["predictions"]]
        assert (status, scores) == (200, expected_scores(booster))
    finally:
        client.close()
