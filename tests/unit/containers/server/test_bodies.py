"""Every form of body, over HTTP: right ones are scored, wrong ones are named and refused."""

import json

import lightgbm
import pytest

from tests.unit.containers.server.builders import ROWS, Client, expected_scores

JSON = "application/json"
LINES = "application/jsonlines"
CSV = "text/csv"


def as_lines() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def as_csv() -> bytes:
    cells = [["" if value is None else str(value) for value in row.values()] for row in ROWS]
    return "".join(",".join(row) + "\n" for row in cells).encode()


def test_json_instances_are_scored(client: Client, booster: lightgbm.Booster) -> None:
    status, reply = client.invoke(json.dumps({"instances": ROWS}).encode(), JSON)
    scores = [{"score": score} for score in expected_scores(booster)]
    assert (status, json.loads(reply)) == (200, {"predictions": scores})


def test_one_json_object_is_scored(client: Client, booster: lightgbm.Booster) -> None:
    status, reply = client.invoke(json.dumps(ROWS[1]).encode(), JSON)
    assert (status, json.loads(reply)) == (
        200,
        {"predictions": [{"score": expected_scores(booster)[1]}]},
    )


@pytest.mark.parametrize("end", [b"\n", b""])
def test_json_lines_are_scored_line_by_line(
    client: Client, booster: lightgbm.Booster, end: bytes
) -> None:
    status, reply = client.invoke(as_lines().rstrip(b"\n") + end, LINES)
    assert status == 200
    lines = reply.decode().removesuffix("\n").split("\n")
    assert [json.loads(line) for line in lines] == [
        {"score": score} for score in expected_scores(booster)
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_csv_is_scored_line_by_line(
    client: Client, booster: lightgbm.Booster, line_end: str, mark: bytes
) -> None:
    status, reply = client.invoke(mark + as_csv().replace(b"\n", line_end.encode()), CSV)
    assert status == 200
    assert [float(line) for line in reply.split()] == expected_scores(booster)


def test_the_answer_has_the_type_that_is_accepted(
    client: Client, booster: lightgbm.Booster
) -> None:
    status, reply = client.invoke(as_lines(), LINES, Accept="text/csv")
    assert (status, [float(line) for line in reply.split()]) == (200, expected_scores(booster))


def test_unknown_keys_do_not_change_a_score(client: Client) -> None:
    plain = client.invoke(json.dumps(ROWS[0]).encode(), JSON)
    assert client.invoke(json.dumps({**ROWS[0], "customer": [1, {}]}).encode(), JSON) == plain


def test_a_number_may_be_written_as_text(client: Client) -> None:
    plain = client.invoke(json.dumps(ROWS[1]).encode(), JSON)
    assert client.invoke(json.dumps({**ROWS[1], "amount": " 90.5 "}).encode(), JSON) == plain


def test_blank_text_is_a_missing_value(client: Client) -> None:
    missing = client.invoke(b'{"amount": null, "purpose": null}', JSON)
    assert client.invoke(b'{"amount": "", "purpose": " "}', JSON) == missing


@pytest.mark.parametrize("body", [b"{}", b"", b"not JSON"])
def test_a_probe_is_a_row_without_any_value_whatever_its_body(client: Client, body: bytes) -> None:
    missing = client.invoke(b'{"amount": null, "purpose": null}', JSON)
    probe = {"X_Amzn_SageMaker_Custom_Attributes": "warmfold-probe"}
    assert client.invoke(body, JSON, **probe) == missing
    assert client.invoke(body, JSON)[0] == 400


def test_a_large_body_is_scored_by_one_call(client: Client) -> None:
    status, reply = client.invoke(b"1200,car\n" * 50_000, CSV)
    assert (status, reply.count(b"\n"), len(set(reply.split()))) == (200, 50_000, 1)


REFUSED = {
    "nothing": (JSON, b"", "the body is empty"),
    "only blanks": (CSV, b" \n ", "the body is empty"),
    "no UTF-8": (CSV, b"12,\xff\n", "the body is not UTF-8: byte 4"),
    "no JSON": (JSON, b'{"amount": 1', "the body is not JSON: Expecting ',' delimiter at line 1"),
    "a list": (JSON, b"[1, 2]", "the body must be a JSON object"),
    "no instance": (JSON, b'{"instances": []}', "there is no row to score"),
    "instances of another kind": (JSON, b'{"instances": {}}', "'instances' must be a list"),
    "an instance of another kind": (JSON, b'{"instances": [3]}', "row 1 must be a JSON object"),
    "NaN": (JSON, b'{"amount": NaN, "purpose": "car"}', "NaN is not JSON: send null"),
    "infinity": (LINES, b'{"amount": -Infinity, "purpose": "a"}', "-Infinity is not JSON"),
    "a key twice": (JSON, b'{"amount": 1, "amount": 2, "purpose": "a"}', "the same key twice"),
    "deep nesting": (JSON, b"[" * 200_000, "the body is nested too deeply"),
    "deep nesting in a line": (LINES, b'{"a":' * 100_000, "row 1 is nested too deeply"),
    "an endless integer": (JSON, b'{"amount": ' + b"9" * 5000 + b"}", "too many digits"),
    "a huge integer": (JSON, b'{"purpose": "a", "amount": ' + b"9" * 400 + b"}", "not finite"),
    "a huge number": (JSON, b'{"amount": 1e999, "purpose": "car"}', "not finite"),
    "more than float32": (JSON, b'{"amount": 1e300, "purpose": "car"}', "beyond 3.4e38"),
    "true for a number": (
        JSON,
        b'{"instances": [{"amount": 1, "purpose": "a"}, {"amount": true, "purpose": "a"}]}',
        "row 2, column 'amount': expected a number, found true or false",
    ),
    "text for a number": (
        LINES,
        b'{"amount": "much", "purpose": "car"}',
        "row 1, column 'amount': expected a number, found text",
    ),
    "an object for a text": (
        JSON,
        b'{"amount": 1, "purpose": {}}',
        "row 1, column 'purpose': expected text, found an object",
    ),
    "a missing column": (JSON, b'{"amount": 1}', "row 1, column 'purpose': is missing"),
    "a blank line in JSON Lines": (LINES, as_lines() + b"\n" + as_lines(), "row 6 is blank"),
    "a blank line in CSV": (CSV, b"1,car\n\n2,car\n", "row 2 is blank"),
    "a field too few": (CSV, b"1,car\n2\n", "row 2 has 1 fields, the model reads 2 columns"),
    "a field too many": (CSV, b"1,car,\n", "row 1 has 3 fields"),
    "an open quote": (CSV, b'1,"car\n', "the body is not CSV: unexpected end of data"),
    "an endless field": (CSV, b"1," + b"c" * 200_000, "the body is not CSV: field larger"),
    "endless digits": (
        JSON,
        b'{"purpose": "a", "amount": "' + b"1" * 900_000 + b'x"}',
        "expected a number, found text",
    ),
}


@pytest.mark.parametrize("content_type,body,message", REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_body_is_refused_with_its_place(
    client: Client, content_type: str, body: bytes, message: str
) -> None:
    status, reply = client.invoke(body, content_type)
    assert status == 400
    assert message in json.loads(reply)["error"]


def test_a_refusal_quotes_no_data(client: Client) -> None:
    secret = "4556-7375-8689-9855"
    bodies = [
        (JSON, {"amount": secret, "purpose": "car"}),
        (JSON, {"amount": 1, secret: "car"}),
        (JSON, {"instances": [secret]}),
        (JSON, {"instances": secret}),
        (CSV, f"{secret},car\n"),
        (CSV, f"1,car,{secret}\n"),
        (LINES, f'{{"amount": {secret}}}'),
        (JSON, f'{{"{secret}": 1, "{secret}": 2}}'),
    ]
    for content_type, body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        status, reply = client.invoke(text.encode(), content_type)
        assert status == 400
        assert b"4556" not in reply
