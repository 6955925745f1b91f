"""Roles that requests hand on, and the table of what AWS uses them for."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.access.on_behalf import USES
from warmfold_local.access.passing import passed

ROLE = "arn:aws:iam::000000000000:role/function"


def test_a_functions_role_is_passed_to_lambda() -> None:
    (ask,) = passed("lambda:CreateFunction", json.dumps({"Role": ROLE}).encode())
    assert (ask.action, ask.resource) == ("iam:PassRole", ROLE)
    assert ask.context == {"iam:PassedToService": "lambda.amazonaws.com"}


def test_every_role_of_a_rules_targets_is_passed_once() -> None:
    targets = [{"RoleArn": "b"}, {"RoleArn": "a"}, {"RoleArn": "b"}, {"Arn": "queue"}]
    asks = passed("events:PutTargets", json.dumps({"Targets": targets}).encode())
    assert [ask.resource for ask in asks] == ["a", "b"]


def test_other_actions_pass_nothing() -> None:
    assert list(passed("lambda:Invoke", json.dumps({"Role": ROLE}).encode())) == []


@given(st.binary(max_size=40))
def test_a_body_that_is_no_json_passes_nothing(body: bytes) -> None:
    """Its service refuses it; here it must not fail."""
    assert all(ask.action == "iam:PassRole" for ask in passed("lambda:CreateFunction", body))


def test_every_row_of_the_table_has_actions_and_a_page_of_awss() -> None:
    for name, row in USES.items():
        assert row.source.startswith("https://docs.aws.amazon.com/"), name
        assert row.actions, name
        # A key's policy holds wildcards where AWS's page writes them.
        known = re.compile(r"[a-z0-9-]+:[A-Za-z]+|kms:[A-Za-z]*\*")
        assert all(known.fullmatch(action) for action in row.actions), name
