"""What other accounts may read of an environment's approved versions, and how they hear of them.

A policy may only name a role that is there already, in an account that this one cannot look into.
So statements name the reader's account, and bind it to one role by ``aws:PrincipalArn``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold_constructs.model_registry import ModelRegistry
from warmfold_constructs.policies import allow, arn, new_role

# Where a model's registered files are: its own, and those that it imported.
REGISTERED_FILES = ("executions/*/final/*", "executions/*/evaluation/*", "imported/*")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The role of one model's imports in another environment, and the bus that tells it when."""

    account: str
    role_name: str
    bus_name: str


def share_files(bucket: s3.Bucket, model: str, readers: Sequence[Reader]) -> None:
    """Read what packages of ``model`` name: artifacts and metrics, no data and no predictions."""
    for reader in readers:
        bucket.add_to_resource_policy(
            _statement(
                bucket,
                [reader],
                ["s3:GetObject"],
                [bucket.arn_for_objects(f"{model}/{path}") for path in REGISTERED_FILES],
            )
        )


def share_key(key: kms.Key, readers: Sequence[Reader]) -> None:
    """Decrypt objects with the key, by way of S3 only."""
    via = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(key).region}.amazonaws.com"}}
    for account in sorted({reader.account for reader in readers}):
        of_account = [reader for reader in readers if reader.account == account]
        statement = _statement(key, of_account, ["kms:Decrypt"], ["*"])
        statement.add_conditions(via)
        key.add_to_resource_policy(statement)


def share_digests(repository: ecr.Repository, readers: Sequence[Reader]) -> None:
    """Compare an image's digest with that of the own copy. Nobody pulls from another account."""
    for account in sorted({reader.account for reader in readers}):
        of_account = [reader for reader in readers if reader.account == account]
        repository.add_to_resource_policy(_statement(repository, of_account, _DIGESTS, []))


_DIGESTS = ["ecr:DescribeImages"]


def share_group(registry: ModelRegistry, readers: Sequence[Reader]) -> None:
    """List versions, and describe them."""
    if not readers:
        return
    name = registry.group_name
    resources = [
        arn(registry, "sagemaker", "model-package-group", name),
        arn(registry, "sagemaker", "model-package", f"{name}/*"),
    ]
    actions = ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"]
    statements = [_statement(registry, [reader], actions, resources) for reader in readers]
    registry.resource.model_package_group_policy = iam.PolicyDocument(statements=statements)


class ApprovalForwarding(Construct):
    """Tells other accounts of approvals, and of their withdrawal, by an event to their bus."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        model_package_group: str,
        role_name: str,
        readers: Sequence[Reader],
    ) -> None:
        super().__init__(scope, id)
        role = new_role(
            self,
            "Role",
            role_name=role_name,
            assumed_by=iam.ServicePrincipal(
                "events.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        rule = self._rule(model_package_group)
        buses = [_bus_arn(self, reader) for reader in readers]
        allow(role, ["events:PutEvents"], buses)
        for number, bus_arn in enumerate(buses):
            bus = events.EventBus.from_event_bus_arn(self, f"Bus{number}", bus_arn)
            rule.add_target(targets.EventBus(bus, role=role))

    def _rule(self, model_package_group: str) -> events.Rule:
        return events.Rule(
            self,
            "Rule",
            description=f"Forwards approvals of {model_package_group}",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={
                    "ModelPackageGroupName": [model_package_group],
                    "ModelApprovalStatus": ["Approved", "Rejected"],
                },
            ),
        )


def _bus_arn(scope: Construct, reader: Reader) -> str:
    return Stack.of(scope).format_arn(
        service="events",
        account=reader.account,
        resource="event-bus",
        resource_name=reader.bus_name,
    )


def _statement(
    scope: Construct, readers: Sequence[Reader], actions: list[str], resources: list[str]
) -> iam.PolicyStatement:
    """Readers of one account."""
    roles = [
        Stack.of(scope).format_arn(
            service="iam",
            region="",
            account=reader.account,
            resource="role",
            resource_name=reader.role_name,
        )
        for reader in readers
    ]
    return iam.PolicyStatement(
        principals=[iam.AccountPrincipal(readers[0].account)],
        actions=actions,
        resources=resources or None,
        conditions={"ArnEquals": {"aws:PrincipalArn": roles}},
    )
