"""Least privilege, over every statement of every role of every environment."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from config.load import environments
from tests.unit.infrastructure.assembly import Assembly, flat, listed

# Actions that know no resources, so that IAM takes them on "*" only.
WITHOUT_RESOURCES = {
    "application-autoscaling:DescribeScalableTargets",
    "cloudwatch:PutMetricData",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListModels",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


# Services whose guides show no source key for the role that they assume: a condition on a key that
# is not there would lock them out. Both take a role of their caller's own account only, who must be
# allowed to pass it (IAM user guide, "Grant a user permissions to pass a role").
WITHOUT_SOURCE = {
    "cloudformation.amazonaws.com": "User guide, using-iam-servicerole",
    "lambda.amazonaws.com": "Developer guide, lambda-intro-execution-role",
}


@pytest.fixture(scope="module", params=environments())
def any_assembly(request: pytest.FixtureRequest, assembly: Callable[[str], Assembly]) -> Assembly:
    return assembly(request.param)


def test_no_role_has_a_managed_policy(any_assembly: Assembly) -> None:
    for where, role in any_assembly.roles().items():
        assert "ManagedPolicyArns" not in role["Properties"], where


def test_no_action_is_a_wildcard(any_assembly: Assembly) -> None:
    for where, statement in any_assembly.statements():
        for action in listed(statement["Action"]):
            assert "*" not in action, (where, action)


def test_everything_is_allowed_only_where_iam_knows_no_resources(any_assembly: Assembly) -> None:
    for where, statement in any_assembly.statements():
        if "*" in listed(statement["Resource"]):
            assert set(listed(statement["Action"])) <= WITHOUT_RESOURCES, where


def test_a_role_is_passed_by_its_exact_arn_to_one_service(any_assembly: Assembly) -> None:
    passing = [
        (where, statement)
        for where, statement in any_assembly.statements()
        if "iam:PassRole" in listed(statement["Action"])
    ]
    assert len(passing) == 5
    for where, statement in passing:
        assert all("*" not in flat(arn) for arn in listed(statement["Resource"])), where
        service = statement["Condition"]["StringEquals"]["iam:PassedToService"]
        assert service in ("sagemaker.amazonaws.com", "cloudformation.amazonaws.com"), where


def test_services_act_as_a_role_for_this_account_only(any_assembly: Assembly) -> None:
    """Against a confused deputy (IAM user guide), where the service's guide has the key."""
    without = set()
    for where, role in any_assembly.roles().items():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        service = trust["Principal"].get("Service")
        if service is None:  # GitHub's tokens: `test_ci`
            continue
        if service in WITHOUT_SOURCE:
            without.add(service)
            assert "Condition" not in trust, where
        else:
            source = trust["Condition"]["StringEquals"]["aws:SourceAccount"]
            assert re.fullmatch(r"\d{12}", flat(source)), where
    assert without == set(WITHOUT_SOURCE)


def test_no_role_comes_near_the_size_that_iam_allows(any_assembly: Assembly) -> None:
    """10,240 characters in all inline policies of a role (IAM user guide, quotas).

    An import of a name is longer than what CloudFormation puts in its place.
    """
    sizes: dict[str, int] = {}
    for template in any_assembly.templates.values():
        for policy in template.of_type("AWS::IAM::Policy").values():
            text = json.dumps(policy["Properties"]["PolicyDocument"], separators=(",", ":"))
            text = re.sub(r'\{"Fn::ImportValue":"[^"]*"\}', "x" * 75, text)
            for role in policy["Properties"]["Roles"]:
                name = f"{template.name}/{flat(role)}"
                sizes[name] = sizes.get(name, 0) + len(text)
    assert max(sizes.values()) < 10_240, sizes


def test_access_to_objects_is_bound_to_one_models_prefixes(any_assembly: Assembly) -> None:
    for where, statement in any_assembly.statements():
        if {"s3:GetObject", "s3:PutObject"} & set(listed(statement["Action"])):
            for arn in listed(statement["Resource"]):
                assert re.search(r":s3:::warmfold-[a-z0-9-]+/german-credit/[a-z-]+/", flat(arn)), (
                    where
                )


def test_the_bucket_is_listed_below_prefixes_only(any_assembly: Assembly) -> None:
    listing = [s for _, s in any_assembly.statements() if listed(s["Action"]) == ["s3:ListBucket"]]
    assert len(listing) == 7
    for statement in listing:
        for prefix in listed(statement["Condition"]["StringLike"]["s3:prefix"]):
            assert prefix.startswith("german-credit/"), prefix


def granted(assembly: Assembly, role: str, action: str) -> set[str]:
    """The prefixes below which a role of the training stack may do something."""
    return {
        flat(arn).partition("/")[2]
        for where, statement in assembly.statements()
        if re.search(rf"-training/Roles{role}Role", where) and action in listed(statement["Action"])
        for arn in listed(statement["Resource"])
    }


@pytest.mark.parametrize(
    "role,reads,writes",
    [
        ("Trial", {"features/train/*", "tuning/incumbents/*"}, {"tuning/*"}),
        ("Final", {"features/train/*", "selection/*", "tuning/*"}, {"final/*"}),
    ],
)
def test_training_reads_and_writes_only_its_own_folders(
    prod: Assembly, role: str, reads: set[str], writes: set[str]
) -> None:
    run = "german-credit/executions/*/"
    assert granted(prod, role, "s3:GetObject") == {run + name for name in reads}
    assert granted(prod, role, "s3:PutObject") == {run + name for name in writes}


def test_no_training_job_can_read_the_holdout(prod: Assembly) -> None:
    for role in ("Trial", "Final"):
        for prefix in granted(prod, role, "s3:GetObject"):
            assert "holdout" not in prefix
            assert not prefix.endswith("features/*")


def test_the_jobs_roles_are_four_different_ones(prod: Assembly) -> None:
    roles = [where for where in prod.roles() if "-training/Roles" in where]
    assert len(roles) == 4


def test_a_function_starts_updates_only_as_the_serving_role(prod: Assembly) -> None:
    (update,) = [
        statement
        for _, statement in prod.statements()
        if "cloudformation:UpdateStack" in listed(statement["Action"])
    ]
    role: dict[str, Any] = update["Condition"]["StringEquals"]["cloudformation:RoleArn"]
    assert role["Fn::GetAtt"][0].startswith("ServingDeploymentRole")
    assert flat(update["Resource"]).endswith("stack/warmfold-prod-german-credit-serving/*")


def test_the_serving_role_touches_one_endpoints_resources(prod: Assembly) -> None:
    changes = [
        (action, flat(arn))
        for where, statement in prod.statements()
        if "-delivery/ServingDeploymentRole" in where
        for action in listed(statement["Action"])
        for arn in listed(statement["Resource"])
        if re.match(r"(sagemaker|cloudwatch):(Create|Update|Delete|Put)", action)
    ]
    assert changes
    for action, arn in changes:
        assert re.search("warmfold-prod-german-credit|warmfoldprodgermancredit", arn.lower()), (
            action
        )


def test_the_endpoints_role_may_look_at_the_alarms_that_roll_it_back(prod: Assembly) -> None:
    """Developer guide, "Auto-Rollback Configuration and Monitoring"."""
    (looked_at,) = [
        {flat(arn).rpartition(":alarm:")[2] for arn in listed(statement["Resource"])}
        for where, statement in prod.statements()
        if "-training/RolesModel" in where
        and listed(statement["Action"]) == ["cloudwatch:DescribeAlarms"]
    ]
    endpoint = prod.stack("serving").only("AWS::SageMaker::Endpoint")["Properties"]
    rollback = endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    alarms = prod.stack("serving").of_type("AWS::CloudWatch::Alarm")
    assert looked_at == {
        alarms[alarm["AlarmName"]["Ref"]]["Properties"]["AlarmName"] for alarm in rollback
    }
