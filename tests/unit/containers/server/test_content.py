"""Which type a request has, and which one is answered with."""

import pytest

from warmfold_server.content import CSV, JSON, JSON_LINES, request_type, response_type
from warmfold_server.errors import RequestError


@pytest.mark.parametrize(
    "header,expected",
    [
        ("application/json", JSON),
        ("Application/JSON; charset=UTF-8", JSON),
        ("application/jsonlines", JSON_LINES),
        ('text/csv; charset="utf-8"; header=absent', CSV),
    ],
)
def test_a_known_content_type_is_read(header: str, expected: str) -> None:
    assert request_type(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "application/x-npy",
        "application/python-pickle",
        "json",
        "text/csv; charset=utf-16",
        ";;;",
    ],
)
def test_another_content_type_is_unsupported(header: str | None) -> None:
    with pytest.raises(RequestError, match="send one of application/json") as caught:
        request_type(header)
    assert caught.value.status == 415


@pytest.mark.parametrize(
    "accept,requested,expected",
    [
        (None, CSV, CSV),
        ("  ", JSON_LINES, JSON_LINES),
        ("*/*", CSV, CSV),
        ("application/*", CSV, JSON),
        ("application/*", JSON_LINES, JSON_LINES),
        ("text/csv", JSON, CSV),
        ("TEXT/CSV ; q=0.5, application/json;q=0.2", JSON, CSV),
        ("application/json;q=0, */*;q=0.1", JSON, JSON_LINES),
        ("image/png, application/jsonlines;verbose=true", CSV, JSON_LINES),
        ("*/*;q=0.1, text/csv", JSON, CSV),
    ],
)
def test_accept_decides_the_answer(accept: str | None, requested: str, expected: str) -> None:
    assert response_type(accept, requested) == expected


@pytest.mark.parametrize(
    "accept", ["image/png", "*/*;q=0", "text/csv;q=nan", "text/csv;q=2", "*/*;q=-1", ",;,"]
)
def test_an_answer_that_nobody_accepts_is_refused(accept: str) -> None:
    with pytest.raises(RequestError, match="Accept must allow one of") as caught:
        response_type(accept, JSON)
    assert caught.value.status == 406
