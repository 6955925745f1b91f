"""The CDK's own command line on the local environment: deploy, diff, deploy again, destroy."""

import io
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.load import load_settings
from tests.clients.conftest import ROOT, Client
from tests.localcloud.conftest import TINY_SERVER, RunningCloud, wait_for, with_role
from warmfold.demo.cdk import cdk_environment
from warmfold.demo.deploy import image_specs
from warmfold_local import launcher

pytestmark = pytest.mark.clients

CDK = str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk")
OURS = "warmfold-local-german-credit"
ENDPOINT_SECONDS = 120.0


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A cloud of its own: what is deployed must not meet other tests' resources."""
    folder = tmp_path_factory.mktemp("a cdk cloud")
    yield with_role(launcher.start(folder / "state", folder / "images"))
    assert launcher.stop(folder / "state")


@pytest.fixture(scope="module")
def cdk(own_cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Any:
    output = tmp_path_factory.mktemp("cdk.out")
    client = Client(cdk_environment(own_cloud.settings, ROOT))
    common = ["--no-notices", "--no-color", "--output", str(output), "-c", "env=local"]

    def run(command: str, *arguments: str) -> str:
        return client.run("node", CDK, command, *arguments, *common, seconds=300)

    run("bootstrap", f"aws://{own_cloud.settings.account}/{own_cloud.settings.region}")
    return run


def stacks(cloud: RunningCloud) -> dict[str, str]:
    pages = cloud.client("cloudformation").get_paginator("describe_stacks").paginate()
    found = {s["StackName"]: s["StackStatus"] for page in pages for s in page["Stacks"]}
    return {name: status for name, status in found.items() if name.startswith("warmfold-")}


def inventory(cloud: RunningCloud) -> dict[str, set[str]]:
    """What there is of every kind that the stacks make, or that what runs in them makes."""

    def names(service: str, operation: str, member: str, name: str, **request: Any) -> set[str]:
        client = cloud.client(service)
        if not client.can_paginate(operation):
            return {found[name] for found in getattr(client, operation)(**request)[member]}
        pages = client.get_paginator(operation).paginate(**request)
        return {found[name] for page in pages for found in page.get(member, [])}

    listed = {
        "endpoints": ("Endpoints", "EndpointName"),
        "endpoint_configs": ("EndpointConfigs", "EndpointConfigName"),
        "models": ("Models", "ModelName"),
        "model_package_groups": ("ModelPackageGroupSummaryList", "ModelPackageGroupName"),
        "pipelines": ("PipelineSummaries", "PipelineName"),
    }
    sagemaker = {
        kind: names("sagemaker", f"list_{kind}", member, name)
        for kind, (member, name) in listed.items()
    }
    return {
        **sagemaker,
        "alarms": names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "aliases": names("kms", "list_aliases", "Aliases", "AliasName"),
        "buckets": names("s3", "list_buckets", "Buckets", "Name"),
        "dashboards": names("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "functions": names("lambda", "list_functions", "Functions", "FunctionName"),
        "keys": usable_keys(cloud),
        "log groups": names("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "parameters": names("ssm", "describe_parameters", "Parameters", "Name"),
        "queues": set(cloud.client("sqs").list_queues().get("QueueUrls", [])),
        "repositories": names("ecr", "describe_repositories", "repositories", "repositoryName"),
        "roles": names("iam", "list_roles", "Roles", "RoleName"),
        "rules": names("events", "list_rules", "Rules", "Name"),
        "scalable targets": names(
            "application-autoscaling",
            "describe_scalable_targets",
            "ScalableTargets",
            "ResourceId",
            ServiceNamespace="sagemaker",
        ),
        "schedule groups": names("scheduler", "list_schedule_groups", "ScheduleGroups", "Name"),
        "schedules": names("scheduler", "list_schedules", "Schedules", "Name"),
        "topics": names("sns", "list_topics", "Topics", "TopicArn"),
    }


def usable_keys(cloud: RunningCloud) -> set[str]:
    """Those that are not waiting for their deletion."""
    kms = cloud.client("kms")
    keys = [
        key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]
    ]
    described = [kms.describe_key(KeyId=key)["KeyMetadata"] for key in keys]
    return {key["KeyId"] for key in described if key["KeyState"] != "PendingDeletion"}


def more_than(before: dict[str, set[str]], now: dict[str, set[str]]) -> dict[str, set[str]]:
    return {kind: names - before[kind] for kind, names in now.items() if names - before[kind]}


@pytest.fixture(scope="module")
def before(own_cloud: RunningCloud, cdk: Any) -> dict[str, set[str]]:
    """The account as bootstrapped, with nothing of ours."""
    return inventory(own_cloud)


@pytest.fixture(scope="module")
def deploy(cdk: Any, before: dict[str, set[str]]) -> Callable[[], str]:
    def run() -> str:
        return str(cdk("deploy", "--all", "--require-approval", "never", "--concurrency", "3"))

    run()
    return run


def test_the_environment_is_deployed_and_found_unchanged(
    deploy: Callable[[], str], cdk: Any, own_cloud: RunningCloud
) -> None:
    deployed = stacks(own_cloud)
    assert len(deployed) >= 5
    assert set(deployed.values()) == {"CREATE_COMPLETE"}
    cdk("diff", "--all", "--fail")  # exit code 1 if anything differs
    again = deploy()
    assert stacks(own_cloud) == deployed, again


class Content:
    """What an environment holds once it has been used."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.cloud = cloud
        self.sagemaker = cloud.client("sagemaker")
        self.s3 = cloud.client("s3")
        settings = cloud.settings
        self.bucket = f"warmfold-local-{settings.account}-{settings.region}"
        self._add_images()

    def _add_images(self) -> None:
        """Under the names of the real ones: a job that never ends, and a server."""
        trainer = self.cloud.settings.images_dir / "warmfold_trainer.py"
        trainer.parent.mkdir(parents=True, exist_ok=True)
        trainer.write_text("import time\nprint('started', flush=True)\ntime.sleep(600)\n")
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(trainer.parent),
        }
        server = f"print('started', flush=True)\n{TINY_SERVER.read_text(encoding='utf-8')}"
        argv = [sys.executable, "-I", "-c", server]
        for spec in image_specs(ROOT, load_settings("local")):
            self.cloud.add_image(spec.repository, spec.tag, argv, **environment)
            if spec.kind == "server":
                self._server = f"{spec.repository}:{spec.tag}"

    def objects(self) -> None:
        for body in (b"1", b"2"):
            self.s3.put_object(Bucket=self.bucket, Key="german-credit/raw/a.csv", Body=body)
        self.s3.delete_object(Bucket=self.bucket, Key="german-credit/raw/a.csv")
        self.s3.create_multipart_upload(Bucket=self.bucket, Key="german-credit/raw/b.csv")
        (logs,) = [
            bucket["Name"]
            for bucket in self.s3.list_buckets()["Buckets"]
            if "accesslogs" in bucket["Name"]
        ]
        self.s3.put_object(Bucket=logs, Key="artifacts/2026-01-01", Body=b"")

    def running_execution(self) -> None:
        pipeline = f"{OURS}-training"
        self.s3.put_object(Bucket=self.bucket, Key="german-credit/raw/c.csv", Body=b"a\n1\n")
        started = self.sagemaker.start_pipeline_execution(PipelineName=pipeline)
        arn = str(started["PipelineExecutionArn"])

        def runs() -> bool:
            found = self.sagemaker.list_processing_jobs(StatusEquals="InProgress")
            status = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            assert status["PipelineExecutionStatus"] == "Executing", status
            return bool(found["ProcessingJobSummaries"])

        wait_for(runs, "the execution's first job runs")

    def endpoint(self) -> None:
        """An approved version, which the platform deploys."""
        settings = self.cloud.settings
        registry = f"{settings.account}.dkr.ecr.{settings.region}.amazonaws.com"
        key = "german-credit/executions/x/final/model.tar.gz"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=archive())
        container = {
            "Image": f"{registry}/{self._server}",
            "ModelDataUrl": f"s3://{self.bucket}/{key}",
        }
        self.sagemaker.create_model_package(
            ModelPackageGroupName=OURS,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
        wait_for(self._served, "the endpoint is there", ENDPOINT_SECONDS)

    def _served(self) -> bool:
        serving = f"{OURS}-serving"
        status = stacks(self.cloud)[serving]
        if "ROLLBACK" in status:
            found = self.cloud.client("cloudformation").describe_stack_events(StackName=serving)
            raise AssertionError([e.get("ResourceStatusReason") for e in found["StackEvents"]])
        return status == "UPDATE_COMPLETE"

    def batch_model(self) -> None:
        """As the daily run makes it of version 1."""
        (version,) = self.sagemaker.list_model_packages(ModelPackageGroupName=OURS)[
            "ModelPackageSummaryList"
        ]
        role = self.cloud.client("iam").get_role(RoleName=f"{OURS}-model")["Role"]["Arn"]
        self.sagemaker.create_model(
            ModelName=f"{OURS}-v1",
            ExecutionRoleArn=role,
            EnableNetworkIsolation=True,
            Containers=[{"ModelPackageName": version["ModelPackageArn"]}],
        )

    def logs(self) -> None:
        """A job prints into a group that SageMaker makes, the server into one of the stacks'."""
        logs = self.cloud.client("logs")

        def there() -> bool:
            found = logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
            names = {group["logGroupName"]: group for group in found}
            ours = f"/aws/sagemaker/Endpoints/{OURS}"
            assert names[ours]["retentionInDays"] == 7
            streams = logs.describe_log_streams(logGroupName=ours)["logStreams"]
            return "/aws/sagemaker/ProcessingJobs" in names and streams != []

        wait_for(there, "job and server have printed")


def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("model.txt"), io.BytesIO(b""))
    return packed.getvalue()


def test_destroy_leaves_nothing_of_a_used_environment(
    deploy: Callable[[], str], cdk: Any, own_cloud: RunningCloud, before: dict[str, set[str]]
) -> None:
    content = Content(own_cloud)
    content.objects()
    content.running_execution()
    content.endpoint()
    content.batch_model()
    content.logs()
    made = more_than(before, inventory(own_cloud))
    assert set(made) == set(before), "a kind of which nothing was made proves nothing"
    cdk("destroy", "--all", "--force")
    assert stacks(own_cloud) == {}
    left = more_than(before, inventory(own_cloud))
    # SageMaker's own, which all jobs of an account share: docs/removal.md.
    assert left == {"log groups": {"/aws/sagemaker/ProcessingJobs"}}
