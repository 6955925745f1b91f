"""Status changes of executions and steps, as SageMaker puts them on the default event bus.

Member names: "Automating SageMaker with Amazon EventBridge" (developer guide).
"""

import logging
from datetime import UTC, datetime
from typing import Any

from warmfold_local.cloud import Cloud, Record

logger = logging.getLogger("warmfold_local")

SOURCE = "aws.sagemaker"
EXECUTION_CHANGE = "SageMaker Model Building Pipeline Execution Status Change"
STEP_CHANGE = "SageMaker Model Building Pipeline Execution Step Status Change"


def publish_execution(cloud: Cloud, record: Record, previous: str | None) -> None:
    """``previous`` is the status before, ``None`` when the execution starts."""
    detail = {
        "pipelineExecutionDescription": record.get("PipelineExecutionDescription"),
        "pipelineExecutionDisplayName": record.get("PipelineExecutionDisplayName"),
        "currentPipelineExecutionStatus": record["PipelineExecutionStatus"],
        "previousPipelineExecutionStatus": previous,
        "executionStartTime": _time(record["CreationTime"]),
        "executionEndTime": _time(record.get("_ended")),
        "pipelineArn": record["PipelineArn"],
        "pipelineExecutionArn": record["PipelineExecutionArn"],
    }
    _publish(cloud, EXECUTION_CHANGE, detail, record)


def publish_step(cloud: Cloud, execution: Record, step: Record, previous: str | None) -> None:
    detail = {
        "metadata": _metadata(step.get("Metadata", {})),
        "pipelineExecutionArn": execution["PipelineExecutionArn"],
        "pipelineArn": execution["PipelineArn"],
        "stepName": step["StepName"],
        "stepType": step["_type"],
        "stepStartTime": _time(step["StartTime"]),
        "stepEndTime": _time(step.get("EndTime")),
        "currentStepStatus": step["StepStatus"],
        "previousStepStatus": previous,
        "failureReason": step.get("FailureReason"),
    }
    _publish(cloud, STEP_CHANGE, detail, execution)


def _publish(cloud: Cloud, kind: str, detail: dict[str, Any], execution: Record) -> None:
    try:
        cloud.publish(
            source=SOURCE,
            detail_type=kind,
            detail={key: value for key, value in detail.items() if value is not None},
            resources=[execution["PipelineArn"], execution["PipelineExecutionArn"]],
        )
    except Exception:  # events are best effort, as on AWS: the execution goes on
        logger.exception("an event of %s was lost", execution["PipelineExecutionArn"])


def _metadata(metadata: Record) -> dict[str, Any]:
    """``{"ProcessingJob": {"Arn": …}}`` as events write it: ``{"processingJob": {"arn": …}}``."""
    return {
        f"{kind[:1].lower()}{kind[1:]}": {"arn": values["Arn"]}
        for kind, values in metadata.items()
        if "Arn" in values
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
