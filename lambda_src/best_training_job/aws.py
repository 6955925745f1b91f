"""The AWS calls: a tuning job's trials, a job's description and documents, the result's object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from best_training_job.archive import MAX_OBJECT_BYTES, json_object, member
from best_training_job.logic import Candidate, Fold, Trial
from warmfold_lambda.errors import LambdaError
from warmfold_lambda.events import split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

# What the names of fold jobs hold, between their trial's and their number.
_FOLD = "-fold-"


@dataclass(frozen=True)
class Jobs:
    """Reads tuning, trial and search jobs, and writes the selection."""

    sagemaker: SageMakerClient
    s3: S3Client

    def trials_of(self, candidate: Candidate) -> Iterator[Trial]:
        """Every training job of the candidate's tuning job, in no particular order."""
        pages = self.sagemaker.get_paginator(
            "list_training_jobs_for_hyper_parameter_tuning_job"
        ).paginate(
            HyperParameterTuningJobName=candidate.job_name, PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            for summary in page["TrainingJobSummaries"]:
                yield _trial(candidate, summary)

    def folds_of(self, candidate: Candidate) -> list[Fold]:
        """Every fold that trials of the candidate's tuning job started as a job."""
        pages = self.sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains=f"{candidate.job_name}-", PaginationConfig={"PageSize": 100}
        )
        return [
            _fold(summary)
            for page in pages
            for summary in page["TrainingJobSummaries"]
            if _FOLD in summary["TrainingJobName"]
        ]

    def describe(self, training_job_name: str) -> dict[str, Any]:
        return dict(self.sagemaker.describe_training_job(TrainingJobName=training_job_name))

    def document(self, description: dict[str, Any], name: str) -> dict[str, Any]:
        """A JSON file that a job left in its model folder, packed by SageMaker or not.

        Raises ``LambdaError`` if it is not there or cannot be read.
        """
        uri = description.get("ModelArtifacts", {}).get("S3ModelArtifacts", "")
        if not uri:
            raise LambdaError(f"training job {description['TrainingJobName']} has no artifact")
        packed = uri.endswith(".tar.gz")
        uri = uri if packed else f"{uri.rstrip('/')}/{name}"
        bucket, key = split_uri(uri)
        found = self.s3.get_object(Bucket=bucket, Key=key)
        if found["ContentLength"] > MAX_OBJECT_BYTES:
            raise LambdaError(f"{uri} has {found['ContentLength']} bytes: too big to hold {name}")
        content = found["Body"].read()
        return json_object(member(content, name, uri) if packed else content, name, uri)

    def write(self, uri: str, text: str) -> None:
        bucket, key = split_uri(uri)
        self.s3.put_object(
            Bucket=bucket, Key=key, Body=text.encode("utf-8"), ContentType="application/json"
        )


def _trial(candidate: Candidate, summary: Any) -> Trial:
    objective = summary.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
    return Trial(
        candidate=candidate,
        name=summary["TrainingJobName"],
        status=summary["TrainingJobStatus"],
        created=summary["CreationTime"],
        objective=None if objective is None else float(objective),
        failure_reason=summary.get("FailureReason", ""),
        seconds=_seconds(summary),
    )


def _fold(summary: Any) -> Fold:
    completed = summary["TrainingJobStatus"] == "Completed"
    return Fold(
        seconds=_seconds(summary, "CreationTime") if completed else None,
        left_reused_pool=summary.get("WarmPoolStatus", {}).get("Status") == "Reused",
    )


def _seconds(summary: Any, begin: str = "TrainingStartTime") -> float | None:
    start, end = summary.get(begin), summary.get("TrainingEndTime")
    return None if start is None or end is None else (end - start).total_seconds()
