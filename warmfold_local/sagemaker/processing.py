"""Processing jobs: what a request may ask for, and their start."""

from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.engine.container import check_local_path
from warmfold_local.engine.images import resolve_image
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.data_sources import check_source
from warmfold_local.sagemaker.job_operations import offer
from warmfold_local.sagemaker.jobs import JobKind, create_job
from warmfold_local.sagemaker.processing_run import run_processing
from warmfold_local.sagemaker.protocol import operation

PROCESSING = JobKind(
    label="Processing job",
    resource="processing-job",
    member="ProcessingJob",
    folder="processing",
    event="SageMaker Processing Job State Change",
    ended="ProcessingEndTime",
)

offer(PROCESSING, deletable=True)

# "MaxRuntimeInSeconds … default 1 day" (API reference, as for training jobs).
_DEFAULT_MAX_RUNTIME_SECONDS = 86_400
_PROCESSING_DIR = "/opt/ml/processing/"


@operation("CreateProcessingJob")
def create_processing_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    _check(cloud, request)
    limit = {"MaxRuntimeInSeconds": _DEFAULT_MAX_RUNTIME_SECONDS}
    members = {"StoppingCondition": {**limit, **request.get("StoppingCondition", {})}}
    job = create_job(cloud, PROCESSING, request, members=members, run=run_processing)
    return {"ProcessingJobArn": job.arn}


def _check(cloud: Cloud, request: dict[str, Any]) -> None:
    resolve_image(cloud.settings.images_dir, request["AppSpecification"]["ImageUri"])
    if request["ProcessingResources"]["ClusterConfig"].get("InstanceCount") is None:
        raise ValidationError("ClusterConfig must name an InstanceCount.")
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    _check_unique("input", [item["InputName"] for item in inputs])
    _check_unique("output", [item["OutputName"] for item in outputs])
    for item in inputs:
        _check_input(item)
    for item in outputs:
        if item.get("S3Output") is None:
            raise UnsupportedOperation("CreateProcessingJob", "output other than S3Output of")
        _check_path(item["S3Output"].get("LocalPath"))


def _check_input(item: dict[str, Any]) -> None:
    source = item.get("S3Input")
    check_source("CreateProcessingJob", source)
    if source is None or source.get("S3InputMode", "File") != "File":
        raise UnsupportedOperation("CreateProcessingJob", "Pipe mode of")
    if source.get("S3CompressionType", "None") != "None":
        raise ValidationError("S3CompressionType Gzip can only be used with S3InputMode Pipe.")
    _check_path(source.get("LocalPath"))


def _check_path(local_path: str | None) -> None:
    check_local_path(local_path)
    if local_path is None or not local_path.startswith(_PROCESSING_DIR):
        raise ValidationError(f"LocalPath {local_path!r} must start with {_PROCESSING_DIR}")


def _check_unique(what: str, names: list[str]) -> None:
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValidationError(f"Duplicate {what} names are not allowed: {', '.join(doubles)}")
