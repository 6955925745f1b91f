"""Approved versions of another environment come into this one's registry, by copy."""

from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from constructs import Construct

from warmfold_constructs.model_registry import grant_read
from warmfold_constructs.policies import allow, arn
from warmfold_constructs.python_function import PythonFunction
from warmfold_constructs.shared_packages import REGISTERED_FILES

# Files are read twice, to compare the copy; the largest are 5 GB.
_TIMEOUT_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """Where versions come from, all by name. ``model`` is the prefix of its files.

    With ``inherits_approval`` a version has and loses the upstream's approval.
    """

    environment: str
    account: str
    model: str
    model_package_group: str
    bucket: str
    repository: str
    forward_role_name: str
    inherits_approval: bool


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where they go. ``folder`` is the key prefix of the copies, without a slash at its end.

    The instance types are those that a version may be used on here.
    """

    model_package_group: str
    bucket: str
    folder: str
    repository: str
    role_name: str
    bus_name: str
    realtime_instance_types: tuple[str, ...]
    transform_instance_types: tuple[str, ...]


class PackageImport(Construct):
    """A function that copies what is newly approved upstream, and registers it here.

    It looks when the upstream's approvals arrive at its bus, and every ``poll_minutes``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        upstream: Upstream,
        destination: Destination,
        poll_minutes: int,
        log_retention_days: int,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self._upstream, self._own, self._key = upstream, destination, key
        self.function = PythonFunction(
            self,
            "Default",
            package="import_model_package",
            description=f"Imports approved versions of {upstream.environment}",
            environment=self._variables(),
            timeout_seconds=_TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        self.function.name_role(destination.role_name)
        self._allow_reading()
        self._allow_writing()
        self._allow_registering()
        self._on_approval()
        self._poll_every(poll_minutes)

    def _variables(self) -> dict[str, str]:
        stack, own = Stack.of(self), self._own
        registry = f"{stack.account}.dkr.ecr.{stack.region}.{stack.url_suffix}"
        return {
            "UPSTREAM_ENVIRONMENT": self._upstream.environment,
            "UPSTREAM_GROUP_ARN": self._of_upstream(
                "sagemaker", "model-package-group", self._upstream.model_package_group
            ),
            "UPSTREAM_BUCKET": self._upstream.bucket,
            "UPSTREAM_REPOSITORY": self._upstream.repository,
            "MODEL_PACKAGE_GROUP_NAME": own.model_package_group,
            "FOLDER_URI": f"s3://{own.bucket}/{own.folder}",
            "REPOSITORY_URI": f"{registry}/{own.repository}",
            "APPROVAL": "inherited" if self._upstream.inherits_approval else "manual",
            "REALTIME_INSTANCE_TYPES": ",".join(own.realtime_instance_types),
            "TRANSFORM_INSTANCE_TYPES": ",".join(own.transform_instance_types),
        }

    def _allow_reading(self) -> None:
        """Of the upstream, which must allow the same; and the digests of the own images."""
        role, upstream = self.function.role, self._upstream
        group = upstream.model_package_group
        allow(
            role,
            ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
            [
                self._of_upstream("sagemaker", "model-package-group", group),
                self._of_upstream("sagemaker", "model-package", f"{group}/*"),
            ],
            because="Versions of one model package group, numbered when they are registered.",
        )
        files = [
            _objects(self, upstream.bucket, f"{upstream.model}/{path}") for path in REGISTERED_FILES
        ]
        because = (
            "Artifacts and metrics of one model, of executions that are named when they start."
        )
        allow(role, ["s3:GetObject"], files, because=because)
        allow(
            role,
            ["kms:Decrypt"],
            [self._of_upstream("kms", "key", "*")],
            because="A key's id is known in its account only, and its own policy must allow it.",
            conditions={
                "StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}
            },
        )
        repositories = [
            self._of_upstream("ecr", "repository", upstream.repository),
            arn(self, "ecr", "repository", self._own.repository),
        ]
        allow(role, ["ecr:DescribeImages"], repositories)

    def _allow_writing(self) -> None:
        role, own = self.function.role, self._own
        copies = _objects(self, own.bucket, f"{own.folder}/*")
        because = "Copies of versions that are numbered when they are registered."
        allow(role, ["s3:GetObject", "s3:PutObject"], [copies], because=because)
        allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], [self._key.key_arn])

    def _allow_registering(self) -> None:
        """With one approval only: no import can approve what people are to approve."""
        role, group = self.function.role, self._own.model_package_group
        grant_read(role, group)
        versions = arn(self, "sagemaker", "model-package", f"{group}/*")
        groups = arn(self, "sagemaker", "model-package-group", group)
        approval = "Approved" if self._upstream.inherits_approval else "PendingManualApproval"
        self._allow_status("sagemaker:CreateModelPackage", [groups, versions], approval)
        if self._upstream.inherits_approval:
            self._allow_status("sagemaker:UpdateModelPackage", [versions], "Rejected")

    def _allow_status(self, action: str, resources: list[str], approval: str) -> None:
        allow(
            self.function.role,
            [action],
            resources,
            conditions={"StringEquals": {"sagemaker:ModelApprovalStatus": approval}},
        )

    def _on_approval(self) -> None:
        bus = events.CfnEventBus(
            self,
            "Bus",
            name=self._own.bus_name,
            policy=self._bus_policy(),
        )
        rule = events.Rule(
            self,
            "OnApproval",
            description=f"An approval of {self._upstream.model_package_group} has changed",
            event_bus=events.EventBus.from_event_bus_name(self, "UpstreamBus", bus.ref),
            event_pattern=events.EventPattern(
                account=[self._upstream.account],
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={"ModelPackageGroupName": [self._upstream.model_package_group]},
            ),
        )
        rule.add_target(targets.LambdaFunction(self.function.function))

    def _bus_policy(self) -> dict[str, object]:
        """One role of the upstream's account may send; see `shared_packages` for the condition."""
        upstream, stack = self._upstream, Stack.of(self)
        sender = stack.format_arn(
            service="iam",
            region="",
            account=upstream.account,
            resource="role",
            resource_name=upstream.forward_role_name,
        )
        root = f"arn:{stack.partition}:iam::{upstream.account}:root"
        statement = {
            "Sid": "UpstreamApprovals",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": "events:PutEvents",
            "Resource": arn(self, "events", "event-bus", self._own.bus_name),
            "Condition": {"ArnEquals": {"aws:PrincipalArn": sender}},
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    def _poll_every(self, minutes: int) -> None:
        events.Rule(
            self,
            "Poll",
            description=f"Looks for approvals of {self._upstream.environment} that were not heard",
            schedule=events.Schedule.rate(Duration.minutes(minutes)),
            targets=[targets.LambdaFunction(self.function.function)],
        )

    def _of_upstream(self, service: str, resource: str, name: str) -> str:
        return Stack.of(self).format_arn(
            service=service,
            account=self._upstream.account,
            resource=resource,
            resource_name=name,
        )


def _objects(scope: Construct, bucket: str, path: str) -> str:
    return Stack.of(scope).format_arn(
        service="s3", account="", region="", resource=bucket, resource_name=path
    )
