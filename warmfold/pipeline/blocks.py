"""Pieces of definition that several steps share: parameters, machines, data, retries."""

from typing import Any

from warmfold.pipeline.expressions import Expression, execution, join, parameter
from warmfold.pipeline.spec import Compute, has_instance_storage
from warmfold_contract.paths import processing_input_path, processing_output_path

VERSION = "2020-12-01"
JSON_LINES = "application/jsonlines"
# SageMaker's default, and what the server accepts unless told otherwise.
MAX_PAYLOAD_MB = 6

Definition = dict[str, Any]


def create_retries() -> list[Definition]:
    """For steps that only call a create operation: Model and RegisterModel."""
    return [_retry("Step.SERVICE_FAULT", "Step.THROTTLING", interval_seconds=10, attempts=6)]


def tuning_retries() -> list[Definition]:
    """SageMaker does not retry a tuning step's JOB_INTERNAL_ERROR; its trials have their own."""
    errors = ("SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT")
    return [*create_retries(), _retry(*errors, interval_seconds=60, attempts=5)]


def job_retries() -> list[Definition]:
    """For steps that run one job."""
    internal = _retry("SageMaker.JOB_INTERNAL_ERROR", interval_seconds=10, attempts=3)
    return [*tuning_retries(), internal]


def _retry(*errors: str, interval_seconds: int, attempts: int) -> Definition:
    return {
        "ExceptionType": list(errors),
        "IntervalSeconds": interval_seconds,
        "BackoffRate": 2.0,
        "MaxAttempts": attempts,
    }


def step(name: str, kind: str, arguments: Definition, **members: Any) -> Definition:
    return {"Name": name, "Type": kind, "Arguments": arguments, **members}


def string_parameter(name: str, default: str | None = None) -> Definition:
    """Without a default, whoever starts the pipeline must give the value."""
    base = {"Name": name, "Type": "String"}
    return base if default is None else {**base, "DefaultValue": default}


def float_parameter(name: str, default: float) -> Definition:
    return {"Name": name, "Type": "Float", "DefaultValue": float(default)}


def execution_prefix(model: str, *parts: str) -> Expression:
    """``s3://{bucket}/{model}/executions/{execution id}/{parts}``."""
    bucket = parameter("BucketName")
    run = execution("PipelineExecutionId")
    return join("s3:/", bucket, model, "executions", run, *parts, on="/")


def training_resources(compute: Compute) -> Definition:
    """``ResourceConfig``. No KeepAlive: SageMaker blanks it in a tuning job, and one final
    training has no follower that could use the pool."""
    return {
        "InstanceType": compute.instance_type,
        "InstanceCount": compute.instance_count,
        "VolumeSizeInGB": compute.volume_gib,
        **_volume_key(compute),
    }


def training_limits(compute: Compute) -> Definition:
    """How long a training job may run and, on spot capacity, wait and run together."""
    stopping = {"MaxRuntimeInSeconds": compute.max_runtime_seconds}
    if compute.spot_max_wait_seconds is None:
        return {"StoppingCondition": stopping}
    return {
        "StoppingCondition": {**stopping, "MaxWaitTimeInSeconds": compute.spot_max_wait_seconds},
        "EnableManagedSpotTraining": True,
    }


def processing_resources(compute: Compute) -> Definition:
    cluster = training_resources(compute)
    return {"ClusterConfig": cluster}


def transform_resources(compute: Compute) -> Definition:
    return {
        "InstanceType": compute.instance_type,
        "InstanceCount": compute.instance_count,
        **_volume_key(compute),
    }


def _volume_key(compute: Compute) -> Definition:
    if has_instance_storage(compute.instance_type):
        return {}
    return {"VolumeKmsKeyId": parameter("KmsKeyArn")}


def channel(name: str, uri: Expression) -> Definition:
    """A training channel: all objects of an S3 prefix, copied to every instance."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}


def processing_input(name: str, uri: Expression) -> Definition:
    return {
        "InputName": name,
        "AppManaged": False,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": processing_input_path(name),
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def processing_output_of(name: str, uri: Expression) -> Definition:
    return {
        "OutputName": name,
        "AppManaged": False,
        "S3Output": {
            "S3Uri": uri,
            "LocalPath": processing_output_path(name),
            "S3UploadMode": "EndOfJob",
        },
    }


def output_data(uri: Expression) -> Definition:
    """``OutputDataConfig`` of a training job."""
    return {"S3OutputPath": uri, "KmsKeyId": parameter("KmsKeyArn"), "CompressionType": "GZIP"}


def transform_arguments(
    compute: Compute, model_name: Expression, source: Expression, target: Expression
) -> Definition:
    """A batch transform of JSON Lines, each record joined with its prediction."""
    return {
        "ModelName": model_name,
        "BatchStrategy": "MultiRecord",
        "MaxConcurrentTransforms": 1,
        "MaxPayloadInMB": MAX_PAYLOAD_MB,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": JSON_LINES,
            "CompressionType": "None",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": target,
            "Accept": JSON_LINES,
            "AssembleWith": "Line",
            "KmsKeyId": parameter("KmsKeyArn"),
        },
        "TransformResources": transform_resources(compute),
        "DataProcessing": {"JoinSource": "Input"},
    }
