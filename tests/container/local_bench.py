"""A local cloud with the example's images, and the requests of jobs in them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.localcloud.conftest import make_client, wait_for
from warmfold_local import launcher
from warmfold_local.launcher import Instance

BUCKET = "artifacts"
REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
TRAINER = f"{REGISTRY}/warmfold-local-trainer:v1"
SERVER = f"{REGISTRY}/warmfold-local-server:v1"
JOB_SECONDS = 120.0
Way = Literal["process", "engine"]


@dataclass(frozen=True)
class Bench:
    """A local cloud with the example's images, a role and a bucket."""

    instance: Instance
    role: str

    def client(self, service: str) -> Any:
        return make_client(self.instance.settings, service)

    def put(self, key: str, body: bytes) -> None:
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        body: bytes = self.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def process(self, name: str, command: str, inputs: dict[str, str], **variables: str) -> None:
        """A processing job of the trainer image to its end; outputs go to ``name/``."""
        outputs = {"process": ("train", "holdout", "transform"), "evaluate": ("evaluation",)}
        sagemaker = self.client("sagemaker")
        sagemaker.create_processing_job(
            ProcessingJobName=name,
            AppSpecification={
                "ImageUri": TRAINER,
                "ContainerEntrypoint": ["python", "-m", "warmfold_trainer"],
                "ContainerArguments": [command],
            },
            Environment=variables,
            NetworkConfig={"EnableNetworkIsolation": True},
            ProcessingInputs=[
                {
                    "InputName": key,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/input/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for key, uri in inputs.items()
            ],
            ProcessingOutputConfig={
                "Outputs": [
                    {
                        "OutputName": key,
                        "S3Output": {
                            "S3Uri": f"s3://{BUCKET}/{name}/{key}",
                            "LocalPath": f"/opt/ml/processing/output/{key}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for key in outputs[command]
                ]
            },
            ProcessingResources={
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 1,
                }
            },
            RoleArn=self.role,
        )
        job = wait_for(
            lambda: _ended(sagemaker.describe_processing_job(ProcessingJobName=name), "Processing"),
            f"{name} ends",
            JOB_SECONDS,
        )
        assert job["ProcessingJobStatus"] == "Completed", job

    def start_training(
        self,
        name: str,
        hyperparameters: dict[str, str],
        channels: dict[str, str],
        **members: Any,
    ) -> None:
        inputs = [_channel(key, uri) for key, uri in channels.items()]
        self.client("sagemaker").create_training_job(
            **{
                "TrainingJobName": name,
                "AlgorithmSpecification": {"TrainingImage": TRAINER, "TrainingInputMode": "File"},
                "HyperParameters": hyperparameters,
                "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
                "ResourceConfig": {
                    "InstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 1,
                },
                "RoleArn": self.role,
                "StoppingCondition": {"MaxRuntimeInSeconds": 300},
                "EnableNetworkIsolation": True,
                **({"InputDataConfig": inputs} if inputs else {}),
                **members,
            }
        )

    def ended_training(self, name: str) -> dict[str, Any]:
        sagemaker = self.client("sagemaker")
        found: dict[str, Any] = wait_for(
            lambda: _ended(sagemaker.describe_training_job(TrainingJobName=name), "Training"),
            f"{name} ends",
            JOB_SECONDS,
        )
        return found

    def log(self, name: str) -> str:
        path = self.instance.settings.state_dir / "jobs" / "training" / name / "log.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""


def _ended(job: dict[str, Any], kind: str) -> dict[str, Any] | None:
    return job if f"{kind}EndTime" in job else None


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


@contextmanager
def running(images_dir: Path, state_dir: Path) -> Iterator[Bench]:
    instance = launcher.start(state_dir, images_dir)
    try:
        settings = instance.settings
        make_client(settings, "s3").create_bucket(Bucket=BUCKET)
        yield Bench(instance, _role(settings))
    finally:
        launcher.stop(state_dir)


def _role(settings: Any) -> str:
    """A role that may do everything: roles have tests of their own."""
    iam = make_client(settings, "iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    policy = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = iam.create_role(RoleName="jobs", AssumeRolePolicyDocument=_document(trust))["Role"]
    iam.put_role_policy(RoleName="jobs", PolicyName="all", PolicyDocument=_document(policy))
    return str(role["Arn"])


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
