"""Processing, Training, Tuning and Transform steps: create a job and wait for its end."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from warmfold_local.cloud import Record
from warmfold_local.errors import ServiceError
from warmfold_local.sagemaker.expressions import Scope
from warmfold_local.sagemaker.pipeline_steps.base import (
    CAPACITY_ERROR,
    JOB_INTERNAL_ERROR,
    POLL_SECONDS,
    RESOURCE_LIMIT,
    Outputs,
    StepFailedError,
    StepRun,
    StepStoppedError,
    described,
    invoke,
)
from warmfold_local.sagemaker.protocol import call

logger = logging.getLogger("warmfold_local")

_TERMINAL = ("Completed", "Failed", "Stopped")

# How the failure reasons begin that a retry policy may name.
_RETRYABLE = {
    "InternalServerError": JOB_INTERNAL_ERROR,
    "CapacityError": CAPACITY_ERROR,
    "ResourceLimitExceeded": RESOURCE_LIMIT,
}


@dataclass(frozen=True)
class JobKind:
    """The job of a step type; its operations and members are named after it.

    ``metadata`` is its member of PipelineExecutionStepMetadata.
    """

    job: str
    metadata: str
    name_limit: int = 63


JOB_KINDS = {
    "Processing": JobKind("ProcessingJob", "ProcessingJob"),
    "Training": JobKind("TrainingJob", "TrainingJob"),
    "Transform": JobKind("TransformJob", "TransformJob"),
    "Tuning": JobKind("HyperParameterTuningJob", "TuningJob", name_limit=32),
}


def run_job(run: StepRun) -> Outputs:
    """The Describe answer of the completed job.

    A job that ends Stopped although the execution goes on has not done its work: the step fails.
    """
    kind = JOB_KINDS[run.step.type]
    name = run.resource_name(kind.name_limit)
    arguments = of_job(run, name).evaluate(run.step.arguments)
    # The service names the job itself: a name in the definition would be taken the second time.
    request = {**arguments, f"{kind.job}Name": name}
    created = invoke(f"Create{kind.job}", request, run.cloud)
    run.announce({kind.metadata: {"Arn": created[f"{kind.job}Arn"]}})
    job = _await_end(run, kind, name)
    status = job[f"{kind.job}Status"]
    if status == "Completed":
        return {**job, **_trials(run, kind, name)}
    if status == "Stopped" and run.stopping.is_set():
        raise StepStoppedError
    raise _failure(kind, name, status, job)


@dataclass(frozen=True)
class JobScope:
    """What a step's expressions see, and the name of the step's own job."""

    outer: Scope
    variable: str
    job_name: str

    def parameter(self, name: str) -> Any:
        return self.outer.parameter(name)

    def execution(self, name: str) -> str:
        return self.job_name if name == self.variable else self.outer.execution(name)

    def step(self, name: str) -> Mapping[str, Any]:
        return self.outer.step(name)

    def property_file(self, step: str, name: str) -> Any:
        return self.outer.property_file(step, name)

    def json_object(self, uri: str) -> Any:
        return self.outer.json_object(uri)


def of_job(run: StepRun, job_name: str) -> StepRun:
    """``run`` with ``Execution.TrainingJobName`` or ``Execution.ProcessingJobName``.

    They are known in the arguments of a Training or Processing step, and nowhere else.
    """
    if run.step.type not in ("Processing", "Training"):
        return run
    variable = f"{JOB_KINDS[run.step.type].job}Name"
    return replace(run, scope=JobScope(run.scope, variable, job_name))


def _await_end(run: StepRun, kind: JobKind, name: str) -> Record:
    told = False
    while True:
        job = described(f"Describe{kind.job}", {f"{kind.job}Name": name}, run.cloud)
        if job[f"{kind.job}Status"] in _TERMINAL:
            return job
        if run.stopping.is_set() and not told:
            _stop(run, kind, name)
            told = True
        if run.cloud.stopping.wait(POLL_SECONDS):
            raise StepStoppedError


def _stop(run: StepRun, kind: JobKind, name: str) -> None:
    try:
        call(run.cloud, f"Stop{kind.job}", {f"{kind.job}Name": name})
    except ServiceError as error:
        # It may have ended between the look and the call; the next look tells.
        logger.info("stopping %s %s: %s", kind.job, name, error.message)


def _trials(run: StepRun, kind: JobKind, name: str) -> dict[str, Any]:
    """``TrainingJobSummaries``, best first: the other half of a Tuning step's properties."""
    if kind.job != "HyperParameterTuningJob":
        return {}
    request = {
        "HyperParameterTuningJobName": name,
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": _best_first(run),
        "MaxResults": 100,
    }
    return described("ListTrainingJobsForHyperParameterTuningJob", request, run.cloud)


def _best_first(run: StepRun) -> str:
    config = run.step.arguments.get("HyperParameterTuningJobConfig", {})
    objective = config.get("HyperParameterTuningJobObjective", {})
    return "Ascending" if run.evaluate(objective.get("Type")) == "Minimize" else "Descending"


def _failure(kind: JobKind, name: str, status: str, job: Record) -> StepFailedError:
    if status == "Stopped":
        detail = job.get("SecondaryStatus", "Stopped")
        return StepFailedError(f"ClientError: {kind.job} {name} was stopped ({detail})")
    reason = job.get("FailureReason") or f"{kind.job} {name} failed without a reason"
    return StepFailedError(f"ClientError: {reason}", _RETRYABLE.get(reason.partition(":")[0]))
