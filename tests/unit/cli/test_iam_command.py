"""``local iam-report``: which roles, in which order, and how much of each."""

import pytest

from warmfold.cli.iam_command import chosen, shown
from warmfold.errors import WarmfoldError
from warmfold_local.access.report import Denied, RoleUse, Unused, Used

CDK = "cdk-hnb659fds-deploy-role-000000000000-us-east-1"
TRIALS = "warmfold-local-german-credit-TrialRole"


def use(role: str) -> RoleUse:
    return RoleUse(
        role=role,
        used=(Used(action="s3:GetObject", statements=("own#0",), resources=("one", "two")),),
        never_used=(Unused(action="s3:PutObject", statement="own#1", resources=("*",)),),
        denied=(Denied(action="kms:Decrypt", resource="key", reason="implicit"),),
    )


ROLES = [use(CDK), use("events.amazonaws.com"), use(TRIALS)]


def test_a_role_is_found_by_a_part_of_its_name_in_any_case() -> None:
    assert [each.role for each in chosen(ROLES, "trial")] == [TRIALS]
    assert [each.role for each in chosen(ROLES, "CDK-")] == [CDK]


def test_the_roles_that_there_are_are_named_where_none_matches() -> None:
    with pytest.raises(WarmfoldError) as raised:
        chosen(ROLES, "tuner")
    listed = f"events.amazonaws.com, {TRIALS}, {CDK}"
    assert str(raised.value) == f"no role's name contains 'tuner'; there are: {listed}"
    assert chosen([], "tuner") == []


def test_bootstrap_roles_come_last_in_a_line_each_and_all_is_summed_up() -> None:
    lines = list(shown(chosen(ROLES, ""), fold=True))
    assert lines[:4] == [
        "events.amazonaws.com",
        "  used        s3:GetObject  one, two",
        "  never used  s3:PutObject  *  [own#1]",
        "  denied      kms:Decrypt  key  implicit",
    ]
    assert lines[-2:] == [
        f"{CDK}  1 used, 1 never used, 1 denied",
        "3 roles, 9 different calls, 3 denied",
    ]


def test_a_bootstrap_role_that_is_asked_for_is_shown_in_full() -> None:
    lines = list(shown(chosen(ROLES, "cdk"), fold=False))
    assert lines[1] == "  used        s3:GetObject  one, two"
    assert lines[-1] == "1 role, 3 different calls, 1 denied"


def test_a_cloud_whose_roles_did_nothing_says_so() -> None:
    assert list(shown([], fold=True)) == ["no role was used"]
