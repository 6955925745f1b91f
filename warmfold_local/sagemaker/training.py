"""Training jobs: Create, Describe, List, Stop, and the states a job passes through."""

from collections.abc import Callable
from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.engine.container import check_local_path
from warmfold_local.engine.images import resolve_image
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.jobs import Job, JobKind, create_job, describe_job, request_stop
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.metrics import MetricReader
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.training_run import run_training
from warmfold_local.sagemaker.training_states import closing, opening, with_transition

TRAINING = JobKind(
    label="Training job",
    resource="training-job",
    member="TrainingJob",
    folder="training",
    event="SageMaker Training Job State Change",
    ended="TrainingEndTime",
    closing=closing,
)

# "MaxRuntimeInSeconds … The default value is 1 day" (API reference, StoppingCondition).
_DEFAULT_MAX_RUNTIME_SECONDS = 86_400


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
        "StoppingCondition": {
            "MaxRuntimeInSeconds": _DEFAULT_MAX_RUNTIME_SECONDS,
            **request.get("StoppingCondition", {}),
        },
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
    if request.get("EnableManagedSpotTraining"):
        raise UnsupportedOperation("CreateTrainingJob", "managed spot training of")
    resources = request.get("ResourceConfig") or {}
    if resources.get("InstanceType") is None or resources.get("VolumeSizeInGB") is None:
        raise ValidationError("ResourceConfig must name InstanceType and VolumeSizeInGB.")
    if resources.get("InstanceCount", 1) != 1:
        raise UnsupportedOperation("CreateTrainingJob", "InstanceCount above 1 of")
    check_local_path((request.get("CheckpointConfig") or {}).get("LocalPath"))
    _check_channels(request.get("InputDataConfig", []), algorithm["TrainingInputMode"])


def _check_channels(channels: list[dict[str, Any]], mode: str) -> None:
    names = [channel["ChannelName"] for channel in channels]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValidationError(f"Duplicate channel names are not allowed: {', '.join(doubles)}")
    for channel in channels:
        source = channel["DataSource"].get("S3DataSource")
        if source is None or source["S3DataType"] != "S3Prefix":
            raise UnsupportedOperation("CreateTrainingJob", "data source other than S3Prefix of")
        if channel.get("InputMode", mode) == "Pipe":
            raise UnsupportedOperation("CreateTrainingJob", "Pipe mode of")
        if channel.get("CompressionType", "None") != "None":
            raise UnsupportedOperation("CreateTrainingJob", "compressed channel of")


@operation("DescribeTrainingJob")
def describe_training_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return describe_job(cloud, TRAINING, request["TrainingJobName"])


@operation("ListTrainingJobs")
def list_training_jobs(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Warm pools are not modelled yet: no job has a status to filter by."""
    jobs = list(cloud.table(TRAINING.label)) if not request.get("WarmPoolStatusEquals") else []
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
