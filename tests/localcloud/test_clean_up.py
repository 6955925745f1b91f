"""A stack's clean-up on a local cloud: CloudFormation, the function, and no more permissions than
the construct gives it."""

import io
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from botocore.exceptions import ClientError

from stacks.platform import feature_flags
from tests.localcloud.conftest import ROLE, RunningCloud, policy, wait_for
from tests.localcloud.synth_aids import template
from warmfold_constructs.artifact_store import ArtifactStore, Retention
from warmfold_constructs.clean_up import CleanUp, Leftovers

pytestmark = pytest.mark.localcloud

ASSETS = "clean-up-assets"


def build(stack: Stack, *, name: str, cleans_up: bool) -> None:
    store = ArtifactStore(
        stack,
        "Artifacts",
        bucket_name=name,
        key_alias=f"alias/{name}",
        log_group_prefixes=["*"],
        removable=True,
        retention=Retention(noncurrent_version_days=1, access_log_days=1, by_prefix={}),
    )
    if cleans_up:
        buckets = [store.bucket, store.access_logs]
        clean_up = CleanUp(
            stack,
            "CleanUp",
            leftovers=Leftovers(buckets=buckets),
            key=store.key,
            log_retention_days=1,
        )
        store.emptied_by(clean_up)


@dataclass(frozen=True)
class Deployed:
    """A stack of an artifact store, in the cloud under the name of its bucket."""

    cloud: RunningCloud
    folder: Path
    name: str = field(default_factory=lambda: f"clean-up-{time.time_ns()}")

    @property
    def formation(self) -> Any:
        return self.cloud.client("cloudformation")

    @property
    def s3(self) -> Any:
        return self.cloud.client("s3")

    def deploy(self, *, cleans_up: bool) -> None:
        folder = self.folder / str(cleans_up)
        made = template(
            folder,
            self.cloud.settings.account,
            lambda stack: build(stack, name=self.name, cleans_up=cleans_up),
            **feature_flags(),
        )
        self._publish(folder, made)
        change: Callable[..., Any] = (
            self.formation.update_stack if self.status() else self.formation.create_stack
        )
        given = {"Capabilities": ["CAPABILITY_IAM"], "RoleARN": ROLE}
        change(StackName=self.name, TemplateBody=json.dumps(made), **given)
        assert self.settled() in ("CREATE_COMPLETE", "UPDATE_COMPLETE")

    def delete(self) -> str:
        self.formation.delete_stack(StackName=self.name)
        return self.settled()

    def status(self) -> str:
        """Empty if there is no such stack."""
        try:
            (found,) = self.formation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError:
            return ""
        return str(found["StackStatus"])

    def settled(self) -> str:
        """Of a stack that is gone, ``DELETE_COMPLETE``."""

        def ended() -> str | None:
            status = self.status() or "DELETE_COMPLETE"
            return None if status.endswith("_IN_PROGRESS") else status

        return str(wait_for(ended, f"{self.name} settled"))

    def fill(self) -> list[str]:
        """Every kind of content that keeps a bucket from being deleted; the buckets."""
        self.s3.put_object(Bucket=self.name, Key="a", Body=b"1")
        self.s3.put_object(Bucket=self.name, Key="a", Body=b"2")
        self.s3.delete_object(Bucket=self.name, Key="a")
        self.s3.put_object(Bucket=self.name, Key="b", Body=b"3")
        self.s3.create_multipart_upload(Bucket=self.name, Key="c")
        (logs,) = set(self.buckets()) - {self.name}
        self.s3.put_object(Bucket=logs, Key="artifacts/log", Body=b"")
        return self.buckets()

    def buckets(self) -> list[str]:
        return self.physical_ids("AWS::S3::Bucket")

    def physical_ids(self, kind: str) -> list[str]:
        found = self.formation.describe_stack_resources(StackName=self.name)["StackResources"]
        return [
            str(resource["PhysicalResourceId"])
            for resource in found
            if resource["ResourceType"] == kind
        ]

    def versions(self) -> int:
        found = self.s3.list_object_versions(Bucket=self.name)
        return len(found["Versions"]) + len(found["DeleteMarkers"])

    def reasons(self) -> str:
        """Why resources could not be deleted."""
        events = self.formation.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [each for each in events if each["ResourceStatus"] == "DELETE_FAILED"]
        return " ".join(each.get("ResourceStatusReason", "") for each in failed)

    def _publish(self, folder: Path, made: dict[str, Any]) -> None:
        """The functions' sources, as `cdk deploy` uploads assets."""
        self.s3.create_bucket(Bucket=ASSETS)
        for resource in made["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                key = resource["Properties"]["Code"]["S3Key"]
                source = folder / f"asset.{Path(key).stem}"
                packed = Path(shutil.make_archive(str(folder / "packed"), "zip", source))
                self.s3.upload_fileobj(io.BytesIO(packed.read_bytes()), ASSETS, key)
                resource["Properties"]["Code"] = {"S3Bucket": ASSETS, "S3Key": key}


@pytest.fixture
def deployed(cloud: RunningCloud, tmp_path: Path) -> Deployed:
    return Deployed(cloud, tmp_path)


def test_a_deleted_stack_takes_its_buckets_content_along(deployed: Deployed) -> None:
    deployed.deploy(cleans_up=True)
    filled = deployed.fill()
    assert deployed.versions() == 4
    assert deployed.delete() == "DELETE_COMPLETE", deployed.reasons()
    left = {bucket["Name"] for bucket in deployed.s3.list_buckets()["Buckets"]}
    assert not left & set(filled)


def test_a_deletion_that_failed_is_taken_up_where_it_ended(deployed: Deployed) -> None:
    """The function, its role and the buckets are still there for the next attempt."""
    deployed.deploy(cleans_up=True)
    deployed.fill()
    (role,) = [id for id in deployed.physical_ids("AWS::IAM::Role") if "CleanUp" in id]
    denied = json.loads(policy(Action="s3:DeleteObjectVersion", Resource="*", Effect="Deny"))
    iam = deployed.cloud.client("iam")
    iam.put_role_policy(RoleName=role, PolicyName="deny", PolicyDocument=json.dumps(denied))
    assert deployed.delete() == "DELETE_FAILED"
    assert "s3:DeleteObjectVersion" in deployed.reasons()
    assert deployed.versions() == 4
    iam.delete_role_policy(RoleName=role, PolicyName="deny")
    assert deployed.delete() == "DELETE_COMPLETE", deployed.reasons()


def test_a_clean_up_that_leaves_the_template_deletes_nothing(deployed: Deployed) -> None:
    """As when `storage.removable` becomes false, for an environment that is to be kept."""
    deployed.deploy(cleans_up=True)
    deployed.fill()
    deployed.deploy(cleans_up=False)
    assert deployed.versions() == 4
    assert deployed.delete() == "DELETE_FAILED"
    assert deployed.versions() == 4
    assert "The bucket you tried to delete is not empty" in deployed.reasons()
