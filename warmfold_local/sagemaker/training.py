"""Training jobs: Create, Describe, List, Stop, and the states a job passes through."""

from collections.abc import Callable
from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.engine.container import check_local_path
from warmfold_local.engine.images import resolve_image
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.capacity import refresh_pools
from warmfold_local.sagemaker.data_sources import check_source
from warmfold_local.sagemaker.jobs import (
    Job,
    JobKind,
    create_job,
    delete_job,
    describe_job,
    request_stop,
)
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.metrics import MetricReader
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.spot import check_spot
from warmfold_local.sagemaker.training_run import run_training
from warmfold_local.sagemaker.training_states import (
    closing,
    opening,
    restarting,
    with_transition,
)

TRAINING = JobKind(
    label="Training job",
    resource="training-job",
    member="TrainingJob",
    folder="training",
    event="SageMaker Training Job State Change",
    ended="TrainingEndTime",
    closing=closing,
    restarting=restarting,
)

# "MaxRuntimeInSeconds … The default value is 1 day" (API reference, StoppingCondition).
_DEFAULT_STOPPING = {"MaxRuntimeInSeconds": 86_400}


@operation("CreateTrainingJob")
def create_training_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return {"TrainingJobArn": start_training(cloud, request).arn}


def start_training(
    cloud: Cloud,
    request: dict[str, Any],
    *,
    members: dict[str, Any] | None = None,
    on_ended: Callable[[Job], None] | None = None,
) -> Job:
    """Start a job from a CreateTrainingJob request; ``members`` are added to its record.

    Raises ``ValidationError``, ``ResourceInUse`` or ``UnsupportedOperation`` before anything runs.
    """
    check_training(cloud, request)
    now = cloud.now()
    own = {
        "StoppingCondition": {**_DEFAULT_STOPPING, **request.get("StoppingCondition", {})},
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "FinalMetricDataList": [],
        **opening(now),
        **(members or {}),
    }
    return create_job(cloud, TRAINING, request, members=own, run=run_training, on_ended=on_ended)


def check_training(cloud: Cloud, request: dict[str, Any]) -> None:
    """Refuse what is wrong, or not offered here, as soon as it is asked for."""
    algorithm = request.get("AlgorithmSpecification") or {}
    if algorithm.get("TrainingImage") is None:
        raise ValidationError("AlgorithmSpecification must name a TrainingImage.")
    resolve_image(cloud.settings.images_dir, algorithm["TrainingImage"])
    MetricReader(algorithm.get("MetricDefinitions", []))
    resources = request.get("ResourceConfig") or {}
    if resources.get("InstanceType") is None or resources.get("VolumeSizeInGB") is None:
        raise ValidationError("ResourceConfig must name InstanceType and VolumeSizeInGB.")
    stopping = {**_DEFAULT_STOPPING, **request.get("StoppingCondition", {})}
    check_spot({**request, "StoppingCondition": stopping})
    check_local_path((request.get("CheckpointConfig") or {}).get("LocalPath"))
    _check_channels(request.get("InputDataConfig", []), algorithm["TrainingInputMode"])


def _check_channels(channels: list[dict[str, Any]], mode: str) -> None:
    names = [channel["ChannelName"] for channel in channels]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValidationError(f"Duplicate channel names are not allowed: {', '.join(doubles)}")
    for channel in channels:
        check_source("CreateTrainingJob", channel["DataSource"].get("S3DataSource"))
        if channel.get("InputMode", mode) == "Pipe":
            raise UnsupportedOperation("CreateTrainingJob", "Pipe mode of")
        _check_unset(channel, "CompressionType")
        _check_unset(channel, "RecordWrapperType")


def _check_unset(channel: dict[str, Any], member: str) -> None:
    """In File mode, "leave this field unset or set it to None" (API reference, Channel).

    Raises ``ValidationError``.
    """
    if channel.get(member, "None") != "None":
        raise ValidationError(
            f"{member} of channel {channel['ChannelName']!r} is {channel[member]!r}: it is used "
            "only in Pipe mode. In File mode, leave it unset or set it to None."
        )


@operation("DescribeTrainingJob")
def describe_training_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    refresh_pools(cloud)
    return describe_job(cloud, TRAINING, request["TrainingJobName"])


@operation("ListTrainingJobs")
def list_training_jobs(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    refresh_pools(cloud)
    wanted = request.get("WarmPoolStatusEquals")
    jobs = [
        record
        for record in cloud.table(TRAINING.label)
        if wanted in (None, record.get("WarmPoolStatus", {}).get("Status"))
    ]
    return list_page(
        request, jobs, result="TrainingJobSummaries", name="TrainingJobName", status=TRAINING.status
    )


@operation("StopTrainingJob")
def stop_training_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """SIGTERM, SIGKILL 120 s later; what the job has written by then is kept."""
    stop_training(cloud, request["TrainingJobName"])
    return {}


def stop_training(cloud: Cloud, name: str) -> None:
    """Raises ``ValidationError`` if the job is unknown, or not InProgress."""
    request_stop(
        cloud,
        TRAINING,
        name,
        lambda record: with_transition(record, "Stopping", cloud.now()),
    )


@operation("DeleteTrainingJob")
def delete_training_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """The name can be used again. A job that retains a warm pool is not deleted."""
    delete_job(cloud, TRAINING, request["TrainingJobName"])
    return {}
