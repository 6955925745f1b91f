"""IAM's answers: identity and resource policies, boundaries, sessions, every kind of condition."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.access.asks import Ask, refusal, role_name
from warmfold_local.ministack_iam import (
    PRINCIPAL_ARN,
    Principal,
    decide,
    decide_across,
    decide_service,
)

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trial"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/trial/SageMaker"
BUCKET = "arn:aws:s3:::data"
READ = Ask(action="s3:GetObject", resource=f"{BUCKET}/train/x.csv")


def statement(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "*", "Resource": "*", **members}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def principal(*statements: dict[str, Any], **limits: Any) -> Principal:
    return Principal(
        arn=SESSION,
        kind="AssumedRole",
        account=ACCOUNT,
        documents={"own": document(*statements)},
        limits={kind.replace("_", " "): {"limit": found} for kind, found in limits.items()},
        keys={},
    )


def allowed(who: Principal, ask: Ask = READ, policy: Any = None) -> bool:
    return decide(who, ask, region=REGION, resource_policy=policy).allowed


def test_nothing_is_allowed_without_a_statement() -> None:
    decision = decide(principal(), READ, region=REGION)
    assert refusal(SESSION, READ, decision) == (
        f"User: {SESSION} is not authorized to perform: s3:GetObject on resource: "
        f"{READ.resource} because no identity-based policy allows the s3:GetObject action"
    )


def test_the_deciding_statement_is_named() -> None:
    other = statement(Action="sqs:*")
    decision = decide(principal(other, statement()), READ, region=REGION)
    assert (decision.allowed, decision.statement) == (True, "own#1")


def test_a_deny_wins_wherever_it_stands() -> None:
    deny = statement("Deny", Action="s3:Get*")
    assert not allowed(principal(statement(), deny))
    denied = decide(principal(deny, statement()), READ, region=REGION)
    assert denied.explicit
    assert denied.statement == "own#0"
    assert denied.reason == "with an explicit deny in an identity-based policy"


def test_a_boundary_allows_nothing_by_itself_and_limits_what_is_allowed() -> None:
    boundary = document(statement(Action="s3:List*"))
    within = principal(statement(), permissions_boundary=boundary)
    decision = decide(within, READ, region=REGION)
    assert decision.reason == "because no permissions boundary allows the s3:GetObject action"
    assert allowed(within, Ask(action="s3:ListBucket", resource=BUCKET))
    nothing = principal(permissions_boundary=document(statement()))
    assert not allowed(nothing)


def test_session_policies_limit_too() -> None:
    session = document(statement(Resource=f"{BUCKET}/train/*"))
    within = principal(statement(), session_policy=session)
    assert allowed(within)
    assert not allowed(within, Ask(action="s3:GetObject", resource=f"{BUCKET}/holdout/x.csv"))


def test_a_resource_policy_that_names_the_role_allows_by_itself() -> None:
    for named in (ROLE, SESSION, "*"):
        policy = document(statement(Principal={"AWS": named}))
        assert allowed(principal(), policy=policy), named


def test_a_resource_policy_that_names_the_account_leaves_it_to_the_role() -> None:
    policy = document(statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    assert not allowed(principal(), policy=policy)
    assert allowed(principal(statement()), policy=policy)


def test_a_resource_policys_deny_wins() -> None:
    policy = document(
        statement("Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    )
    assert allowed(principal(statement()), policy=policy)  # loopback counts as secure
    open_air = Ask(
        action=READ.action, resource=READ.resource, context={"aws:SecureTransport": "false"}
    )
    decision = decide(principal(statement()), open_air, region=REGION, resource_policy=policy)
    assert decision.reason == "with an explicit deny in a resource-based policy"


def test_a_keys_policy_must_allow_as_well() -> None:
    use = Ask(action="kms:Decrypt", resource=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1")
    account = document(statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    nobody = document(statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}))
    assert allowed(principal(statement()), use, account)
    assert not allowed(principal(statement()), use, nobody)


def test_a_boundary_limits_what_a_resource_policy_allows() -> None:
    policy = document(statement(Principal={"AWS": ROLE}))
    boundary = document(statement(Action="s3:List*"))
    assert not allowed(principal(permissions_boundary=boundary), policy=policy)


def test_a_service_is_let_in_by_its_name_only() -> None:
    ask = Ask(action="sqs:SendMessage", context={"aws:SourceArn": "arn:rule"})
    condition = {"ArnEquals": {"aws:SourceArn": "arn:rule"}}
    policy = document(statement(Principal={"Service": "events.amazonaws.com"}, Condition=condition))

    def let_in(service: str, asked: Ask) -> bool:
        return decide_service(
            service, asked, account=ACCOUNT, region=REGION, resource_policy=policy
        ).allowed

    assert let_in("events.amazonaws.com", ask)
    assert not let_in("s3.amazonaws.com", ask)
    other = Ask(action="sqs:SendMessage", context={"aws:SourceArn": "arn:other"})
    assert not let_in("events.amazonaws.com", other)


TYPES = "sagemaker:InstanceTypes"
SUBNETS = "sagemaker:VpcSubnets"


@pytest.mark.parametrize(
    "condition, context, expected",
    [
        ({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, {}, False),
        (
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            {"iam:PassedToService": "sagemaker.amazonaws.com"},
            True,
        ),
        ({"ForAllValues:StringLike": {TYPES: "ml.m5.*"}}, {TYPES: ("ml.m5.large",)}, True),
        (
            {"ForAllValues:StringLike": {TYPES: "ml.m5.*"}},
            {TYPES: ("ml.m5.large", "ml.p4d.24xlarge")},
            False,
        ),
        # Without "Null: false" a value that is absent passes (SageMaker developer guide).
        ({"ForAllValues:StringEquals": {SUBNETS: ["subnet-1"]}}, {}, True),
        (
            {"ForAllValues:StringEquals": {SUBNETS: ["subnet-1"]}, "Null": {SUBNETS: "false"}},
            {},
            False,
        ),
        ({"ForAnyValue:StringEquals": {SUBNETS: ["subnet-1"]}}, {}, False),
        (
            {"NumericLessThanEquals": {"sagemaker:KeepAlivePeriod": "600"}},
            {"sagemaker:KeepAlivePeriod": "600"},
            True,
        ),
        (
            {"NumericLessThanEquals": {"sagemaker:KeepAlivePeriod": "600"}},
            {"sagemaker:KeepAlivePeriod": "3600"},
            False,
        ),
        (
            {"Bool": {"sagemaker:NetworkIsolation": "true"}},
            {"sagemaker:NetworkIsolation": "true"},
            True,
        ),
        ({"Bool": {"sagemaker:NetworkIsolation": "true"}}, {}, False),
        (
            {"ArnEquals": {"sagemaker:VolumeKmsKey": "arn:aws:kms:*:*:key/1"}},
            {"sagemaker:VolumeKmsKey": "arn:aws:kms:us-east-1:000000000000:key/1"},
            True,
        ),
        ({"StringLike": {"s3:prefix": ["train/*"]}}, {"s3:prefix": "train/a"}, True),
        ({"StringLike": {"s3:prefix": ["train/*"]}}, {"s3:prefix": "holdout/"}, False),
        (
            {"StringEquals": {"aws:RequestTag/team": "ml"}},
            {"aws:RequestTag/team": "ml"},
            True,
        ),
        ({"StringNotEquals": {"aws:RequestTag/team": "ml"}}, {}, True),
        ({"StringEqualsIfExists": {"aws:RequestTag/team": "ml"}}, {}, True),
        ({"SomethingElse": {"aws:RequestTag/team": "ml"}}, {"aws:RequestTag/team": "ml"}, False),
    ],
)
def test_conditions(condition: Any, context: Any, expected: bool) -> None:
    ask = Ask(action="sagemaker:CreateTrainingJob", context=context)
    assert allowed(principal(statement(Condition=condition)), ask) is expected


NAMES = st.text(st.sampled_from("abcAB/-_.?[]"), min_size=1, max_size=12)


@given(NAMES, NAMES)
def test_a_pattern_without_wildcards_matches_itself_only(name: str, other: str) -> None:
    if "?" in name:
        return
    who = principal(statement(Resource=f"arn:aws:x:::{name}"))
    ask = Ask(action="x:Y", resource=f"arn:aws:x:::{other}")
    assert allowed(who, ask) is (name == other)


@given(st.lists(st.sampled_from(["Allow", "Deny", "none"]), max_size=6))
def test_an_answer_is_allow_exactly_if_something_allows_and_nothing_denies(
    effects: list[str],
) -> None:
    statements = [
        statement("Allow", Action="other:*") if effect == "none" else statement(effect)
        for effect in effects
    ]
    expected = "Allow" in effects and "Deny" not in effects
    assert allowed(principal(*statements)) is expected


@given(st.recursive(st.none() | st.booleans() | st.text(), st.lists, max_leaves=5))
def test_a_malformed_statement_allows_nothing(value: Any) -> None:
    who = Principal(
        arn=SESSION,
        kind="AssumedRole",
        account=ACCOUNT,
        documents={"bad": json.dumps({"Statement": value})},
        limits={},
        keys={},
    )
    assert not allowed(who)


def test_a_roles_name_is_read_from_its_arn_and_from_its_sessions() -> None:
    assert role_name(ROLE) == role_name(SESSION) == "trial"
    assert role_name(f"arn:aws:iam::{ACCOUNT}:role/path/trial") == "trial"
    assert role_name("events.amazonaws.com") == "events.amazonaws.com"


OWNER = "111111111111"


def across(who: Principal, policy: Any) -> bool:
    return decide_across(who, READ, region=REGION, resource_policy=policy).allowed


def test_in_another_account_both_sides_must_allow() -> None:
    opens = statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    other = statement(Principal={"AWS": f"arn:aws:iam::{OWNER}:root"})
    named = statement(Principal={"AWS": SESSION})
    assert across(principal(statement()), document(opens))
    assert across(principal(statement()), document(named))
    assert not across(principal(), document(named))
    assert not across(principal(statement()), document(other))
    assert not across(principal(statement()), None)
    assert not across(principal(statement()), document(opens, {**opens, "Effect": "Deny"}))


def test_the_principals_arn_of_a_session_is_its_roles() -> None:
    who = replace(principal(statement()), keys={PRINCIPAL_ARN: ROLE})
    for arn, expected in ((ROLE, True), (SESSION, False), (f"{ROLE}-2", False)):
        condition = {"ArnEquals": {"aws:PrincipalArn": arn}}
        opens = statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Condition=condition)
        assert across(who, document(opens)) is expected
