"""One training job, executed: folders, data in, the user's containers, artifacts out."""

from pathlib import Path
from typing import Any

from warmfold_local.engine.artifacts import make_tar
from warmfold_local.engine.container import command_line
from warmfold_local.engine.images import resolve_image
from warmfold_local.engine.s3 import regular_files, upload_object, upload_tree
from warmfold_local.engine.sync import FolderSync, kept_in_s3
from warmfold_local.sagemaker.failures import JobFailed, algorithm_error, failure_text
from warmfold_local.sagemaker.job_container import Command, Ending, run_container
from warmfold_local.sagemaker.job_hosts import Places, places_of
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.metrics import MetricReader, with_metric
from warmfold_local.sagemaker.role_use import use_role
from warmfold_local.sagemaker.spot import Interrupted, through_interruptions, wait_left
from warmfold_local.sagemaker.training_files import checkpoints, download_channels, prepare_hosts
from warmfold_local.sagemaker.training_states import started, with_transition
from warmfold_local.sagemaker.transfers import downloading, uploading
from warmfold_local.sagemaker.warm_cache import lent


def run_training(job: Job) -> Final:
    """Raises ``JobFailed`` and ``JobStopped``; every other way to end is returned."""
    return through_interruptions(job, _run_once)


def _run_once(job: Job) -> Final:
    """Raises ``Interrupted`` too."""
    use_role(job, job.record["AlgorithmSpecification"]["TrainingImage"])
    with places_of(job, job.record["ResourceConfig"].get("InstanceCount", 1)) as places:
        kept = _prepare(job, places)
        job.check_stop()
        base_dirs = {place.host.name: place.base_dir for place in places.all}
        with lent(job.cloud, job.record, base_dirs), kept_in_s3(kept):
            ending = _train(job, places)
        return _conclude(job, ending, kept)


def _conclude(job: Job, ending: Ending, kept: list[FolderSync]) -> Final:
    """Send what the container left, as far as its end allows."""
    if job.cloud.stopping.is_set():
        return Final("Stopped")
    if ending.lost_capacity is not None:
        _keep(kept)
        raise Interrupted(ending.lost_capacity.wait_seconds)
    if ending.code != 0 and not ending.stopped and not ending.timed_out:
        _keep(kept)
        reason = failure_text(ending.place.base_dir / "output" / "failure")
        raise JobFailed(algorithm_error(reason, ending.code))
    waited_too_long = wait_left(job.record, job.cloud.now()) <= 0
    artifacts = _upload(job, kept)
    if ending.timed_out:
        exceeded = "MaxWaitTimeExceeded" if waited_too_long else "MaxRuntimeExceeded"
        return Final("Stopped", {"SecondaryStatus": exceeded, **artifacts})
    return Final("Stopped" if ending.stopped else "Completed", artifacts)


def _enter(job: Job, status: str, **members: Any) -> None:
    with job.cloud.lock:
        job.update(**with_transition(job.record, status, job.cloud.now()), **members)
    job.publish()


def _prepare(job: Job, places: Places) -> list[FolderSync]:
    """Folders, configuration and data of every host; the checkpoints that are to be kept in S3."""
    _enter(job, "Downloading", **started(job.cloud.now()))
    prepare_hosts(job, places)
    with downloading():
        download_channels(job, places)
        return checkpoints(job, places)


def _train(job: Job, places: Places) -> Ending:
    algorithm = job.record["AlgorithmSpecification"]
    reader = MetricReader(algorithm.get("MetricDefinitions", []))
    image = resolve_image(job.cloud.settings.images_dir, algorithm["TrainingImage"])
    argv = command_line(
        image,
        entrypoint=algorithm.get("ContainerEntrypoint", ()),
        arguments=algorithm.get("ContainerArguments", ()),
        default=("train",),
    )
    own = {"TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.arn}
    command = Command(
        image=image,
        argv=argv,
        environment={**job.record.get("Environment", {}), **own},
        isolated=job.record["EnableNetworkIsolation"],
    )
    _enter(job, "Training")
    return run_container(
        job, places, command, on_line=lambda line: _note_metrics(job, reader, line)
    )


def _note_metrics(job: Job, reader: MetricReader, line: str) -> None:
    for name, value in reader.read(line):
        with job.cloud.lock:
            metrics = job.record["FinalMetricDataList"]
            job.update(FinalMetricDataList=with_metric(metrics, name, value, job.cloud.now()))
        watch = job.record.get("_on_metric")
        if watch is not None:  # a tuning job follows its trial's objective
            watch(job, name, value)


def _upload(job: Job, kept: list[FolderSync]) -> dict[str, Any]:
    """Upload what the container of the first host left; the members that say where the model is."""
    _enter(job, "Uploading")
    output = job.record["OutputDataConfig"]
    target = f"{output['S3OutputPath'].rstrip('/')}/{job.name}/output"
    with uploading():
        model = _send(job, job.base_dir / "model", target, "model")
        _send(job, job.base_dir / "output" / "data", target, "output")
    _keep(kept)
    return {"ModelArtifacts": {"S3ModelArtifacts": model}}


def _keep(kept: list[FolderSync]) -> None:
    with uploading():
        for folder in kept:
            folder.sync()


def _send(job: Job, folder: Path, target: str, name: str) -> str:
    """Upload a folder as ``{name}.tar.gz`` or, uncompressed, as files; nothing if it is empty."""
    output = job.record["OutputDataConfig"]
    kms = output.get("KmsKeyId") or None
    if output.get("CompressionType") == "NONE":
        upload_tree(job.acting, folder, f"{target}/{name}", kms=kms)
        return f"{target}/{name}/"
    uri = f"{target}/{name}.tar.gz"
    if any(regular_files(folder)):
        archive = make_tar(folder, job.base_dir / "tmp" / f"{name}.tar.gz")
        upload_object(job.acting, archive, uri, kms=kms)
    return uri
