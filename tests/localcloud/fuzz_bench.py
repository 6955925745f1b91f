"""A whole control plane in this process, without a server: requests in, answers and folders out."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from botocore.handlers import validate_bucket_name
from botocore.validate import ParamValidator

from tests.localcloud.fuzz_templates import IMAGE, PIPELINE, TEMPLATES
from tests.unit.local.jobs_support import ROLE, Bench, MemoryS3
from warmfold_local import sagemaker
from warmfold_local.cloud import Cloud
from warmfold_local.engine import process
from warmfold_local.sagemaker import protocol
from warmfold_shapes.constraints import service_model

for _module in walk_packages(sagemaker.__path__, f"{sagemaker.__name__}."):
    import_module(_module.name)

OPERATIONS = sorted(name for service, name in protocol._OPERATIONS if service == protocol.SAGEMAKER)
# Stands in requests for the identity, which is random, of the execution that a bench starts.
EXECUTION_ID = "abcdefghijkl"
NAMES = ("one", "two", "../../three", "x" * 63)
_END_SECONDS = 30.0


class _NoSuchKey(ClientError):
    """botocore makes it from the service's model: a ``ClientError``."""

    def __init__(self, key: str) -> None:
        super().__init__({"Error": {"Code": "NoSuchKey", "Message": key}}, "GetObject")


class CheckedS3(MemoryS3):
    """The stand-in for S3, which refuses before it is asked what botocore's own checks refuse."""

    class exceptions:  # noqa: N801 - named as botocore names it
        NoSuchKey = _NoSuchKey

    def get_object(self, **members: Any) -> dict[str, Any]:
        _check_s3("GetObject", members)
        return super().get_object(Bucket=members["Bucket"], Key=members["Key"])

    def paginate(self, **members: Any) -> Iterator[dict[str, Any]]:
        _check_s3("ListObjectsV2", members)
        return super().paginate(Bucket=members["Bucket"], Prefix=members["Prefix"])

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: Any = None) -> None:  # noqa: N803
        _check_s3("PutObject", {"Bucket": bucket, "Key": key, **(ExtraArgs or {})})
        super().upload_file(path, bucket, key, ExtraArgs)


def _check_s3(operation: str, members: dict[str, Any]) -> None:
    validate_bucket_name(members)
    shape: Any = service_model("s3").operation_model(operation).input_shape
    report = ParamValidator().validate(members, shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())


class Complaints(logging.Handler):
    """What the local cloud reports about itself: a fault of ours that no answer shows."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))

    def __enter__(self) -> "Complaints":
        logging.getLogger("warmfold_local").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("warmfold_local").removeHandler(self)


class FuzzBench:
    """One cloud with a few resources that requests may hit; ``outside`` must stay as it is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self._bench = Bench(root / "cloud")
        self._bench.s3 = self._bench.cloud._clients["s3"] = CheckedS3()
        self._bench.image("", name="tiny")
        self._bench.put("data/rows.csv", "a\n1\n")
        self._before = set(threading.enumerate())
        self._seed()

    @property
    def cloud(self) -> Cloud:
        return self._bench.cloud

    def handle(self, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The answer to one request, which must be one that HTTP and JSON can carry."""
        body = body.replace(EXECUTION_ID.encode(), self._execution.encode())
        status, headers, payload = protocol.handle(self.cloud, f"SageMaker.{operation}", body)
        for name, value in headers.items():
            (name + value).encode("latin-1")
        answer = json.loads(payload, parse_constant=_refuse)
        assert isinstance(answer, dict)
        return status, answer

    def strays(self) -> list[str]:
        """Files and folders that are neither the cloud's state nor its images."""
        allowed = (self.root / "cloud" / "state", self.root / "cloud" / "images")
        known = {self.root / "cloud"}
        return [
            str(path)
            for path in self.root.rglob("*")
            if path not in known and not any(path.is_relative_to(folder) for folder in allowed)
        ]

    def end(self) -> None:
        """Stop what runs; every thread that a request started must end soon."""
        self.cloud.stopping.set()
        deadline = time.monotonic() + _END_SECONDS
        for thread in set(threading.enumerate()) - self._before:
            while thread.is_alive():
                process.stop_all(0)
                thread.join(0.05)
                assert time.monotonic() < deadline, f"{thread.name} does not end"

    def _seed(self) -> None:
        call = self._bench.call
        image = {"Image": IMAGE, "ModelDataUrl": "s3://artifacts/data/rows.csv"}
        call("CreateModel", ModelName="one", PrimaryContainer=image, ExecutionRoleArn=ROLE)
        variant = {"VariantName": "main", "ModelName": "one", "InstanceType": "ml.m5.large"}
        call("CreateEndpointConfig", EndpointConfigName="one", ProductionVariants=[variant])
        call("CreateModelPackageGroup", ModelPackageGroupName="one")
        call("CreateModelPackage", ModelPackageGroupName="one", InferenceSpecification=_inference())
        for job in ("Training", "Processing", "Transform", "HyperParameterTuning"):
            operation = f"Create{job}Job"
            call(operation, **{**TEMPLATES[operation], f"{job}JobName": "one"})
        call(
            "CreatePipeline",
            PipelineName="one",
            RoleArn=ROLE,
            ClientRequestToken="t" * 32,
            PipelineDefinition=json.dumps(PIPELINE),
        )
        started = call("StartPipelineExecution", **TEMPLATES["StartPipelineExecution"])
        self._execution = started["PipelineExecutionArn"].rpartition("/")[2]


def _inference() -> dict[str, Any]:
    return {
        "Containers": [{"Image": IMAGE}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")
