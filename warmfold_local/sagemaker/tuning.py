"""Hyperparameter tuning jobs: Create, Describe, List, Stop, and their training jobs."""

import math
from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.jobs import (
    JobKind,
    create_job,
    describe_job,
    find_job,
    request_stop,
)
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.training import check_training
from warmfold_local.sagemaker.tuning_ranges import parse_ranges
from warmfold_local.sagemaker.tuning_run import TuningSpec, run_tuning, training_members
from warmfold_local.sagemaker.tuning_search import default_seed
from warmfold_local.sagemaker.tuning_trials import Objective, overview

TUNING = JobKind(
    label="Hyperparameter tuning job",
    resource="hyper-parameter-tuning-job",
    member="HyperParameterTuningJob",
    folder="tuning",
    event="SageMaker HyperParameter Tuning Job State Change",
    ended="HyperParameterTuningEndTime",
)

_OPERATION = "CreateHyperParameterTuningJob"

# "Maximum number of training jobs per hyperparameter tuning job: 750", if the request has none.
_MOST_TRIALS = 750
_HYPERPARAMETER_LIMIT = 100


@operation("CreateHyperParameterTuningJob")
def create_tuning_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    spec = _spec(request)
    check_training(cloud, training_members(spec.definition))
    members = {**overview(()), "_spec": spec, "_trials": ()}
    job = create_job(cloud, TUNING, request, members=members, run=run_tuning)
    return {"HyperParameterTuningJobArn": job.arn}


@operation("DescribeHyperParameterTuningJob")
def describe_tuning_job(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return describe_job(cloud, TUNING, request["HyperParameterTuningJobName"])


@operation("ListHyperParameterTuningJobs")
def list_tuning_jobs(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    def summary(record: dict[str, Any]) -> dict[str, Any]:
        config = record["HyperParameterTuningJobConfig"]
        limits = config["ResourceLimits"]
        return {**record, "Strategy": config["Strategy"], "ResourceLimits": limits}

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
    request_stop(cloud, TUNING, request["HyperParameterTuningJobName"])
    return {}


@operation("ListTrainingJobsForHyperParameterTuningJob")
def list_trials(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Sorted by the objective, only trials that have a final one are listed (API reference)."""
    record = find_job(cloud, TUNING, request["HyperParameterTuningJobName"])
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


def _spec(request: dict[str, Any]) -> TuningSpec:
    """Raises ``ValidationError`` or ``UnsupportedOperation`` before anything runs."""
    _check_supported(request)
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    limits = config["ResourceLimits"]
    criteria = config.get("TuningJobCompletionCriteria", {})
    improving = criteria.get("BestObjectiveNotImproving", {})
    ranges = definition.get("HyperParameterRanges") or config.get("ParameterRanges") or {}
    static = definition.get("StaticHyperParameters", {})
    parsed = parse_ranges(ranges, static)
    if len(parsed) + len(static) + 1 > _HYPERPARAMETER_LIMIT:
        raise ValidationError(
            f"A training job takes at most {_HYPERPARAMETER_LIMIT} hyperparameters."
        )
    return TuningSpec(
        strategy=config["Strategy"],
        objective=_objective(config, definition),
        ranges=parsed,
        max_trials=limits.get("MaxNumberOfTrainingJobs", _MOST_TRIALS),
        parallel_trials=limits["MaxParallelTrainingJobs"],
        max_runtime_seconds=float(limits.get("MaxRuntimeInSeconds", math.inf)),
        seed=config.get("RandomSeed", default_seed(request["HyperParameterTuningJobName"])),
        target=criteria.get("TargetObjectiveMetricValue"),
        patience=improving.get("MaxNumberOfTrainingJobsNotImproving"),
        definition=definition,
    )


def _check_supported(request: dict[str, Any]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    if config["Strategy"] not in ("Bayesian", "Random"):
        raise UnsupportedOperation(_OPERATION, f"strategy {config['Strategy']} of")
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise UnsupportedOperation(_OPERATION, "early stopping of")
    if config.get("TuningJobCompletionCriteria", {}).get("ConvergenceDetected"):
        raise UnsupportedOperation(_OPERATION, "ConvergenceDetected of")
    for member in ("TrainingJobDefinitions", "WarmStartConfig", "Autotune"):
        if request.get(member):
            raise UnsupportedOperation(_OPERATION, f"{member} of")
    if request.get("TrainingJobDefinition") is None:
        raise ValidationError("A tuning job needs a TrainingJobDefinition.")
    resources = request["TrainingJobDefinition"].get("HyperParameterTuningResourceConfig", {})
    if resources.get("InstanceConfigs"):
        raise UnsupportedOperation(_OPERATION, "InstanceConfigs of")


def _objective(config: dict[str, Any], definition: dict[str, Any]) -> Objective:
    """The objective must be among the metric definitions of the user's own algorithm."""
    values = config.get("HyperParameterTuningJobObjective") or definition.get("TuningObjective")
    if values is None:
        raise ValidationError("A tuning job needs a HyperParameterTuningJobObjective.")
    metrics = definition["AlgorithmSpecification"].get("MetricDefinitions", [])
    if values["MetricName"] not in [metric["Name"] for metric in metrics]:
        raise ValidationError(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric "
            f"in the metric definitions: {values['MetricName']!r} is none of them."
        )
    return Objective(values["MetricName"], values["Type"] == "Maximize")
