"""Versions of a pipeline: one for each definition that it was given, counted from 1.

A change of the description, role or parallelism alone makes no new version here.
"""

from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.pipelines import (
    EXECUTION_KIND,
    pipeline_record,
    renamed_times,
    version_of,
)
from warmfold_local.sagemaker.protocol import operation


@operation("ListPipelineVersions")
def list_pipeline_versions(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """The latest version first, unless the request says otherwise."""
    pipeline = pipeline_record(cloud, request["PipelineName"])
    with cloud.lock:
        records = [_summary(cloud, pipeline, version) for version in pipeline["_versions"]]
    return list_page(
        renamed_times(request),
        records,
        result="PipelineVersionSummaries",
        name="PipelineVersionId",
        sort_by={"CreationTime": "PipelineVersionId"},
    )


@operation("UpdatePipelineVersion")
def update_pipeline_version(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Changes its display name and description; the definition of a version never changes."""
    with cloud.lock:
        pipeline = pipeline_record(cloud, request["PipelineArn"])
        version = version_of(pipeline, request["PipelineVersionId"])
        for member in ("PipelineVersionDisplayName", "PipelineVersionDescription"):
            if request.get(member) is not None:
                version[member] = request[member]
        version["LastModifiedTime"] = cloud.now()
    return {
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineVersionId": version["PipelineVersionId"],
    }


def _summary(cloud: Cloud, pipeline: Record, version: Record) -> Record:
    """With the execution that used the version last, if any did."""
    started = [
        execution["PipelineExecutionArn"]
        for execution in cloud.table(EXECUTION_KIND)
        if execution["PipelineArn"] == pipeline["PipelineArn"]
        and execution["PipelineVersionId"] == version["PipelineVersionId"]
    ]
    last = {"LastExecutionPipelineExecutionArn": started[-1]} if started else {}
    return {**version, "PipelineArn": pipeline["PipelineArn"], **last}
