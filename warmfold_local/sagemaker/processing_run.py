"""One processing job, executed: inputs in, the container, its message, outputs out."""

import json
from typing import Any

from warmfold_local.engine.container import command_line, relocate
from warmfold_local.engine.images import resolve_image
from warmfold_local.engine.s3 import download_prefix, upload_tree
from warmfold_local.sagemaker.failures import (
    algorithm_error,
    clip,
    exit_message,
    failure_text,
)
from warmfold_local.sagemaker.job_container import Ending, run_container
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.transfers import downloading, uploading

# What the container reads in /opt/ml/config/processingjobconfig.json: the create request.
_CONFIG_MEMBERS = (
    "ProcessingJobArn",
    "ProcessingJobName",
    "AppSpecification",
    "Environment",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
)


def run_processing(job: Job) -> Final:
    """Raises ``JobFailed`` and ``JobStopped``; every other way to end is returned.

    A time-out ends a job as Stopped: documented for training jobs only, and taken over from there.
    """
    job.update(ProcessingStartTime=job.cloud.now())
    _prepare(job)
    job.check_stop()
    ending = _process(job)
    message = exit_message(job.base_dir / "output" / "message")
    members = {"ExitMessage": message} if message else {}
    if ending.stopped or ending.timed_out:
        return Final("Stopped", members)
    if ending.code != 0:
        text = message or failure_text(job.base_dir / "output" / "failure")
        reason = algorithm_error(text, ending.code)
        return Final("Failed", {**members, "FailureReason": clip(reason)})
    _upload(job)
    return Final("Completed", members)


def _prepare(job: Job) -> None:
    for folder in ("config", "output", "processing"):
        (job.base_dir / folder).mkdir(parents=True)
    for output in _outputs(job):
        relocate(job.base_dir, output["LocalPath"]).mkdir(parents=True, exist_ok=True)
    config = {key: job.record[key] for key in _CONFIG_MEMBERS if key in job.record}
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
    for name, values in (("processingjobconfig", config), ("resourceconfig", hosts)):
        path = job.base_dir / "config" / f"{name}.json"
        path.write_text(json.dumps(values), encoding="utf-8")
    with downloading():
        for item in job.record.get("ProcessingInputs", []):
            source = item["S3Input"]
            target = relocate(job.base_dir, source["LocalPath"])
            download_prefix(job.cloud, source["S3Uri"], target)


def _process(job: Job) -> Ending:
    application = job.record["AppSpecification"]
    image = resolve_image(job.cloud.settings.images_dir, application["ImageUri"])
    argv = command_line(
        image,
        entrypoint=application.get("ContainerEntrypoint", ()),
        arguments=application.get("ContainerArguments", ()),
    )
    return run_container(
        job,
        image,
        argv,
        environment=job.record.get("Environment", {}),
        isolated=job.record.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
    )


def _upload(job: Job) -> None:
    """Continuous outputs too are uploaded at the end."""
    kms = job.record.get("ProcessingOutputConfig", {}).get("KmsKeyId") or None
    with uploading():
        for output in _outputs(job):
            folder = relocate(job.base_dir, output["LocalPath"])
            upload_tree(job.cloud, folder, output["S3Uri"], kms=kms)


def _outputs(job: Job) -> list[dict[str, Any]]:
    config = job.record.get("ProcessingOutputConfig", {})
    return [output["S3Output"] for output in config.get("Outputs", [])]
