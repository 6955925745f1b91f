"""State change events of jobs."""

import logging
from datetime import datetime
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.sagemaker.protocol import encode
from warmfold_local.sagemaker.tags import tags_of
from warmfold_shapes.constraints import service_model

logger = logging.getLogger("warmfold_local")


def publish_state(cloud: Cloud, *, member: str, event: str, record: Record) -> None:
    """Send the event, whose detail is the Describe answer (times in ms)."""
    arn = str(record[f"{member}Arn"])
    shape: Any = service_model("sagemaker").operation_model(f"Describe{member}").output_shape
    with cloud.lock:
        detail = encode(shape, _in_milliseconds(record))
    detail["Tags"] = tags_of(cloud, arn)
    try:
        cloud.publish(source="aws.sagemaker", detail_type=event, detail=detail, resources=[arn])
    except Exception:  # events are best effort, as on AWS: the job goes on
        logger.exception("the event of %s was lost", arn)


def _in_milliseconds(value: Any) -> Any:
    """Times as events carry them."""
    if isinstance(value, dict):
        return {key: _in_milliseconds(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_milliseconds(item) for item in value]
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    return value
