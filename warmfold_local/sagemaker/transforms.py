"""Batch transform jobs: what a request may ask for, and their start."""

from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.job_operations import offer
from warmfold_local.sagemaker.jobs import JobKind, create_job
from warmfold_local.sagemaker.models import container_of
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.transform_filters import Filter, record_format
from warmfold_local.sagemaker.transform_records import Processing
from warmfold_local.sagemaker.transform_run import run_transform

TRANSFORM = JobKind(
    label="Transform job",
    resource="transform-job",
    member="TransformJob",
    folder="transform",
    event="SageMaker Transform Job State Change",
    ended="TransformEndTime",
)

offer(TRANSFORM)

# "MaxPayloadInMB … cannot be greater than 100 MB", nor its product with
# MaxConcurrentTransforms (API reference, CreateTransformJob).
_MAX_PAYLOAD_MB = 100


@operation("CreateTransformJob")
def create_transform_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    role = container_of(cloud, request["ModelName"]).role_arn
    _check_input(request["TransformInput"])
    _check_payload(request)
    if request["TransformResources"]["InstanceCount"] != 1:
        raise UnsupportedOperation("CreateTransformJob", "InstanceCount above 1 of")
    members = {"_processing": _data_processing(request), "_role_arn": role}
    job = create_job(cloud, TRANSFORM, request, members=members, run=run_transform)
    return {"TransformJobArn": job.arn}


def _check_input(source: dict[str, Any]) -> None:
    if source["DataSource"].get("S3DataSource", {}).get("S3DataType") != "S3Prefix":
        raise UnsupportedOperation("CreateTransformJob", "input other than an S3Prefix of")
    if source.get("SplitType", "None") not in ("None", "Line"):
        raise UnsupportedOperation("CreateTransformJob", f"SplitType {source['SplitType']} of")


def _check_payload(request: dict[str, Any]) -> None:
    payload = request.get("MaxPayloadInMB")
    concurrent = request.get("MaxConcurrentTransforms") or 1
    if payload == 0:
        raise UnsupportedOperation("CreateTransformJob", "streaming (MaxPayloadInMB 0) of")
    if payload is not None and payload * concurrent > _MAX_PAYLOAD_MB:
        raise ValidationError(
            "The product of MaxConcurrentTransforms and MaxPayloadInMB must not be greater than "
            f"{_MAX_PAYLOAD_MB}, and is {payload * concurrent}."
        )


def _data_processing(request: dict[str, Any]) -> Processing | None:
    """Raises ``ValidationError`` for what cannot be filtered or joined."""
    values = request.get("DataProcessing", {})
    joined = values.get("JoinSource", "None") == "Input"
    filters = [values.get(name, "$") for name in ("InputFilter", "OutputFilter")]
    if not joined and filters == ["$", "$"]:
        return None
    given, output = request["TransformInput"], request["TransformOutput"]
    lines = given.get("SplitType") == "Line" and output.get("AssembleWith") == "Line"
    if joined and (not lines or given.get("ContentType") != output.get("Accept")):
        raise ValidationError(
            "JoinSource Input needs SplitType Line, AssembleWith Line, and the same ContentType "
            "and Accept."
        )
    return Processing(
        input_filter=Filter(filters[0]),
        output_filter=Filter(filters[1]),
        joined=joined,
        input_format=record_format(given.get("ContentType")),
        output_format=record_format(output.get("Accept")),
    )
