"""Executions of pipelines: start, stop, look at them and at their steps."""

import secrets
import string
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ResourceNotFound, UnsupportedOperation, ValidationError
from warmfold_local.modelled.quotas import Total
from warmfold_local.sagemaker.capacity import admit_total
from warmfold_local.sagemaker.expressions import text
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.pipeline_checks import parse
from warmfold_local.sagemaker.pipeline_definition import Definition
from warmfold_local.sagemaker.pipeline_parameters import resolve_parameters
from warmfold_local.sagemaker.pipeline_run import PipelineRun
from warmfold_local.sagemaker.pipeline_scope import ExecutionScope, execution_variables
from warmfold_local.sagemaker.pipeline_selection import Reuse, select
from warmfold_local.sagemaker.pipeline_steps import EXECUTORS
from warmfold_local.sagemaker.pipelines import (
    EXECUTION_KIND,
    RUNNING,
    ConflictError,
    executions_of,
    pipeline_record,
    renamed_times,
    version_of,
)
from warmfold_local.sagemaker.protocol import operation

_ID_CHARACTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 12

# "MaxParallelExecutionSteps … the default is 50" (developer guide, "Run a pipeline").
MAX_PARALLEL_STEPS = 50

_UNSUPPORTED = ("MlflowExperimentName",)


def execution_record(cloud: Cloud, arn: str) -> Record:
    """Raises ``ResourceNotFound``."""
    record = cloud.table(EXECUTION_KIND).find(arn)
    if record is None:
        raise ResourceNotFound(f"Pipeline execution with ARN {arn} does not exist.")
    return record


@operation("StartPipelineExecution")
def start_pipeline_execution(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """A repeated ``ClientRequestToken`` answers the execution that the first call started."""
    for member in _UNSUPPORTED:
        if request.get(member) is not None:
            raise UnsupportedOperation("StartPipelineExecution", f"{member} of")
    with cloud.lock:
        pipeline = pipeline_record(cloud, request["PipelineName"])
        for execution in executions_of(cloud, pipeline):
            if execution["_token"] == request["ClientRequestToken"]:
                return {"PipelineExecutionArn": execution["PipelineExecutionArn"]}
        version = version_of(pipeline, request.get("PipelineVersionId"))
        definition = parse(version["PipelineDefinition"])
        reuse = _reuse(cloud, pipeline, definition, request.get("SelectiveExecutionConfig"))
        _require_executable(definition, reuse)
        parameters = resolve_parameters(definition.parameters, request.get("PipelineParameters"))
        record = _new_record(cloud, pipeline, version, request)
        record["_parameters"] = parameters
        record["_run"] = new_run(cloud, definition, record, reuse)
        _require_room(cloud)
        cloud.table(EXECUTION_KIND).add(record["PipelineExecutionArn"], record)
        pipeline["LastRunTime"] = record["CreationTime"]
    record["_run"].start()
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


@operation("StopPipelineExecution")
def stop_pipeline_execution(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Repeating it while the execution is stopping changes nothing."""
    record = execution_record(cloud, request["PipelineExecutionArn"])
    with cloud.lock:
        status = record["PipelineExecutionStatus"]
    if status not in RUNNING:
        raise ConflictError(
            f"Pipeline execution with ARN {record['PipelineExecutionArn']} is {status}, and only "
            "a running execution can be stopped."
        )
    if status == "Executing":
        record["_run"].stop()
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


@operation("DescribePipelineExecution")
def describe_pipeline_execution(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return execution_record(cloud, request["PipelineExecutionArn"])


@operation("ListPipelineExecutions")
def list_pipeline_executions(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    pipeline = pipeline_record(cloud, request["PipelineName"])
    records = [
        {
            **record,
            "StartTime": record["CreationTime"],
            "PipelineExecutionFailureReason": record.get("FailureReason"),
        }
        for record in executions_of(cloud, pipeline)
    ]
    return list_page(
        renamed_times(request),
        records,
        result="PipelineExecutionSummaries",
        name="PipelineExecutionArn",
        sort_by={"PipelineExecutionArn": "PipelineExecutionArn"},
    )


@operation("ListPipelineExecutionSteps")
def list_pipeline_execution_steps(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Steps that were started, the latest first by default; a branch not taken has none."""
    run = execution_record(cloud, request.get("PipelineExecutionArn", ""))["_run"]
    with cloud.lock:
        steps = [dict(step) for step in run.steps.values()]
    return list_page(
        request,
        steps,
        result="PipelineExecutionSteps",
        name="StepName",
        sort_by={"StartTime": "StartTime"},
        default_sort="StartTime",
    )


@operation("ListPipelineParametersForExecution")
def list_pipeline_parameters_for_execution(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Every parameter of the execution, those left at their default too."""
    record = execution_record(cloud, request["PipelineExecutionArn"])
    listed = [{"Name": name, "Value": text(value)} for name, value in record["_parameters"].items()]
    return list_page(
        request,
        listed,
        result="PipelineParameters",
        name="Name",
        default_sort="Name",
        default_order="Ascending",
    )


@operation("DescribePipelineDefinitionForExecution")
def describe_pipeline_definition_for_execution(
    cloud: Cloud, request: dict[str, Any]
) -> dict[str, Any]:
    """The definition as it was when the execution started."""
    return execution_record(cloud, request["PipelineExecutionArn"])


def _reuse(
    cloud: Cloud, pipeline: Record, definition: Definition, config: dict[str, Any] | None
) -> Reuse:
    """Everything runs, unless steps are selected."""
    if config is None:
        return Reuse()
    arn = config.get("SourcePipelineExecutionArn")
    source = None if arn is None else execution_record(cloud, arn)
    if source is not None and source["PipelineArn"] != pipeline["PipelineArn"]:
        raise ValidationError(
            f"Pipeline execution with ARN {arn} is not an execution of the pipeline "
            f"{pipeline['PipelineName']}."
        )
    return select(definition.steps, config, source)


def _require_room(cloud: Cloud) -> None:
    statuses = [record["PipelineExecutionStatus"] for record in cloud.table(EXECUTION_KIND)]
    admit_total(cloud, Total.EXECUTIONS, sum(status in RUNNING for status in statuses))


def _require_executable(definition: Definition, reuse: Reuse) -> None:
    for step in definition.steps.values():
        if step.type not in EXECUTORS and step.name not in reuse.left_out:
            raise UnsupportedOperation(step.name, f"type {step.type} of the pipeline step")


def _new_record(cloud: Cloud, pipeline: Record, version: Record, request: dict[str, Any]) -> Record:
    identifier = "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))
    now = cloud.now()
    name = request.get("PipelineExecutionDisplayName")
    parallelism = request.get("ParallelismConfiguration")
    return {
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineExecutionArn": f"{pipeline['PipelineArn']}/execution/{identifier}",
        "PipelineExecutionDisplayName": f"execution-{identifier}" if name is None else name,
        "PipelineExecutionDescription": request.get("PipelineExecutionDescription"),
        "PipelineExecutionStatus": "Executing",
        "PipelineDefinition": version["PipelineDefinition"],
        "PipelineVersionId": version["PipelineVersionId"],
        "SelectiveExecutionConfig": request.get("SelectiveExecutionConfig"),
        "ParallelismConfiguration": (
            pipeline["ParallelismConfiguration"] if parallelism is None else parallelism
        ),
        "CreationTime": now,
        "LastModifiedTime": now,
        "_id": identifier,
        "_pipeline_name": pipeline["PipelineName"],
        "_role_arn": pipeline["RoleArn"],
        "_token": request["ClientRequestToken"],
    }


def new_run(cloud: Cloud, definition: Definition, record: Record, reuse: Reuse) -> PipelineRun:
    """What executes ``record``, beginning with the steps that it takes over."""
    parallelism = record["ParallelismConfiguration"] or {}
    return PipelineRun(
        cloud=cloud,
        definition=definition,
        scope=ExecutionScope(
            cloud=cloud,
            role_arn=record.get("_role_arn"),
            steps=definition.steps,
            parameters=record["_parameters"],
            variables=execution_variables(record),
            outputs=dict(reuse.outputs),
        ),
        record=record,
        max_parallel_steps=parallelism.get("MaxParallelExecutionSteps", MAX_PARALLEL_STEPS),
        steps=dict(reuse.steps),
        left_out=reuse.left_out,
    )
