"""Read a run from SageMaker's API into records. No waiting, no rendering."""

from collections.abc import Iterator, Mapping
from typing import Any

from warmfold.pipeline.names import SEARCH_PREFIX, TUNE_PREFIX
from warmfold.runs.aws import Aws
from warmfold.runs.records import ENDED, Parameter, Run, Step, Trial, Tuning
from warmfold.runs.search import number_of_folds, read_search, what_is_trained
from warmfold_contract import metrics


def read_run(aws: Aws, execution_arn: str, before: Run | None = None) -> Run:
    """One execution now; what had ended ``before`` is taken over, not asked for again."""
    client = aws.client("sagemaker")
    execution = client.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
    steps = read_steps(aws, execution_arn)
    known = {tuning.job_name: tuning for tuning in (before.tunings if before else ())}
    tunings = (_candidate(aws, step, known.get(step.resource_name)) for step in steps)
    status = execution["PipelineExecutionStatus"]
    return Run(
        pipeline=execution["PipelineArn"].rsplit("/", 1)[-1],
        execution_arn=execution_arn,
        status=status,
        started_at=execution["CreationTime"],
        ended_at=execution["LastModifiedTime"] if status in ENDED else None,
        failure_reason=execution.get("FailureReason", ""),
        steps=steps,
        tunings=tuple(tuning for tuning in tunings if tuning is not None),
    )


def _pages(operation: Any, key: str, **request: Any) -> Iterator[dict[str, Any]]:
    """Every item of a paginated List operation."""
    while True:
        page = operation(**request)
        yield from page[key]
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def read_steps(aws: Aws, execution_arn: str) -> tuple[Step, ...]:
    """The steps of one execution that have begun, in that order."""
    return tuple(_steps(aws.client("sagemaker"), execution_arn))


def _steps(client: Any, execution_arn: str) -> Iterator[Step]:
    for raw in _pages(
        client.list_pipeline_execution_steps,
        "PipelineExecutionSteps",
        PipelineExecutionArn=execution_arn,
        SortOrder="Ascending",
    ):
        kind, detail = _made(raw)
        yield Step(
            name=raw["StepName"],
            kind=kind,
            status=raw["StepStatus"],
            started_at=raw.get("StartTime"),
            ended_at=raw.get("EndTime"),
            failure_reason=raw.get("FailureReason", ""),
            resource=detail.get("Arn", ""),
            outcome=detail.get("Outcome", ""),
            outputs={o["Name"]: o["Value"] for o in detail.get("OutputParameters", [])},
        )


def _made(step: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Kind and description of what a step made: the only member of its metadata."""
    metadata: dict[str, dict[str, Any]] = step.get("Metadata", {})
    return next(iter(metadata.items()), ("", {}))


def _candidate(aws: Aws, step: Step, before: Tuning | None) -> Tuning | None:
    """The candidate that a step searches; ``None`` for any other step, and one not yet begun."""
    if not step.resource:
        return None
    if step.kind == "TuningJob":
        known = {trial.job_name: trial for trial in (before.trials if before else ())}
        return _tuning(aws.client("sagemaker"), step, known)
    if step.kind == "TrainingJob" and step.name.startswith(SEARCH_PREFIX):
        return before if before is not None and before.settled else read_search(aws, step)
    return None


def _tuning(client: Any, step: Step, known: Mapping[str, Trial]) -> Tuning:
    job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=step.resource_name)
    config = job["HyperParameterTuningJobConfig"]
    objective = config["HyperParameterTuningJobObjective"]
    definition = job["TrainingJobDefinition"]
    ranges = config.get("ParameterRanges") or definition.get("HyperParameterRanges", {})
    folds = number_of_folds(definition)
    algorithm, task, feature_set = what_is_trained(definition.get("StaticHyperParameters", {}))
    return Tuning(
        candidate=step.name.removeprefix(TUNE_PREFIX),
        algorithm=algorithm,
        task=task,
        feature_set=feature_set,
        job_name=step.resource_name,
        status=job["HyperParameterTuningJobStatus"],
        maximize=objective["Type"] == "Maximize",
        folds=folds,
        max_trials=config["ResourceLimits"]["MaxNumberOfTrainingJobs"],
        objective=objective["MetricName"],
        parameters=tuple(_parameters(ranges)),
        trials=tuple(_trials(client, step.resource_name, folds, known)),
        ended_early=_convergence(job),
    )


def _convergence(job: Mapping[str, Any]) -> str:
    """SageMaker tells when it detected convergence even if that was not to end the job."""
    criteria = job["HyperParameterTuningJobConfig"].get("TuningJobCompletionCriteria", {})
    asked = criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled"
    detected = "ConvergenceDetectedTime" in job.get("TuningJobCompletionDetails", {})
    return "converged, as SageMaker detected" if asked and detected else ""


def _parameters(ranges: Mapping[str, Any]) -> Iterator[Parameter]:
    for raw in ranges.get("ContinuousParameterRanges", []):
        yield _numeric(raw, "continuous")
    for raw in ranges.get("IntegerParameterRanges", []):
        yield _numeric(raw, "integer")
    for raw in ranges.get("CategoricalParameterRanges", []):
        yield Parameter(name=raw["Name"], kind="categorical")


def _numeric(raw: Mapping[str, str], kind: Any) -> Parameter:
    return Parameter(
        name=raw["Name"],
        kind=kind,
        logarithmic=raw.get("ScalingType") in {"Logarithmic", "ReverseLogarithmic"},
        minimum=float(raw["MinValue"]),
        maximum=float(raw["MaxValue"]),
    )


def _trials(
    client: Any, tuning_job: str, folds: int, known: Mapping[str, Trial]
) -> Iterator[Trial]:
    summaries = _pages(
        client.list_training_jobs_for_hyper_parameter_tuning_job,
        "TrainingJobSummaries",
        HyperParameterTuningJobName=tuning_job,
        SortBy="CreationTime",
        SortOrder="Ascending",
        MaxResults=100,
    )
    for number, summary in enumerate(summaries, start=1):
        before = known.get(summary["TrainingJobName"])
        if before is not None and _is_final(before):
            yield before
        else:
            yield _trial(client, summary, number, folds)


def _is_final(trial: Trial) -> bool:
    """Nothing more will be known of it. The objective may appear after the trial has ended."""
    return trial.ended and (trial.score is not None or trial.raced or trial.status != "Completed")


def _trial(client: Any, summary: Mapping[str, Any], number: int, folds: int) -> Trial:
    job = client.describe_training_job(TrainingJobName=summary["TrainingJobName"])
    values = {m["MetricName"]: float(m["Value"]) for m in job.get("FinalMetricDataList", [])}
    final = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
    scores = (values.get(metrics.fold_metric(fold)) for fold in range(1, folds + 1))
    completed = int(values.get(metrics.FOLDS_COMPLETED, 0))
    raced = job["TrainingJobStatus"] == "Completed" and 0 < completed < folds
    return Trial(
        number=number,
        job_name=summary["TrainingJobName"],
        status=job["TrainingJobStatus"],
        created_at=summary["CreationTime"],
        started_at=job.get("TrainingStartTime"),
        ended_at=job.get("TrainingEndTime"),
        # what a raced trial reports is an estimate for the tuner, not a score
        score=float(final["Value"]) if final and not raced else None,
        score_std=values.get(metrics.SCORE_SPREAD),
        training_score=values.get(metrics.TRAINING_SCORE),
        rounds=values.get(metrics.ROUNDS),
        folds_completed=completed,
        raced=raced,
        reason=f"raced out after {completed} of {folds} folds" if raced else "",
        fold_scores=tuple(score for score in scores if score is not None),
        hyperparameters=dict(summary.get("TunedHyperParameters", {})),
        failure_reason=summary.get("FailureReason", ""),
    )


def executions(aws: Aws, pipeline: str) -> Iterator[dict[str, Any]]:
    """Summaries of a pipeline's executions, newest first; asked for as they are wanted."""
    yield from _pages(
        aws.client("sagemaker").list_pipeline_executions,
        "PipelineExecutionSummaries",
        PipelineName=pipeline,
        SortBy="CreationTime",
        SortOrder="Descending",
    )


def latest_execution(aws: Aws, pipeline: str) -> str | None:
    """ARN of the pipeline's newest execution, ``None`` if it was never started."""
    page = aws.client("sagemaker").list_pipeline_executions(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )
    found = page["PipelineExecutionSummaries"]
    return found[0]["PipelineExecutionArn"] if found else None
