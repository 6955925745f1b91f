"""What the tests of jobs share: an in-memory S3, and images made of a few lines of Python."""

import io
import json
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from warmfold_local.cloud import Cloud, Settings
from warmfold_local.sagemaker import processing, training, transforms, tuning
from warmfold_local.sagemaker.protocol import call

MODULES = (processing, training, transforms, tuning)  # imported for their operations
ROLE = "arn:aws:iam::000000000000:role/warmfold-local-trial"
BUCKET = "artifacts"


class MemoryS3:
    """The few calls that ``engine.s3`` makes, on a dictionary."""

    class exceptions:  # noqa: N801 - named as botocore names it
        class NoSuchKey(Exception):
            pass

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    def get_paginator(self, name: str) -> "MemoryS3":
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        with self._lock:
            found = [(k, v) for (b, k), v in self.objects.items() if b == Bucket]
        yield {"Contents": [{"Key": k, "Size": len(v)} for k, v in found if k.startswith(Prefix)]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise self.exceptions.NoSuchKey(Key)
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        with self._lock:
            self.objects.pop((Bucket, Key), None)

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: Any = None) -> None:  # noqa: N803
        with self._lock:
            self.objects[bucket, key] = Path(path).read_bytes()


class Events:
    """Keeps what the cloud publishes."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    def __call__(self, **event: Any) -> None:
        json.dumps(event)  # an event is JSON, or it is none
        self.all.append(event)


class Bench:
    """A cloud with the stand-in S3, and images that run Python given as text."""

    def __init__(self, folder: Path) -> None:
        self.events = Events()
        settings = Settings(
            account="000000000000",
            region="us-east-1",
            port=1,
            secret="secret",
            state_dir=folder / "state",
            images_dir=folder / "images",
        )
        self.cloud = Cloud(settings=settings, publish=self.events)
        self.s3 = MemoryS3()
        self.cloud._clients["s3"] = self.s3

    def image(self, code: str, name: str = "tiny", entrypoint: list[str] | None = None) -> str:
        """The URI of an image whose entry point runs ``code``."""
        folder = self.cloud.settings.images_dir / name / "v1"
        app = folder / "app"
        app.mkdir(parents=True)
        (app / "tiny.py").write_text(textwrap.dedent(code), encoding="utf-8")
        image = {
            "Entrypoint": entrypoint or [sys.executable, "-S", "-m", "tiny"],
            "Cmd": ["nothing"],
            "Env": {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(app), "FROM_IMAGE": "yes"},
        }
        (folder / "image.json").write_text(json.dumps(image), encoding="utf-8")
        return f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{name}:v1"

    def put(self, key: str, data: bytes | str) -> str:
        self.s3.objects[BUCKET, key] = data.encode() if isinstance(data, str) else data
        return f"s3://{BUCKET}/{key}"

    def get(self, key: str) -> bytes:
        return self.s3.objects[BUCKET, key]

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return call(self.cloud, operation, request)

    def train(self, image: str, name: str = "job", **members: Any) -> None:
        """Start a training job; ``members`` replace the request's own."""
        self.call("CreateTrainingJob", **{**training_request(image, name), **members})

    def training_job(self, name: str = "job") -> dict[str, Any]:
        return self.call("DescribeTrainingJob", TrainingJobName=name)

    def ended_training(self, name: str = "job") -> dict[str, Any]:
        self.wait(lambda: "TrainingEndTime" in self.training_job(name))
        return self.training_job(name)

    def log(self, kind: str, name: str = "job") -> str:
        path = self.cloud.settings.state_dir / "jobs" / kind / name / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def wait(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.005)


def training_request(image: str, name: str = "job") -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def channel(name: str, uri: str, **members: str) -> dict[str, Any]:
    """``members`` replace the source's own."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    source |= members
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}
