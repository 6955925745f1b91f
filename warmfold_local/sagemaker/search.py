"""Search: records of this cloud by any of their properties, tags, metrics and hyperparameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.model import Shape

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import UnsupportedOperation
from warmfold_local.sagemaker import endpoints, packages, pipelines
from warmfold_local.sagemaker.expressions import text
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.search_filters import satisfies, values_of
from warmfold_local.sagemaker.tags import tags_of
from warmfold_local.sagemaker.training import TRAINING
from warmfold_local.sagemaker.tuning_records import TUNING
from warmfold_shapes.constraints import service_model


@dataclass(frozen=True, kw_only=True)
class Kind:
    """``shape`` is what a search answers of it, and ``arn`` the member that identifies it."""

    table: str
    shape: str
    arn: str


# By ResourceType, which is also the member of a SearchRecord.
KINDS: Mapping[str, Kind] = {
    "TrainingJob": Kind(table=TRAINING.label, shape="TrainingJob", arn="TrainingJobArn"),
    "HyperParameterTuningJob": Kind(
        table=TUNING.label,
        shape="HyperParameterTuningJobSearchEntity",
        arn="HyperParameterTuningJobArn",
    ),
    "Endpoint": Kind(table=endpoints.KIND, shape="Endpoint", arn="EndpointArn"),
    "ModelPackage": Kind(table=packages.PACKAGE, shape="ModelPackage", arn="ModelPackageArn"),
    "ModelPackageGroup": Kind(
        table=packages.GROUP, shape="ModelPackageGroup", arn="ModelPackageGroupArn"
    ),
    "Pipeline": Kind(table=pipelines.KIND, shape="Pipeline", arn="PipelineArn"),
    "PipelineExecution": Kind(
        table=pipelines.EXECUTION_KIND, shape="PipelineExecution", arn="PipelineExecutionArn"
    ),
}


@operation("Search")
def search(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """By default the record that changed last comes first."""
    resource = request["Resource"]
    if resource not in KINDS:
        raise UnsupportedOperation("Search", f"resource {resource} of")
    _require_own_account(request)
    kind = KINDS[resource]
    shape = service_model("sagemaker").shape_for(kind.shape)
    sort_by = request.get("SortBy", "LastModifiedTime")
    with cloud.lock:
        seen = [_seen(cloud, kind, record) for record in cloud.table(kind.table)]
    expression = request.get("SearchExpression", {})
    satisfies(expression, {}, shape)  # properties must exist, whether or not there is a record
    found = _placed([r for r in seen if satisfies(expression, r, shape)], sort_by, shape)
    page = list_page(
        request,
        found,
        result="Results",
        name=kind.arn,
        sort_by={sort_by: "_sort"},
        default_sort=sort_by,
    )
    page["Results"] = [{resource: record} for record in page["Results"]]
    return {**page, "TotalHits": {"Value": len(found), "Relation": "EqualTo"}}


def _seen(cloud: Cloud, kind: Kind, record: Record) -> Record:
    """As a client sees it, with its tags; an execution also with its parameters."""
    seen = {key: value for key, value in record.items() if not key.startswith("_")}
    tags = tags_of(cloud, record[kind.arn])
    if tags:
        seen["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    if "_parameters" in record:
        seen["PipelineParameters"] = [
            {"Name": name, "Value": text(value)} for name, value in record["_parameters"].items()
        ]
    return seen


def _placed(records: list[Record], sort_by: str, shape: Shape) -> list[Record]:
    """With the value to sort by; records without one come before all others."""
    values_of({}, sort_by, shape)
    values = [_position(record, sort_by, shape) for record in records]
    missing = "" if any(isinstance(value, str) for value in values) else None
    return [
        {**record, "_sort": missing if value is None else value}
        for record, value in zip(records, values, strict=True)
    ]


def _position(record: Record, sort_by: str, shape: Shape) -> Any:
    """A record that was never changed counts by when it was made."""
    if sort_by == "LastModifiedTime":
        return record.get("LastModifiedTime", record["CreationTime"])
    found = values_of(record, sort_by, shape)
    return found[0] if found and isinstance(found[0], str | int | float | datetime) else None


def _require_own_account(request: dict[str, Any]) -> None:
    """There is one account here, and no visibility conditions (Studio's)."""
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        raise UnsupportedOperation("Search", "CrossAccountFilterOption CrossAccount of")
    if request.get("VisibilityConditions"):
        raise UnsupportedOperation("Search", "VisibilityConditions of")
