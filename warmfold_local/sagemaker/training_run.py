"""One training job, executed: folders, data in, the user's container, artifacts out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warmfold_local.engine.artifacts import make_tar
from warmfold_local.engine.container import command_line, relocate
from warmfold_local.engine.images import resolve_image
from warmfold_local.engine.s3 import download_prefix, regular_files, upload_object, upload_tree
from warmfold_local.sagemaker.failures import JobFailed, algorithm_error, failure_text
from warmfold_local.sagemaker.job_container import Ending, run_container
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.metrics import MetricReader, with_metric
from warmfold_local.sagemaker.training_states import with_transition
from warmfold_local.sagemaker.transfers import downloading, uploading

_FOLDERS = ("input/config", "input/data", "model", "output/data", "checkpoints", "code")
_HOST = "algo-1"
_GROUP = "homogeneousCluster"


def run_training(job: Job) -> Final:
    """Raises ``JobFailed`` and ``JobStopped``; every other way to end is returned."""
    _prepare(job)
    job.check_stop()
    ending = _train(job)
    if job.cloud.stopping.is_set():
        return Final("Stopped")
    if ending.code != 0 and not ending.stopped and not ending.timed_out:
        reason = failure_text(job.base_dir / "output" / "failure")
        raise JobFailed(algorithm_error(reason, ending.code))
    artifacts = _upload(job)
    if ending.timed_out:
        return Final("Stopped", {"SecondaryStatus": "MaxRuntimeExceeded", **artifacts})
    return Final("Stopped" if ending.stopped else "Completed", artifacts)


def _enter(job: Job, status: str, **members: Any) -> None:
    with job.cloud.lock:
        job.update(**with_transition(job.record, status, job.cloud.now()), **members)
    job.publish()


def _prepare(job: Job) -> None:
    _enter(job, "Downloading", TrainingStartTime=job.cloud.now())
    for name in _FOLDERS:
        (job.base_dir / name).mkdir(parents=True)
    _write_config(job)
    with downloading():
        for channel in job.record.get("InputDataConfig", []):
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            target = job.base_dir / "input" / "data" / channel["ChannelName"]
            for path in download_prefix(job.cloud, uri, target):
                path.chmod(0o444)
        checkpoints = _checkpoints(job)
        if checkpoints is not None:
            folder, uri = checkpoints
            download_prefix(job.cloud, f"{uri}/", folder, allow_empty=True)


def _write_config(job: Job) -> None:
    folder, record = job.base_dir / "input" / "config", job.record
    _write(folder / "hyperparameters.json", record.get("HyperParameters", {}))
    _write(folder / "inputdataconfig.json", _input_config(record))
    _write(folder / "resourceconfig.json", _resource_config(record))


def _write(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


def _input_config(record: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Per channel what the container sees: FastFile appears as File, the location not at all."""
    config = {}
    for channel in record.get("InputDataConfig", []):
        source = channel["DataSource"]["S3DataSource"]
        entry = {
            "TrainingInputMode": "File",
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if channel.get("ContentType") is not None:
            entry["ContentType"] = channel["ContentType"]
        config[channel["ChannelName"]] = entry
    return config


def _resource_config(record: Mapping[str, Any]) -> dict[str, Any]:
    instance_type = record["ResourceConfig"]["InstanceType"]
    group = {"instance_group_name": _GROUP, "instance_type": instance_type, "hosts": [_HOST]}
    return {
        "current_host": _HOST,
        "current_instance_type": instance_type,
        "current_group_name": _GROUP,
        "hosts": [_HOST],
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }


def _train(job: Job) -> Ending:
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
    _enter(job, "Training")
    return run_container(
        job,
        image,
        argv,
        environment={**job.record.get("Environment", {}), **own},
        isolated=job.record["EnableNetworkIsolation"],
        on_line=lambda line: _note_metrics(job, reader, line),
    )


def _note_metrics(job: Job, reader: MetricReader, line: str) -> None:
    for name, value in reader.read(line):
        with job.cloud.lock:
            metrics = job.record["FinalMetricDataList"]
            job.update(FinalMetricDataList=with_metric(metrics, name, value, job.cloud.now()))


def _upload(job: Job) -> dict[str, Any]:
    """Upload what the container left; the members that say where the model is."""
    _enter(job, "Uploading")
    output = job.record["OutputDataConfig"]
    target = f"{output['S3OutputPath'].rstrip('/')}/{job.name}/output"
    with uploading():
        model = _send(job, job.base_dir / "model", target, "model")
        _send(job, job.base_dir / "output" / "data", target, "output")
        checkpoints = _checkpoints(job)
        if checkpoints is not None:
            upload_tree(job.cloud, *checkpoints)
    return {"ModelArtifacts": {"S3ModelArtifacts": model}}


def _send(job: Job, folder: Path, target: str, name: str) -> str:
    """Upload a folder as ``{name}.tar.gz`` or, uncompressed, as files; nothing if it is empty."""
    output = job.record["OutputDataConfig"]
    kms = output.get("KmsKeyId") or None
    if output.get("CompressionType") == "NONE":
        upload_tree(job.cloud, folder, f"{target}/{name}", kms=kms)
        return f"{target}/{name}/"
    uri = f"{target}/{name}.tar.gz"
    if any(regular_files(folder)):
        archive = make_tar(folder, job.base_dir / "tmp" / f"{name}.tar.gz")
        upload_object(job.cloud, archive, uri, kms=kms)
    return uri


def _checkpoints(job: Job) -> tuple[Path, str] | None:
    """Folder and S3 prefix of the checkpoints: copied in at the start and out at the end."""
    config = job.record.get("CheckpointConfig")
    if config is None:
        return None
    local = config.get("LocalPath", "/opt/ml/checkpoints")
    return relocate(job.base_dir, local), config["S3Uri"].rstrip("/")
