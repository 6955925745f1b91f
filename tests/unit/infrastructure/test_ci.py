"""The roles that GitHub Actions works with: who may become them, and what they may do."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from config.load import load_settings
from config.settings import Settings
from stacks.ci import CiStack
from stacks.platform import feature_flags
from tests.unit.infrastructure.assembly import Template, flat, listed, read_assembly

ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = "acme/models"
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "lookup")


def settings(environment: str = "prod", *, creates_oidc_provider: bool = True) -> Settings:
    """Of an environment that GitHub Actions may deploy."""
    found = load_settings(environment)
    ci = dataclasses.replace(
        found.ci, repository=REPOSITORY, creates_oidc_provider=creates_oidc_provider
    )
    return dataclasses.replace(found, ci=ci)


def synthesized(folder: Path, chosen: Settings) -> Template:
    app = App(context=feature_flags(), outdir=str(folder), analytics_reporting=False)
    CiStack(app, f"warmfold-{chosen.name}-ci", settings=chosen)
    app.synth()
    return read_assembly(folder).stack("ci")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesized(tmp_path_factory.mktemp("ci"), settings())


def role(template: Template, ending: str) -> dict[str, Any]:
    (found,) = [
        each["Properties"]
        for each in template.of_type("AWS::IAM::Role").values()
        if each["Properties"]["RoleName"].endswith(ending)
    ]
    return dict(found)


def statements(template: Template, ending: str) -> list[dict[str, Any]]:
    (id,) = [
        id
        for id, each in template.of_type("AWS::IAM::Role").items()
        if each["Properties"]["RoleName"].endswith(ending)
    ]
    return [
        statement
        for policy in template.of_type("AWS::IAM::Policy").values()
        if {"Ref": id} in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


@pytest.mark.parametrize(
    "ending,subject",
    [
        ("-ci-deploy", "repo:acme/models:environment:prod"),
        ("-ci-diff", "repo:acme/models:pull_request"),
    ],
)
def test_a_role_takes_tokens_of_one_subject_and_no_pattern(
    template: Template, ending: str, subject: str
) -> None:
    (statement,) = role(template, ending)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
    }
    assert list(statement["Principal"]) == ["Federated"]


def test_deploying_is_becoming_the_bootstraps_roles_and_pushing_to_two_repositories(
    template: Template,
) -> None:
    allowed = {
        flat(resource): set(listed(statement["Action"]))
        for statement in statements(template, "-ci-deploy")
        for resource in listed(statement["Resource"])
    }
    account = "333333333333"
    role_prefix = f"arn:aws:iam::{account}:role/cdk-hnb659fds-"
    roles = {f"{role_prefix}{kind}-role-{account}-eu-west-1" for kind in BOOTSTRAP_ROLES}
    repositories = {
        f"arn:aws:ecr:eu-west-1:{account}:repository/warmfold-prod-{kind}"
        for kind in ("trainer", "server")
    }
    assert allowed.keys() == {*roles, *repositories, "*"}
    assert all(allowed[arn] == {"sts:AssumeRole"} for arn in roles)
    assert all({action[:4] for action in allowed[arn]} == {"ecr:"} for arn in repositories)
    assert allowed["*"] == {"ecr:GetAuthorizationToken"}


def test_a_pull_request_reads_templates_and_nothing_else(template: Template) -> None:
    (statement,) = statements(template, "-ci-diff")
    assert statement["Action"] == ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"]
    assert flat(statement["Resource"]).endswith(":stack/warmfold-prod-*/*")


def test_the_provider_survives_the_stack_since_others_may_use_it(template: Template) -> None:
    assert template.only("AWS::IAM::OIDCProvider")["DeletionPolicy"] == "Retain"


def test_an_account_that_has_the_provider_gets_no_second_one(tmp_path: Path) -> None:
    template = synthesized(tmp_path, settings(creates_oidc_provider=False))
    assert not template.of_type("AWS::IAM::OIDCProvider")
    (statement,) = role(template, "-ci-deploy")["AssumeRolePolicyDocument"]["Statement"]
    provider = flat(statement["Principal"]["Federated"])
    assert provider == f"arn:aws:iam::333333333333:oidc-provider/{ISSUER}"
