"""Pipelines: the deployed definition, checked when it arrives."""

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import (
    ResourceNotFound,
    ServiceError,
    ValidationError,
)
from warmfold_local.modelled.quotas import Total
from warmfold_local.sagemaker.capacity import admit_total
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.pipeline_checks import parse
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.tags import forget_tags, put_tags

KIND = "Pipeline"
EXECUTION_KIND = "Pipeline execution"

RUNNING = ("Executing", "Stopping")

# What DescribePipeline says of a version; the times are the pipeline's.
_OF_VERSION = ("PipelineDefinition", "PipelineVersionDisplayName", "PipelineVersionDescription")


class ConflictError(ServiceError):
    """The pipeline or execution is not in a state that allows the operation."""

    def __init__(self, message: str) -> None:
        super().__init__("ConflictException", message)


def pipeline_record(cloud: Cloud, name_or_arn: str) -> Record:
    """Raises ``ResourceNotFound``."""
    for record in cloud.table(KIND):
        if name_or_arn in (record["PipelineName"], record["PipelineArn"]):
            return record
    raise ResourceNotFound(f"Pipeline '{name_or_arn}' does not exist.")


def executions_of(cloud: Cloud, pipeline: Record) -> list[Record]:
    """All executions of a pipeline, in the order in which they were started."""
    arn = pipeline["PipelineArn"]
    return [record for record in cloud.table(EXECUTION_KIND) if record["PipelineArn"] == arn]


@operation("CreatePipeline")
def create_pipeline(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """A repeated ``ClientRequestToken`` answers the pipeline that the first call made."""
    name = request["PipelineName"]
    text = _definition(cloud, request)
    parse(text)
    now = cloud.now()
    record = {
        "PipelineName": name,
        # The service writes the name in lower case here.
        "PipelineArn": cloud.arn(f"pipeline/{name.lower()}"),
        "PipelineDisplayName": request.get("PipelineDisplayName", name),
        "PipelineDescription": request.get("PipelineDescription"),
        "PipelineDefinition": text,
        "RoleArn": request["RoleArn"],
        "PipelineStatus": "Active",
        "ParallelismConfiguration": request.get("ParallelismConfiguration"),
        "CreationTime": now,
        "LastModifiedTime": now,
        "_token": request["ClientRequestToken"],
        "_versions": [_version(1, text, now)],
    }
    with cloud.lock:
        found = cloud.table(KIND).find(name)
        if found is not None and found["_token"] == request["ClientRequestToken"]:
            return {"PipelineArn": found["PipelineArn"]}
        if found is not None:
            # The SageMaker SDK's "upsert" looks for these words in a ValidationException.
            raise ValidationError(
                "Pipeline names must be unique within an AWS account and region. Pipeline with "
                f"name ({name}) already exists."
            )
        admit_total(cloud, Total.PIPELINES, len(cloud.table(KIND).records))
        cloud.table(KIND).add(name, record)
    put_tags(cloud, record["PipelineArn"], request.get("Tags"))
    return {"PipelineArn": record["PipelineArn"]}


@operation("UpdatePipeline")
def update_pipeline(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Running executions keep the definition that they were started with."""
    record = pipeline_record(cloud, request["PipelineName"])
    changes = {
        key: request[key]
        for key in (
            "PipelineDisplayName",
            "PipelineDescription",
            "RoleArn",
            "ParallelismConfiguration",
        )
        if request.get(key) is not None
    }
    if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
        changes["PipelineDefinition"] = _definition(cloud, request)
        parse(changes["PipelineDefinition"])
    with cloud.lock:
        now = cloud.now()
        record.update(changes, LastModifiedTime=now)
        if "PipelineDefinition" in changes:
            number = len(record["_versions"]) + 1
            record["_versions"].append(_version(number, changes["PipelineDefinition"], now))
        return {
            "PipelineArn": record["PipelineArn"],
            "PipelineVersionId": len(record["_versions"]),
        }


@operation("DescribePipeline")
def describe_pipeline(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """With the definition of the version asked for, else of the latest."""
    record = pipeline_record(cloud, request["PipelineName"])
    version = version_of(record, request.get("PipelineVersionId"))
    return {**record, **{key: version[key] for key in _OF_VERSION if key in version}}


@operation("ListPipelines")
def list_pipelines(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    prefix = request.get("PipelineNamePrefix", "")
    records = [
        {**record, "LastExecutionTime": record.get("LastRunTime")}
        for record in cloud.table(KIND)
        if record["PipelineName"].startswith(prefix)
    ]
    renamed = renamed_times(request)
    return list_page(renamed, records, result="PipelineSummaries", name="PipelineName")


@operation("DeletePipeline")
def delete_pipeline(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Deletes its executions too; refused while one of them runs (API reference)."""
    with cloud.lock:
        record = pipeline_record(cloud, request["PipelineName"])
        executions = executions_of(cloud, record)
        if any(execution["PipelineExecutionStatus"] in RUNNING for execution in executions):
            raise ConflictError(
                f"Pipeline '{record['PipelineName']}' has a running execution: stop it first"
            )
        for execution in executions:
            cloud.table(EXECUTION_KIND).remove(execution["PipelineExecutionArn"])
        cloud.table(KIND).remove(record["PipelineName"])
    forget_tags(cloud, record["PipelineArn"])
    return {"PipelineArn": record["PipelineArn"]}


def version_of(pipeline: Record, number: int | None) -> Record:
    """A version of a pipeline, the latest if ``number`` is ``None``.

    Raises ``ResourceNotFound`` for a number that the pipeline does not have.
    """
    versions: list[Record] = pipeline["_versions"]
    if number is not None and number > len(versions):
        raise ResourceNotFound(
            f"Pipeline '{pipeline['PipelineName']}' has no version {number}: the latest is "
            f"{len(versions)}."
        )
    return versions[-1 if number is None else number - 1]


def renamed_times(request: dict[str, Any]) -> dict[str, Any]:
    """The time filters under the names that most other List operations use."""
    names = {"CreatedAfter": "CreationTimeAfter", "CreatedBefore": "CreationTimeBefore"}
    return {names.get(key, key): value for key, value in request.items()}


def _version(number: int, text: str, now: datetime) -> Record:
    return {
        "PipelineVersionId": number,
        "PipelineDefinition": text,
        "CreationTime": now,
        "LastModifiedTime": now,
    }


def _definition(cloud: Cloud, request: dict[str, Any]) -> str:
    """The definition's text, from the request or from S3."""
    inline, location = (
        request.get("PipelineDefinition"),
        request.get("PipelineDefinitionS3Location"),
    )
    if (inline is None) == (location is None):
        raise ValidationError(
            "Exactly one of PipelineDefinition and PipelineDefinitionS3Location must be given"
        )
    if location is None:
        return str(inline)
    version = {"VersionId": location["VersionId"]} if location.get("VersionId") else {}
    try:
        answer = cloud.client("s3").get_object(
            Bucket=location["Bucket"], Key=location["ObjectKey"], **version
        )
        return str(answer["Body"].read().decode("utf-8"))
    except (ClientError, UnicodeDecodeError) as error:
        uri = f"s3://{location['Bucket']}/{location['ObjectKey']}"
        raise ValidationError(
            f"The pipeline definition at {uri} cannot be read: {error}"
        ) from error
