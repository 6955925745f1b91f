"""One processing job, executed: inputs in, the container, its message, outputs out."""

import json
from typing import Any

from warmfold_local.engine.container import command_line, relocate
from warmfold_local.engine.images import resolve_image
from warmfold_local.engine.inputs import fetch
from warmfold_local.engine.sync import FolderSync, kept_in_s3
from warmfold_local.sagemaker.failures import (
    algorithm_error,
    clip,
    exit_message,
    failure_text,
)
from warmfold_local.sagemaker.job_container import Command, Ending, run_container
from warmfold_local.sagemaker.job_hosts import Places, places_of
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.role_use import use_role
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
    use_role(job, job.record["AppSpecification"]["ImageUri"])
    cluster = job.record["ProcessingResources"]["ClusterConfig"]
    with places_of(job, cluster["InstanceCount"]) as places:
        _prepare(job, places)
        job.check_stop()
        kept, rest = _syncs(job, places)
        with kept_in_s3(kept):
            ending = _process(job, places)
        return _conclude(ending, [*kept, *rest])


def _conclude(ending: Ending, outputs: list[FolderSync]) -> Final:
    """Outputs of a job that did not succeed are not sent, beyond what already was."""
    message = exit_message(ending.place.base_dir / "output" / "message")
    members = {"ExitMessage": message} if message else {}
    if ending.stopped or ending.timed_out:
        return Final("Stopped", members)
    if ending.code != 0:
        text = message or failure_text(ending.place.base_dir / "output" / "failure")
        reason = algorithm_error(text, ending.code)
        return Final("Failed", {**members, "FailureReason": clip(reason)})
    with uploading():
        for folder in outputs:
            folder.sync()
    return Final("Completed", members)


def _prepare(job: Job, places: Places) -> None:
    config = {key: job.record[key] for key in _CONFIG_MEMBERS if key in job.record}
    for place in places.all:
        for folder in ("config", "output", "processing"):
            (place.base_dir / folder).mkdir(parents=True)
        for output in _outputs(job):
            relocate(place.base_dir, output["LocalPath"]).mkdir(parents=True, exist_ok=True)
        hosts = {"current_host": place.host.name, "hosts": places.names}
        for name, values in (("processingjobconfig", config), ("resourceconfig", hosts)):
            path = place.base_dir / "config" / f"{name}.json"
            path.write_text(json.dumps(values), encoding="utf-8")
    with downloading():
        for item in job.record.get("ProcessingInputs", []):
            source = item["S3Input"]
            folders = [relocate(place.base_dir, source["LocalPath"]) for place in places.all]
            fetch(job.acting, source, folders)


def _process(job: Job, places: Places) -> Ending:
    application = job.record["AppSpecification"]
    image = resolve_image(job.cloud.settings.images_dir, application["ImageUri"])
    argv = command_line(
        image,
        entrypoint=application.get("ContainerEntrypoint", ()),
        arguments=application.get("ContainerArguments", ()),
    )
    command = Command(
        image=image,
        argv=argv,
        environment=job.record.get("Environment", {}),
        isolated=job.record.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
    )
    return run_container(job, places, command)


def _syncs(job: Job, places: Places) -> tuple[list[FolderSync], list[FolderSync]]:
    """Outputs that are sent continuously, and those that are sent at the end.

    Every host sends its own; of files with one name that of the first host stays.
    """
    kms = job.record.get("ProcessingOutputConfig", {}).get("KmsKeyId") or None
    syncs: dict[bool, list[FolderSync]] = {True: [], False: []}
    for place in reversed(places.all):
        for output in _outputs(job):
            folder = FolderSync(
                cloud=job.acting,
                folder=relocate(place.base_dir, output["LocalPath"]),
                uri=output["S3Uri"],
                deletes=False,
                kms=kms,
            )
            syncs[output["S3UploadMode"] == "Continuous"].append(folder)
    return syncs[True], syncs[False]


def _outputs(job: Job) -> list[dict[str, Any]]:
    config = job.record.get("ProcessingOutputConfig", {})
    return [output["S3Output"] for output in config.get("Outputs", [])]
