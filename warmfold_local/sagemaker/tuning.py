"""Hyperparameter tuning jobs: Create, Describe, List, Stop, Delete, and their training jobs."""

import shutil
from dataclasses import replace
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ResourceInUse, ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.jobs import create_job, request_stop
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.tags import forget_tags
from warmfold_local.sagemaker.training import check_training
from warmfold_local.sagemaker.tuning_records import TUNING, ParentsTrials, current, find_tuning
from warmfold_local.sagemaker.tuning_requests import choices, training_members
from warmfold_local.sagemaker.tuning_run import run_tuning
from warmfold_local.sagemaker.tuning_spec import (
    OPERATION,
    Definition,
    TuningSpec,
    check_within_limit,
    parse_spec,
)
from warmfold_local.sagemaker.tuning_trials import overview
from warmfold_local.sagemaker.tuning_warm_start import check_parents, parent_of, priors_of

# "Number of concurrent hyperparameter tuning jobs: 100" (developer guide, tuning limits).
_CONCURRENT_JOBS = 100

_ACTIVE = ("InProgress", "Stopping")
_PARENTS = "ParentHyperParameterTuningJobs"


@operation("CreateHyperParameterTuningJob")
def create_tuning_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    name = request["HyperParameterTuningJobName"]
    if cloud.table(TUNING.label).find(name) is not None:
        raise ResourceInUse(
            f"A hyperparameter tuning job with the name, {name}, already exists. "
            "Choose a different name."
        )
    spec = parse_spec(request)
    for definition in spec.definitions:
        for choice in range(len(choices(definition.members))):
            check_training(cloud, training_members(definition.members, choice))
    _check_concurrent(cloud)
    spec, parents = _warm_started(cloud, request, spec)
    members = {**overview(()), "_spec": spec, "_trials": (), "_parents": parents}
    job = create_job(cloud, TUNING, request, members=members, run=run_tuning)
    return {"HyperParameterTuningJobArn": job.arn}


@operation("DescribeHyperParameterTuningJob")
def describe_tuning_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return current(cloud, find_tuning(cloud, request["HyperParameterTuningJobName"]))


@operation("ListHyperParameterTuningJobs")
def list_tuning_jobs(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    def summary(record: Record) -> dict[str, Any]:
        config = record["HyperParameterTuningJobConfig"]
        limits = config["ResourceLimits"]
        return {**current(cloud, record), "Strategy": config["Strategy"], "ResourceLimits": limits}

    return list_page(
        request,
        [summary(record) for record in cloud.table(TUNING.label)],
        result="HyperParameterTuningJobSummaries",
        name="HyperParameterTuningJobName",
        status=TUNING.status,
        default_sort="Name",
        default_order="Ascending",
    )


@operation("StopHyperParameterTuningJob")
def stop_tuning_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Running trials are stopped; what finished trials have made is kept."""
    name = request["HyperParameterTuningJobName"]
    find_tuning(cloud, name)
    request_stop(cloud, TUNING, name)
    return {}


@operation("DeleteHyperParameterTuningJob")
def delete_tuning_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Only the entry goes: "It does not delete training jobs, artifacts, or the IAM role".

    That a job must have ended first is the local cloud's own rule; none is documented.
    """
    name = request["HyperParameterTuningJobName"]
    with cloud.lock:
        record = find_tuning(cloud, name)
        if record[TUNING.status] in _ACTIVE:
            raise ValidationError(
                f"The tuning job {name} is in status {record[TUNING.status]}: stop it, or wait "
                "for its end, before it is deleted."
            )
        cloud.table(TUNING.label).remove(name)
        forget_tags(cloud, record["HyperParameterTuningJobArn"])
    shutil.rmtree(cloud.settings.state_dir / "jobs" / TUNING.folder / name, ignore_errors=True)
    return {}


@operation("ListTrainingJobsForHyperParameterTuningJob")
def list_trials(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Sorted by the objective, only trials that have a final one are listed (API reference)."""
    record = find_tuning(cloud, request["HyperParameterTuningJobName"])
    with cloud.lock:
        summaries = [trial.summary() for trial in record["_trials"]]
    if request.get("SortBy") == "FinalObjectiveMetricValue":
        summaries = [summary for summary in summaries if summary["_score"] is not None]
    return list_page(
        request,
        summaries,
        result="TrainingJobSummaries",
        name="TrainingJobName",
        status="TrainingJobStatus",
        sort_by={"FinalObjectiveMetricValue": "_score"},
        default_sort="Name",
        default_order="Ascending",
    )


def _check_concurrent(cloud: Cloud) -> None:
    active = sum(record[TUNING.status] in _ACTIVE for record in cloud.table(TUNING.label))
    if active >= _CONCURRENT_JOBS:
        raise ServiceError(
            "ResourceLimitExceeded",
            "The account-level service limit 'Maximum number of concurrent hyperparameter tuning "
            f"jobs' is {_CONCURRENT_JOBS}, and as many run. Wait for one to end.",
        )


def _warm_started(
    cloud: Cloud, request: dict[str, Any], spec: TuningSpec
) -> tuple[TuningSpec, ParentsTrials]:
    """The job with what its parents teach it, and their trials; itself without a warm start."""
    config = request.get("WarmStartConfig")
    if config is None:
        return spec, ParentsTrials()
    if spec.strategy == "Grid":  # which tries every combination, whatever is known
        raise UnsupportedOperation(OPERATION, "WarmStartConfig with strategy Grid of")
    names = [item.get("HyperParameterTuningJobName") for item in config[_PARENTS]]
    if None in names:
        raise ValidationError(f"Each of {_PARENTS} needs a HyperParameterTuningJobName.")
    records, kind = [find_tuning(cloud, name) for name in names], config["WarmStartType"]
    definitions = tuple(_taught(records, definition, kind) for definition in spec.definitions)
    trials = tuple(trial for record in records for trial in record["_trials"])
    check_within_limit(spec.max_trials + len(trials))
    return replace(spec, definitions=definitions), ParentsTrials(trials)


def _taught(records: list[Record], definition: Definition, warm_start_type: str) -> Definition:
    """A definition with what the parents' definitions of its name teach it."""
    parents = [parent_of(record, definition.name) for record in records]
    check_parents(
        parents,
        warm_start_type=warm_start_type,
        definition=definition.members,
        tuned=definition.tuned,
        objective=definition.objective,
    )
    return replace(definition, priors=priors_of(parents, warm_start_type))
