"""What happens to an execution after its start: retried, changed, a waiting step answered."""

from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.sagemaker.pipeline_checks import parse
from warmfold_local.sagemaker.pipeline_executions import (
    MAX_PARALLEL_STEPS,
    execution_record,
    new_run,
)
from warmfold_local.sagemaker.pipeline_selection import Reuse
from warmfold_local.sagemaker.pipeline_steps import callbacks
from warmfold_local.sagemaker.pipelines import ConflictError
from warmfold_local.sagemaker.protocol import operation


@operation("RetryPipelineExecution")
def retry_pipeline_execution(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Runs again, in the same execution, what did not succeed; what did is kept.

    Only of an execution that has failed or was stopped. A repeated ``ClientRequestToken``
    changes nothing.
    """
    with cloud.lock:
        record = execution_record(cloud, request["PipelineExecutionArn"])
        answer = {"PipelineExecutionArn": record["PipelineExecutionArn"]}
        tokens = record.setdefault("_retry_tokens", [])
        if request["ClientRequestToken"] in tokens:
            return answer
        previous = record["PipelineExecutionStatus"]
        if previous not in ("Failed", "Stopped"):
            raise ConflictError(
                f"Pipeline execution with ARN {record['PipelineExecutionArn']} is {previous}, and "
                "only a failed or stopped execution can be retried."
            )
        tokens.append(request["ClientRequestToken"])
        _restart(cloud, record, request.get("ParallelismConfiguration"))
    record["_run"].start(previous)
    return answer


@operation("UpdatePipelineExecution")
def update_pipeline_execution(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Names, and how many steps may run at a time from now on."""
    with cloud.lock:
        record = execution_record(cloud, request["PipelineExecutionArn"])
        for member in (
            "PipelineExecutionDescription",
            "PipelineExecutionDisplayName",
            "ParallelismConfiguration",
        ):
            if request.get(member) is not None:
                record[member] = request[member]
        record["LastModifiedTime"] = cloud.now()
        parallelism = record["ParallelismConfiguration"] or {}
    record["_run"].allow(parallelism.get("MaxParallelExecutionSteps", MAX_PARALLEL_STEPS))
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


@operation("SendPipelineExecutionStepSuccess")
def send_pipeline_execution_step_success(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return {"PipelineExecutionArn": callbacks.succeed(cloud, request)}


@operation("SendPipelineExecutionStepFailure")
def send_pipeline_execution_step_failure(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return {"PipelineExecutionArn": callbacks.fail(cloud, request)}


def _restart(cloud: Cloud, record: Record, parallelism: Record | None) -> None:
    before = record["_run"]
    kept = {
        name: step
        for name, step in before.steps.items()
        if step["StepStatus"] == "Succeeded" and name in before.scope.outputs
    }
    reuse = Reuse(
        steps=kept,
        outputs={name: before.scope.outputs[name] for name in kept},
        left_out=before.left_out,
    )
    if parallelism is not None:
        record["ParallelismConfiguration"] = parallelism
    for member in ("FailureReason", "_ended"):
        record.pop(member, None)
    record |= {"PipelineExecutionStatus": "Executing", "LastModifiedTime": cloud.now()}
    record["_run"] = new_run(cloud, parse(record["PipelineDefinition"]), record, reuse)
