"""What a pull request's job does, with the CDK's command line and the role's own policy."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.clients.conftest import ROOT, Client
from tests.localcloud.conftest import RunningCloud, with_role
from tests.unit.infrastructure.test_ci import settings, statements, synthesized
from warmfold.demo.cdk import cdk_environment
from warmfold_local import launcher

pytestmark = pytest.mark.clients

CDK = str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk")
ROLE = "warmfold-local-ci-diff"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """With the repositories deployed, and nothing else yet."""
    state = tmp_path_factory.mktemp("a cloud with a diff role") / "state"
    found = with_role(launcher.start(state, tmp_path_factory.mktemp("images")))
    target = f"aws://{found.settings.account}/{found.settings.region}"
    output = tmp_path_factory.mktemp("cdk.out")
    client = Client(cdk_environment(found.settings, ROOT))
    run(client, output, "bootstrap", target)
    run(client, output, "deploy", "warmfold-local-images", "--require-approval", "never")
    yield found
    assert launcher.stop(state)


def run(client: Client, output: Path, *command: str) -> str:
    common = ["--no-notices", "--no-color", "--output", str(output), "-c", "env=local"]
    return client.run("node", CDK, *command, *common, seconds=300)


@pytest.fixture(scope="module")
def signed_in(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a job that signed in as the role that reads templates.

    The local cloud knows no GitHub: its owner stands in for the token.
    """
    account = cloud.settings.account
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sts:AssumeRole",
    }
    template = synthesized(tmp_path_factory.mktemp("ci"), settings("local"))
    iam = cloud.client("iam")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=_document([trust]))
    policy = _document(statements(template, "-ci-diff"))
    assert "Fn::" not in policy
    iam.put_role_policy(RoleName=ROLE, PolicyName="read", PolicyDocument=policy)
    given = cloud.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/{ROLE}", RoleSessionName="pull-request"
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def _document(content: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": content})


def test_a_pull_request_is_compared_by_a_role_that_reads_templates_only(
    cloud: RunningCloud, signed_in: dict[str, str], tmp_path: Path
) -> None:
    client = Client({**cdk_environment(cloud.settings, ROOT), **signed_in})
    said = run(client, tmp_path / "cdk.out", "diff", "--all", "--method=template")
    told = {part.split()[0]: part for part in said.split("\nStack ")[1:]}
    assert "There were no differences" in told["warmfold-local-images"]
    assert "AWS::S3::Bucket" in told["warmfold-local-storage"]


def test_the_role_reads_nothing_of_what_is_deployed(
    cloud: RunningCloud, signed_in: dict[str, str]
) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=cloud.settings.endpoint_url,
        region_name=cloud.settings.region,
        aws_access_key_id=signed_in["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=signed_in["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=signed_in["AWS_SESSION_TOKEN"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_buckets()
