"""What goes with a stack and what stays: everything where data may go, nothing in production."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from config.load import environments, load_settings
from tests.unit.infrastructure.assembly import Assembly, Template, flat, listed

CLEAN_UP = "Custom::CleanUp"
REMOVABLE = [name for name in environments() if load_settings(name).storage.removable]
KEPT = [name for name in environments() if name not in REMOVABLE]
# What holds data, models or images; the key of the alerts encrypts nothing that is kept.
DATA = (
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SageMaker::ModelPackageGroup",
)
# Deletes no data: the endpoint's resources, which an update replaces, and uploads that failed.
HARMLESS = {
    "s3:AbortMultipartUpload",
    "sagemaker:DeleteEndpoint",
    "sagemaker:DeleteEndpointConfig",
    "sagemaker:DeleteModel",
    "sagemaker:DeleteTags",
}


@pytest.fixture(params=KEPT)
def kept(request: pytest.FixtureRequest, assembly: Callable[[str], Assembly]) -> Assembly:
    return assembly(request.param)


@pytest.fixture(params=REMOVABLE)
def removable(request: pytest.FixtureRequest, assembly: Callable[[str], Assembly]) -> Assembly:
    return assembly(request.param)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            yield value["Ref"]
        elif set(value) == {"Fn::GetAtt"}:
            yield value["Fn::GetAtt"][0]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def outlived_by(template: Template, id: str) -> set[str]:
    """Everything that CloudFormation deletes after the resource."""
    resources = template.content["Resources"]
    found: set[str] = set()
    waiting = [id]
    while waiting:
        resource = resources[waiting.pop()]
        needed = {*references(resource.get("Properties")), *listed(resource.get("DependsOn", []))}
        new = needed & set(resources) - found
        found |= new
        waiting += new
    return found


def clean_up(template: Template) -> tuple[str, set[str]]:
    ((id, _),) = template.of_type(CLEAN_UP).items()
    return id, outlived_by(template, id)


def test_production_is_among_those_that_keep_their_data() -> None:
    assert {"prod", "staging"} <= set(KEPT)
    assert {"dev", "local"} <= set(REMOVABLE)


def test_where_data_is_kept_nothing_cleans_up(kept: Assembly) -> None:
    for template in kept.templates.values():
        assert CLEAN_UP not in template.types(), template.name
        assert "clean_up" not in json.dumps(template.content), template.name


def test_where_data_is_kept_no_role_may_delete_it(kept: Assembly) -> None:
    deleting = {
        (where, action)
        for where, statement in kept.statements()
        for action in listed(statement["Action"])
        if re.match("(ecr|kms|logs|s3|sagemaker):.*(Abort|Delete|Disable|Schedule)", action)
        and action not in HARMLESS
    }
    assert deleting == set()


def test_where_data_is_kept_it_outlives_its_stack_and_is_not_emptied(kept: Assembly) -> None:
    kinds = set()
    for template in kept.templates.values():
        for kind in DATA:
            for id, resource in template.of_type(kind).items():
                if id.startswith("AlertsKey"):
                    continue
                kinds.add(kind)
                policies = {resource["DeletionPolicy"], resource["UpdateReplacePolicy"]}
                assert policies == {"Retain"}, (template.name, id)
                assert "EmptyOnDelete" not in resource["Properties"]
    assert kinds == set(DATA)


def test_where_data_is_kept_no_stack_is_deleted_by_mistake(kept: Assembly) -> None:
    for name in kept.templates:
        assert kept.manifest["artifacts"][name]["properties"]["terminationProtection"], name


def test_where_data_may_go_it_goes_with_its_stack(removable: Assembly) -> None:
    for template in removable.templates.values():
        for kind in (*DATA, "AWS::Logs::LogGroup"):
            for id, resource in template.of_type(kind).items():
                assert resource["DeletionPolicy"] == "Delete", (template.name, id)
    for repository in removable.stack("images").of_type("AWS::ECR::Repository").values():
        assert repository["Properties"]["EmptyOnDelete"] is True


def test_buckets_are_emptied_once_no_access_log_is_delivered(removable: Assembly) -> None:
    template = removable.stack("storage")
    id, later = clean_up(template)
    buckets = template.of_type("AWS::S3::Bucket")
    assert set(buckets) <= later
    (log_policy,) = [
        name
        for name, policy in template.of_type("AWS::S3::BucketPolicy").items()
        if "logging.s3.amazonaws.com" in json.dumps(policy)
    ]
    assert id in outlived_by(template, log_policy)
    emptied = template.content["Resources"][id]["Properties"]["Buckets"]
    assert [next(references(each)) for each in emptied] == [
        *(name for name in buckets if "BucketName" in buckets[name]["Properties"]),
        *(name for name in buckets if "BucketName" not in buckets[name]["Properties"]),
    ]


def test_the_registry_is_emptied_while_its_pipeline_and_roles_are_there(
    removable: Assembly,
) -> None:
    template = removable.stack("training")
    _, later = clean_up(template)
    kinds = ("AWS::SageMaker::Pipeline", "AWS::SageMaker::ModelPackageGroup")
    for kind in kinds:
        assert set(template.of_type(kind)) <= later
    roles = {*template.of_type("AWS::IAM::Role"), *template.of_type("AWS::IAM::Policy")}
    assert {id for id in roles if id.startswith(("Roles", "PipelineRole"))} <= later


def test_a_day_is_not_started_any_more_when_its_executions_are_stopped(
    removable: Assembly,
) -> None:
    template = removable.stack("batch")
    id, later = clean_up(template)
    (schedule,) = template.of_type("AWS::Scheduler::Schedule")
    assert id in outlived_by(template, schedule)
    assert set(template.of_type("AWS::SageMaker::Pipeline")) <= later


def test_a_clean_up_may_delete_only_what_is_its_stacks(removable: Assembly) -> None:
    prefix = removable.stack("storage").name.removesuffix("-storage")
    own = re.compile(
        rf"{prefix}-german-credit|pipelines-\?+-\*|ArtifactsBucket|ArtifactsAccessLogs|AWS::StackId"
    )
    checked = 0
    for where, statement in removable.statements():
        if "/CleanUp" not in where or listed(statement["Resource"]) == ["*"]:
            continue
        for resource in listed(statement["Resource"]):
            if "CleanUpFunctionLogs" not in flat(resource):
                assert own.search(flat(resource)), (where, flat(resource))
                checked += 1
    assert checked > 12


def test_the_function_has_lambdas_longest_time_and_is_not_tried_again(
    removable: Assembly,
) -> None:
    for ending in ("storage", "training", "batch"):
        template = removable.stack(ending)
        (resource,) = template.of_type(CLEAN_UP).values()
        (function,) = [
            found["Properties"]
            for found in template.of_type("AWS::Lambda::Function").values()
            if found["Properties"]["Handler"] == "clean_up.handler.handle"
        ]
        assert function["Timeout"] == 900
        assert int(resource["Properties"]["ServiceTimeout"]) > function["Timeout"]
        (invoked,) = [
            found["Properties"]
            for found in template.of_type("AWS::Lambda::EventInvokeConfig").values()
            if next(references(found["Properties"]["FunctionName"])).startswith("CleanUp")
        ]
        assert invoked["MaximumRetryAttempts"] == 0
