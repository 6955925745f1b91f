"""Accounts and regions: what an environment's file says of them reaches every stack."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from config.load import load_settings
from tests.unit.config.environment_file import set_at, values, write
from tests.unit.infrastructure.assembly import Assembly, synthesize

BOUNDARY = "arn:aws:iam::333333333333:policy/team/boundary"
# What is lost with its resource: objects, keys, images, models.
WITH_DATA = (
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SageMaker::ModelPackageGroup",
)
# Encrypts notifications on their way, which nobody keeps.
_OF_NOTIFICATIONS = "AlertsKey"


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Another environment of production's account, in another region, with a boundary."""
    folder: Path = tmp_path_factory.mktemp("second")
    content = values("prod")
    for key, value in {
        "region": "us-east-1",
        "bootstrap_qualifier": "team1",
        "permissions_boundary": BOUNDARY,
        "network": {"mode": "none"},
    }.items():
        content = set_at(content, ("environment", key), value)
    return synthesize(load_settings("prod-us", write(folder, content, "prod-us")), folder / "out")


def test_every_role_has_the_environments_permissions_boundary(second: Assembly) -> None:
    roles = second.roles()
    assert len(roles) > 10
    for where, role in roles.items():
        assert role["Properties"]["PermissionsBoundary"] == BOUNDARY, where


def test_without_a_boundary_in_the_file_no_role_has_one(prod: Assembly) -> None:
    assert not [w for w, r in prod.roles().items() if "PermissionsBoundary" in r["Properties"]]


def test_another_qualifier_is_honoured_everywhere(second: Assembly) -> None:
    texts = [
        json.dumps(second.manifest),
        *(json.dumps(t.content) for t in second.templates.values()),
    ]
    assert not [text for text in texts if "hnb659fds" in text]
    deploy = "role/cdk-team1-deploy-role-333333333333-us-east-1"
    assert second.artifact("storage")["properties"]["assumeRoleArn"].endswith(deploy)


def test_two_regions_of_an_account_share_no_name(prod: Assembly, second: Assembly) -> None:
    """Names of roles are the account's, whatever the region; of buckets the partition's."""
    for kind, name in (("AWS::IAM::Role", "RoleName"), ("AWS::S3::Bucket", "BucketName")):
        first, other = (
            {
                json.dumps(resource["Properties"][name])
                for template in assembly.templates.values()
                for resource in template.of_type(kind).values()
                if name in resource["Properties"]
            }
            for assembly in (prod, second)
        )
        assert first
        assert not first & other
    assert not set(prod.templates) & set(second.templates)


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_no_stack_takes_data_with_it_where_data_must_stay(
    assembly: Callable[[str], Assembly], environment: str
) -> None:
    found = assembly(environment)
    kept = [
        (template.name, id, resource)
        for template in found.templates.values()
        for kind in WITH_DATA
        for id, resource in template.of_type(kind).items()
        if not id.startswith(_OF_NOTIFICATIONS)
    ]
    assert {resource["Type"] for _, _, resource in kept} == set(WITH_DATA)
    for name, id, resource in kept:
        policies = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
        assert policies == ("Retain", "Retain"), (name, id)
