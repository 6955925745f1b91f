"""A cloud in this process whose SageMaker jobs are scripted, and definitions to run on it."""

import io
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from tests.sessions import shared_session
from warmfold_local.cloud import Cloud, Settings
from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.sagemaker import protocol
from warmfold_local.sagemaker.protocol import call

ROLE = "arn:aws:iam::000000000000:role/pipeline"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:select-best-trial"
TOKEN = "t" * 32

Definition = dict[str, Any]


@dataclass
class Bus:
    """Takes the events that the cloud publishes."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, **event: Any) -> None:
        self.events.append(event)

    def statuses(self, detail_type: str, member: str) -> list[str]:
        found = [event for event in self.events if event["detail_type"] == detail_type]
        return [event["detail"][member] for event in found]


@dataclass
class Jobs:
    """Stands for the job operations: a job ends when its turn comes, as scripted by step name.

    ``endings`` maps a part of the job's name to its status and failure reason; ``held`` jobs run
    until they are released or stopped; ``refusals`` are raised by creates, first come first served.
    """

    cloud: Cloud
    endings: dict[str, tuple[str, str]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    refusals: dict[str, list[ServiceError]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    most_running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def operations(self, job: str) -> dict[str, Callable[..., Any]]:
        return {
            f"Create{job}": lambda cloud, request: self._create(job, request),
            f"Describe{job}": lambda cloud, request: self._describe(job, request),
            f"Stop{job}": lambda cloud, request: self._stop(job, request),
        }

    def created(self, job: str) -> list[dict[str, Any]]:
        return [request for name, request in self.requests if name == f"Create{job}"]

    def _create(self, job: str, request: dict[str, Any]) -> dict[str, Any]:
        name = request[f"{job}Name"]
        with self.lock:
            self.requests.append((f"Create{job}", request))
            for part, errors in self.refusals.items():
                if part in name and errors:
                    raise errors.pop(0)
            arn = self.cloud.arn(f"{_resource(job)}/{name}")
            record = {**request, f"{job}Arn": arn, f"{job}Status": "InProgress"}
            record |= {"CreationTime": self.cloud.now(), **_products(job, name)}
            self.records[name] = record
            self.running.append(name)
            self.most_running = max(self.most_running, len(self.running))
        return {f"{job}Arn": arn}

    def _describe(self, job: str, request: dict[str, Any]) -> dict[str, Any]:
        name = request[f"{job}Name"]
        with self.lock:
            record = self.records[name]
            if record[f"{job}Status"] == "InProgress" and not any(p in name for p in self.held):
                self._end(job, name, *self._ending(name))
            return dict(record)

    def _stop(self, job: str, request: dict[str, Any]) -> dict[str, Any]:
        name = request[f"{job}Name"]
        with self.lock:
            if self.records[name][f"{job}Status"] != "InProgress":
                raise ValidationError("The request was rejected because the job has ended")
            self.requests.append((f"Stop{job}", request))
            self._end(job, name, "Stopped", "")
        return {}

    def _ending(self, name: str) -> tuple[str, str]:
        found = [ending for part, ending in self.endings.items() if part in name]
        return found[0] if found else ("Completed", "")

    def _end(self, job: str, name: str, status: str, reason: str) -> None:
        self.records[name] |= {f"{job}Status": status}
        if reason:
            self.records[name]["FailureReason"] = reason
        self.running.remove(name)


def _products(job: str, name: str) -> dict[str, Any]:
    if job != "TrainingJob":
        return {}
    artifacts = f"s3://artifacts/{name}/output/model.tar.gz"
    return {"SecondaryStatus": "Completed", "ModelArtifacts": {"S3ModelArtifacts": artifacts}}


def _resource(job: str) -> str:
    names = {"HyperParameterTuningJob": "hyper-parameter-tuning-job"}
    return names.get(job, job.removesuffix("Job").lower() + "-job")


def make_cloud(folder: Path) -> Cloud:
    settings = Settings(
        account="000000000000",
        region="us-east-1",
        port=1,  # nothing listens there: what a test needs of S3 or Lambda, it stubs
        secret="secret",
        state_dir=folder,
        images_dir=folder,
    )
    return Cloud(settings, Bus())


def definition(*steps: Definition, parameters: list[Definition] | None = None) -> str:
    listed = parameters or []
    return json.dumps({"Version": "2020-12-01", "Parameters": listed, "Steps": list(steps)})


def processing(name: str, *, uri: Any = "s3://artifacts/out", **members: Any) -> Definition:
    output = {"S3Uri": uri, "LocalPath": "/opt/ml/processing/output/x", "S3UploadMode": "EndOfJob"}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
    arguments = {
        "AppSpecification": {"ImageUri": "image"},
        "RoleArn": ROLE,
        "ProcessingResources": {"ClusterConfig": cluster},
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": output}]},
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **members}


def training(name: str, *, image: Any = "image", **members: Any) -> Definition:
    arguments = {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://artifacts/final"},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 10,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    return {"Name": name, "Type": "Training", "Arguments": arguments, **members}


def tuning(name: str) -> Definition:
    arguments = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
        }
    }
    return {"Name": name, "Type": "Tuning", "Arguments": arguments}


def condition(name: str, left: Any, right: Any, *, then: Any = (), other: Any = ()) -> Definition:
    conditions = [{"Type": "GreaterThanOrEqualTo", "LeftValue": left, "RightValue": right}]
    arguments = {"Conditions": conditions, "IfSteps": list(then), "ElseSteps": list(other)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def script_operation(patch: pytest.MonkeyPatch, name: str, handler: protocol.Handler) -> None:
    """Let a handler of the test answer an operation, for as long as the test lasts."""
    patch.setitem(protocol._OPERATIONS, (protocol.SAGEMAKER, name), handler)


def get(path: str) -> Definition:
    return {"Get": path}


def create(cloud: Cloud, text: str, **members: Any) -> str:
    """Deploy a pipeline; its ARN."""
    request = {
        "PipelineName": "training",
        "PipelineDefinition": text,
        "RoleArn": ROLE,
        "ClientRequestToken": TOKEN,
        **members,
    }
    return str(call(cloud, "CreatePipeline", request)["PipelineArn"])


def start(cloud: Cloud, parameters: dict[str, str] | None = None, **members: Any) -> str:
    """Start the pipeline; the execution's ARN."""
    listed = [{"Name": name, "Value": value} for name, value in (parameters or {}).items()]
    request = {
        "PipelineName": "training",
        "ClientRequestToken": TOKEN,
        "PipelineParameters": listed,
        **members,
    }
    return str(call(cloud, "StartPipelineExecution", request)["PipelineExecutionArn"])


def describe(cloud: Cloud, arn: str) -> dict[str, Any]:
    return call(cloud, "DescribePipelineExecution", {"PipelineExecutionArn": arn})


def steps(cloud: Cloud, arn: str) -> dict[str, dict[str, Any]]:
    request = {"PipelineExecutionArn": arn, "MaxResults": 100}
    listed = call(cloud, "ListPipelineExecutionSteps", request)["PipelineExecutionSteps"]
    return {step["StepName"]: step for step in listed}


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Fails the test if it does not become true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def finished(cloud: Cloud, arn: str) -> dict[str, Any]:
    """The execution, once it has ended."""
    wait_until(
        lambda: describe(cloud, arn)["PipelineExecutionStatus"] not in ("Executing", "Stopping")
    )
    return describe(cloud, arn)


def run(cloud: Cloud, *listed: Definition, **members: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Deploy, start and wait: the execution, and its steps by name."""
    create(cloud, definition(*listed, **members))
    arn = start(cloud)
    execution = finished(cloud, arn)
    return execution, steps(cloud, arn)


def stub(cloud: Cloud, service: str) -> Stubber:
    """What answers the cloud's calls of a service."""
    client = shared_session().client(service)  # type: ignore[call-overload]
    cloud._clients[service] = client
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def body(value: object) -> StreamingBody:
    """An answer's payload, in JSON."""
    content = json.dumps(value).encode()
    return StreamingBody(io.BytesIO(content), len(content))
