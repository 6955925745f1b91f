"""Read a run from SageMaker's API into records. No waiting, no rendering."""

from collections.abc import Iterator, Mapping
from typing import Any

from warmfold.runs.aws import Aws
from warmfold.runs.records import ENDED, Parameter, Run, Step, Trial, Tuning
from warmfold_contract import metrics

_FINAL_METRICS = 40  # SageMaker's limit for one job


def read_run(aws: Aws, execution_arn: str, known: Mapping[str, Trial] | None = None) -> Run:
    """One execution now. ``known`` trials that have ended are taken over, not asked for again."""
    client = aws.client("sagemaker")
    execution = client.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
    steps = read_steps(aws, execution_arn)
    tunings = tuple(
        _tuning(client, step, known or {})
        for step in steps
        if step.kind == "TuningJob" and step.resource
    )
    status = execution["PipelineExecutionStatus"]
    return Run(
        pipeline=execution["PipelineArn"].rsplit("/", 1)[-1],
        execution_arn=execution_arn,
        status=status,
        started_at=execution["CreationTime"],
        ended_at=execution["LastModifiedTime"] if status in ENDED else None,
        failure_reason=execution.get("FailureReason", ""),
        steps=steps,
        tunings=tunings,
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


def _tuning(client: Any, step: Step, known: Mapping[str, Trial]) -> Tuning:
    job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=step.resource_name)
    config = job["HyperParameterTuningJobConfig"]
    objective = config["HyperParameterTuningJobObjective"]
    definition = job["TrainingJobDefinition"]
    ranges = config.get("ParameterRanges") or definition.get("HyperParameterRanges", {})
    folds = _folds(definition)
    return Tuning(
        candidate=step.name.removeprefix("Tune-"),
        job_name=step.resource_name,
        status=job["HyperParameterTuningJobStatus"],
        maximize=objective["Type"] == "Maximize",
        folds=folds,
        max_trials=config["ResourceLimits"]["MaxNumberOfTrainingJobs"],
        objective=objective["MetricName"],
        parameters=tuple(_parameters(ranges)),
        trials=tuple(_trials(client, step.resource_name, folds, known)),
    )


def _folds(definition: Mapping[str, Any]) -> int:
    """The number of folds, which the job's own metric definitions tell."""
    names = {m["Name"] for m in definition["AlgorithmSpecification"].get("MetricDefinitions", [])}
    return sum(metrics.fold_metric(fold) in names for fold in range(1, _FINAL_METRICS + 1))


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
    return trial.ended and (trial.score is not None or trial.status != "Completed")


def _trial(client: Any, summary: Mapping[str, Any], number: int, folds: int) -> Trial:
    job = client.describe_training_job(TrainingJobName=summary["TrainingJobName"])
    values = {m["MetricName"]: float(m["Value"]) for m in job.get("FinalMetricDataList", [])}
    final = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
    scores = (values.get(metrics.fold_metric(fold)) for fold in range(1, folds + 1))
    return Trial(
        number=number,
        job_name=summary["TrainingJobName"],
        status=job["TrainingJobStatus"],
        created_at=summary["CreationTime"],
        started_at=job.get("TrainingStartTime"),
        ended_at=job.get("TrainingEndTime"),
        score=float(final["Value"]) if final else None,
        score_std=values.get(metrics.SCORE_SPREAD),
        training_score=values.get(metrics.TRAINING_SCORE),
        rounds=values.get(metrics.ROUNDS),
        folds_completed=int(values.get(metrics.FOLDS_COMPLETED, 0)),
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
