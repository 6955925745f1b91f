"""Two environments of one local cloud: a registry that shares, and one that imports from it.

Both are one account, since the cloud has one; what separates accounts is asked of the policies
alone, in tests/unit/infrastructure/test_sharing.py.
"""

import io
import json
import time
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_kms as kms

from tests.localcloud.conftest import RunningCloud, wait_for
from tests.localcloud.fault_aids import SOURCE, invoke_function
from tests.localcloud.synth_aids import template
from tests.localcloud.test_cfn_sagemaker import Stack as DeployedStack
from warmfold_constructs.model_registry import ModelRegistry
from warmfold_constructs.package_import import Destination, PackageImport, Upstream
from warmfold_constructs.shared_packages import ApprovalForwarding, Reader, share_group

MODEL, TAG = "credit", "credit-0123456789abcdef"


def names(environment: str) -> dict[str, str]:
    return {
        "bucket": f"{environment}-bucket",
        "group": f"{environment}-credit",
        "repository": f"{environment}-server",
    }


@dataclass(frozen=True)
class Pair:
    """Both sides deployed, with events, roles and keys of their own."""

    cloud: RunningCloud
    mark: str

    @property
    def upstream(self) -> dict[str, str]:
        return names(f"up-{self.mark}")

    @property
    def own(self) -> dict[str, str]:
        return names(f"own-{self.mark}")

    @property
    def role_name(self) -> str:
        return f"own-{self.mark}-import"

    @cached_property
    def keys(self) -> dict[str, str]:
        """Buckets with a key of their own each; the keys' ARNs by bucket."""
        found = {}
        for bucket in (self.upstream["bucket"], self.own["bucket"]):
            found[bucket] = self.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
            rule = {
                "ApplyServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": found[bucket],
                }
            }
            s3 = self.cloud.client("s3")
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_encryption(
                Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
            )
        return found

    def deploy(self, folder: Path) -> None:
        for side in (self.upstream, self.own):
            self.cloud.client("ecr").create_repository(repositoryName=side["repository"])
        own_key = self.keys[self.own["bucket"]]
        body = template(
            folder, self.cloud.settings.account, lambda stack: self._build(stack, own_key)
        )
        for resource in body["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                resource["Properties"]["Code"] = self._code()
        cloudformation, name = self.cloud.client("cloudformation"), f"pair-{self.mark}"
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(body), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        stack = DeployedStack(self.cloud, name)
        made = wait_for(stack.settled, f"{name} settled")
        assert made["StackStatus"] == "CREATE_COMPLETE", stack.reasons()

    def _build(self, stack: Stack, own_key: str) -> None:
        account, forward = self.cloud.settings.account, f"up-{self.mark}-forward"
        bus = f"own-{self.mark}-upstream"
        reader = Reader(account=account, role_name=self.role_name, bus_name=bus)
        groups = {
            name: ModelRegistry(stack, name, name=side["group"], description="", removable=True)
            for name, side in (("Upstream", self.upstream), ("Own", self.own))
        }
        share_group(groups["Upstream"], [reader])
        ApprovalForwarding(
            stack,
            "Forwarding",
            model_package_group=self.upstream["group"],
            role_name=forward,
            readers=[reader],
        )
        PackageImport(
            stack,
            "Import",
            upstream=Upstream(
                environment="staging",
                account=account,
                model=MODEL,
                model_package_group=self.upstream["group"],
                bucket=self.upstream["bucket"],
                repository=self.upstream["repository"],
                forward_role_name=forward,
                inherits_approval=True,
            ),
            destination=Destination(
                model_package_group=self.own["group"],
                bucket=self.own["bucket"],
                folder=f"{MODEL}/imported/staging",
                repository=self.own["repository"],
                role_name=self.role_name,
                bus_name=bus,
                realtime_instance_types=("ml.c5.large",),
                transform_instance_types=("ml.m5.large",),
            ),
            poll_minutes=1440,
            log_retention_days=7,
            key=kms.Key.from_key_arn(stack, "Key", own_key),
        )

    def _code(self) -> dict[str, str]:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as target:
            for package in ("import_model_package", "warmfold_lambda"):
                for path in sorted((SOURCE / package).rglob("*.py")):
                    target.write(path, str(path.relative_to(SOURCE)))
        place = {"Bucket": self.upstream["bucket"], "Key": "code.zip"}
        self.cloud.client("s3").put_object(**place, Body=archive.getvalue())
        return {"S3Bucket": place["Bucket"], "S3Key": place["Key"]}

    def push_image(self, side: dict[str, str], tag: str) -> None:
        self.cloud.client("ecr").put_image(
            repositoryName=side["repository"],
            imageTag=tag,
            imageManifest=json.dumps({"schemaVersion": 2, "config": tag}),
        )

    def register(self, tag: str, content: bytes) -> str:
        """A version upstream with an artifact, an evaluation and an image; its ARN."""
        self.push_image(self.upstream, tag)
        run = f"{MODEL}/executions/{time.time_ns()}"
        s3, bucket = self.cloud.client("s3"), self.upstream["bucket"]
        s3.put_object(Bucket=bucket, Key=f"{run}/final/model.tar.gz", Body=content)
        s3.put_object(Bucket=bucket, Key=f"{run}/evaluation/evaluation.json", Body=b"{}")
        registry = f"{self.cloud.settings.account}.dkr.ecr.us-east-1.amazonaws.com"
        container = {
            "Image": f"{registry}/{self.upstream['repository']}:{tag}",
            "ModelDataUrl": f"s3://{bucket}/{run}/final/model.tar.gz",
        }
        evaluation = f"s3://{bucket}/{run}/evaluation/evaluation.json"
        statistics = {"ContentType": "application/json", "S3Uri": evaluation}
        made = self.cloud.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.upstream["group"],
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            ModelMetrics={"ModelQuality": {"Statistics": statistics}},
            CustomerMetadataProperties={"git_commit": "0123abc"},
        )
        return str(made["ModelPackageArn"])

    def decide(self, package_arn: str, approval: str) -> None:
        self.cloud.client("sagemaker").update_model_package(
            ModelPackageArn=package_arn, ModelApprovalStatus=approval
        )

    def imported(self) -> list[dict[str, Any]]:
        """The own versions, oldest first."""
        sagemaker = self.cloud.client("sagemaker")
        found = sagemaker.list_model_packages(
            ModelPackageGroupName=self.own["group"], SortBy="CreationTime", SortOrder="Ascending"
        )["ModelPackageSummaryList"]
        return [
            sagemaker.describe_model_package(ModelPackageName=each["ModelPackageArn"])
            for each in found
        ]

    def copies(self) -> list[str]:
        listed = self.cloud.client("s3").list_objects_v2(Bucket=self.own["bucket"])
        return [each["Key"] for each in listed.get("Contents", [])]

    @cached_property
    def function(self) -> str:
        resources = self.cloud.client("cloudformation").describe_stack_resources(
            StackName=f"pair-{self.mark}"
        )["StackResources"]
        (name,) = [
            each["PhysicalResourceId"]
            for each in resources
            if each["ResourceType"] == "AWS::Lambda::Function"
        ]
        return str(name)

    def poll(self) -> dict[str, Any]:
        """As the schedule does."""
        return invoke_function(self.cloud, self.function, {"source": "aws.events"})

    def arrived(self, package_arn: str) -> dict[str, Any]:
        """The own version of an upstream's, once it is there."""

        def found() -> dict[str, Any] | None:
            own = [each for each in self.imported() if source_of(each) == package_arn]
            return own[0] if own else None

        version: dict[str, Any] = wait_for(found, f"{package_arn} was imported")
        return version

    def hear(self, *, events: bool) -> None:
        """Lose every forwarded event, or none."""
        client = self.cloud.client("events")
        (name,) = [
            rule["Name"]
            for rule in client.list_rules()["Rules"]
            if self.upstream["group"] in rule.get("Description", "")
        ]
        (client.enable_rule if events else client.disable_rule)(Name=name)


def source_of(described: dict[str, Any]) -> str:
    return str(described["CustomerMetadataProperties"]["staging_model_package_arn"])
