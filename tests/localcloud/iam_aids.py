"""Roles to test with, and people who have assumed them."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import RunningCloud, make_client, policy
from warmfold_local.access.client import usage
from warmfold_local.access.report import RoleUse, report

ACCOUNT = "000000000000"
BUCKET = "iam-tests"
SAGEMAKER = "sagemaker.amazonaws.com"


def statement(*actions: str, resource: str = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **members}


class Roles:
    """Makes roles of one test, each with a policy ``own``."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.cloud = cloud
        self.iam = cloud.client("iam")
        self.prefix = f"iam{time.time_ns()}"

    def make(
        self, name: str, *statements: dict[str, Any], service: str = SAGEMAKER, **members: Any
    ) -> str:
        full = f"{self.prefix}-{name}"
        root = f"arn:aws:iam::{ACCOUNT}:root"
        trust = policy(Action="sts:AssumeRole", Principal={"Service": service, "AWS": root})
        made = self.iam.create_role(RoleName=full, AssumeRolePolicyDocument=trust, **members)
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        if statements:
            self.iam.put_role_policy(RoleName=full, PolicyName="own", PolicyDocument=document)
        return str(made["Role"]["Arn"])

    def client(self, role_arn: str, service: str) -> Any:
        """A client of somebody who has assumed the role."""
        found = self.cloud.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="someone")
        credentials = found["Credentials"]
        return make_client(
            self.cloud.settings,
            service,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def use(self, role_arn: str) -> RoleUse:
        name = role_arn.rpartition("/")[2]
        (found,) = [u for u in report(usage(self.cloud.settings)) if u.role == name]
        return found


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


READ = statement("s3:GetObject", "s3:ListBucket", resource="*")


def model(roles: Roles, role: str) -> dict[str, Any]:
    image = roles.cloud.tiny_server()
    return {
        "ModelName": roles.prefix,
        "ExecutionRoleArn": role,
        "PrimaryContainer": {"Image": image},
    }


def roles_of(cloud: RunningCloud) -> Roles:
    """With the bucket's objects in place."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key in ("in/x", "secret/x"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"data")
    return Roles(cloud)
