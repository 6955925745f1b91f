"""A candidate whose trials run in one training job: read from the job and what it leaves in S3.

Of a job that has completed ``trials.json``; of one that runs its checkpoint, which SageMaker
copies to S3 while it is written.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from warmfold.errors import WarmfoldError
from warmfold.pipeline.names import SEARCH_PREFIX
from warmfold.runs.aws import Aws, split_s3_uri
from warmfold.runs.records import Parameter, Step, Trial, Tuning
from warmfold_contract import hyperparameters as keys
from warmfold_contract import metrics
from warmfold_contract.errors import UserError
from warmfold_contract.metric_names import direction_of
from warmfold_contract.trials import (
    CHECKPOINT_FILE,
    STOPPED,
    SearchedTrials,
    TrialRow,
    read_checkpoint,
    read_trials,
)

# What S3 answers for an object that is not there: the second to those who may not list the bucket.
_ABSENT = ("NoSuchKey", "AccessDenied")

_FINAL_METRICS = 40  # SageMaker's limit for one job


def number_of_folds(definition: Mapping[str, Any]) -> int:
    """The number of folds, which a job's own metric definitions tell."""
    names = {m["Name"] for m in definition["AlgorithmSpecification"].get("MetricDefinitions", [])}
    return sum(metrics.fold_metric(fold) in names for fold in range(1, _FINAL_METRICS + 1))


def what_is_trained(given: Mapping[str, str]) -> tuple[str, str, str]:
    """Algorithm, task and feature set, out of a job's hyperparameters; empty if not there."""
    return given.get(keys.ALGORITHM, ""), given.get(keys.TASK, ""), given.get(keys.FEATURE_SET, "")


def read_search(aws: Aws, step: Step) -> Tuning:
    """The candidate of a search step, with the trials that are known to have ended.

    Raises ``WarmfoldError`` if the completed job left no readable trials, or the running one's
    checkpoint cannot be read.
    """
    job = aws.client("sagemaker").describe_training_job(TrainingJobName=step.resource_name)
    given = {key: keys.unquote(value) for key, value in job.get("HyperParameters", {}).items()}
    status = job["TrainingJobStatus"]
    left = _archive(aws, job) if status == "Completed" else None
    algorithm, task, feature_set = what_is_trained(given)
    return Tuning(
        candidate=step.name.removeprefix(SEARCH_PREFIX),
        job_name=step.resource_name,
        status=status,
        kind="in_job",
        algorithm=algorithm,
        task=task,
        feature_set=feature_set,
        maximize=_direction(given) == "Maximize",
        folds=number_of_folds(job),
        max_trials=int(given[keys.MAX_TRIALS]),
        objective=metrics.OBJECTIVE,
        parameters=tuple(_parameters(given)),
        trials=tuple(_trials(aws, job, left)),
        ended_early="" if left is None else left.ended_early,
    )


def _direction(given: Mapping[str, str]) -> str:
    return direction_of(given[keys.METRIC]) or given[keys.DIRECTION]


def _parameters(given: Mapping[str, str]) -> Iterator[Parameter]:
    for key, text in given.items():
        if key.startswith(keys.RANGE_PREFIX):
            span = json.loads(text)
            yield Parameter(
                name=key.removeprefix(keys.RANGE_PREFIX),
                kind=span["kind"],
                logarithmic=span["scaling"] in {"Logarithmic", "ReverseLogarithmic"},
                minimum=span["minimum"],
                maximum=span["maximum"],
            )


def _trials(aws: Aws, job: Mapping[str, Any], left: SearchedTrials | None) -> Iterator[Trial]:
    parameters = {parameter.name for parameter in _parameters(job["HyperParameters"])}
    rows = _so_far(aws, job) if left is None else dict(enumerate(left.trials, start=1))
    for number, row in sorted(rows.items()):
        yield _trial(number, row, str(job["TrainingJobName"]), parameters)


def _so_far(aws: Aws, job: Mapping[str, Any]) -> dict[int, TrialRow]:
    """The rows of a search that has not completed, by number; none before its first copy."""
    kept = job.get("CheckpointConfig")
    if kept is None:
        return {}
    uri = f"{kept['S3Uri'].rstrip('/')}/{CHECKPOINT_FILE}"
    bucket, key = split_s3_uri(uri)
    try:
        body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return {}
        raise
    try:
        return read_checkpoint(body.decode("utf-8", "replace"))
    except UserError as error:
        raise WarmfoldError(f"search {job['TrainingJobName']}, {uri}: {error}") from error


def _archive(aws: Aws, job: Mapping[str, Any]) -> SearchedTrials:
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = split_s3_uri(uri)
    body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        return read_trials(body)
    except UserError as error:
        raise WarmfoldError(f"search {job['TrainingJobName']}, {uri}: {error}") from error


def _trial(number: int, row: TrialRow, job_name: str, parameters: set[str]) -> Trial:
    raced = row.status == STOPPED
    return Trial(
        number=number,
        job_name=job_name,
        status=row.status,
        raced=raced,
        reason=row.reason if raced else "",
        created_at=datetime.fromisoformat(row.started),
        started_at=datetime.fromisoformat(row.started),
        ended_at=datetime.fromisoformat(row.ended),
        score=row.score,
        score_std=row.score_std,
        training_score=row.training_score,
        rounds=row.rounds,
        folds_completed=row.folds_completed,
        fold_scores=row.fold_scores,
        hyperparameters={
            name: value for name, value in row.hyperparameters.items() if name in parameters
        },
        failure_reason="" if raced else row.reason,
    )
