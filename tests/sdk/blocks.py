"""The parts of the SDK's rendering that several steps share."""

# The SDK is in no environment but its own, so the type checker cannot see it.
# mypy: disable-error-code="import-not-found, no-any-return"

from typing import Any

import boto3
from sagemaker.core.shapes import (
    Channel,
    DataSource,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    S3DataSource,
)
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)

from warmfold.pipeline.spec import Compute

JSON_LINES = "application/jsonlines"
RUN = ExecutionVariables.PIPELINE_EXECUTION_ID

# A bucket, so that the SDK does not look for its default one; no telemetry, which would call STS.
_CONFIG = {
    "SchemaVersion": "1.0",
    "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
}
SESSION = PipelineSession(
    boto_session=boto3.Session(region_name="eu-west-1"),
    default_bucket="unused",
    sagemaker_config=_CONFIG,
)


def parameters(definition: dict[str, Any]) -> dict[str, Any]:
    """The same parameters; their defaults are not what this comparison is about."""
    kinds = {"String": ParameterString, "Float": ParameterFloat}
    return {
        body["Name"]: kinds[body["Type"]](name=body["Name"], default_value=body.get("DefaultValue"))
        for body in definition["Parameters"]
    }


def create_retries() -> list[Any]:
    errors = [StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING]
    return [StepRetryPolicy(errors, interval_seconds=10, max_attempts=6)]


def tuning_retries() -> list[Any]:
    kinds = SageMakerJobExceptionTypeEnum
    errors = [kinds.CAPACITY_ERROR, kinds.RESOURCE_LIMIT]
    capacity = SageMakerJobStepRetryPolicy(errors, interval_seconds=60, max_attempts=5)
    return [*create_retries(), capacity]


def job_retries() -> list[Any]:
    errors = [SageMakerJobExceptionTypeEnum.INTERNAL_ERROR]
    internal = SageMakerJobStepRetryPolicy(errors, interval_seconds=10, max_attempts=3)
    return [*tuning_retries(), internal]


def prefix(bucket: Any, model: str, *parts: str) -> Any:
    return Join(on="/", values=["s3:/", bucket, model, "executions", RUN, *parts])


def processing_input(name: str, uri: Any) -> Any:
    source = ProcessingS3Input(
        s3_uri=uri,
        local_path=f"/opt/ml/processing/input/{name}",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
        s3_data_distribution_type="FullyReplicated",
        s3_compression_type="None",
    )
    return ProcessingInput(input_name=name, app_managed=False, s3_input=source)


def processing_output(name: str, uri: Any) -> Any:
    target = ProcessingS3Output(
        s3_uri=uri, local_path=f"/opt/ml/processing/output/{name}", s3_upload_mode="EndOfJob"
    )
    return ProcessingOutput(output_name=name, app_managed=False, s3_output=target)


def output_of(step: Any, name: str) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def channel(name: str, uri: Any) -> Any:
    source = S3DataSource(
        s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated"
    )
    data = DataSource(s3_data_source=source)
    return Channel(channel_name=name, input_mode="File", data_source=data)


def transform(
    compute: Compute, model: Any, key: Any, source: Any, target: Any, **filters: str
) -> Any:
    transformer = Transformer(
        model_name=model,
        instance_count=compute.instance_count,
        instance_type=compute.instance_type,
        strategy="MultiRecord",
        assemble_with="Line",
        output_path=target,
        output_kms_key=key,
        accept=JSON_LINES,
        max_concurrent_transforms=1,
        max_payload=6,
        sagemaker_session=SESSION,
        volume_kms_key=key,
    )
    return transformer.transform(
        data=source,
        content_type=JSON_LINES,
        compression_type="None",
        split_type="Line",
        join_source="Input",
        **filters,
    )
