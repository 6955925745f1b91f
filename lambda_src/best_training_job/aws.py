"""The AWS calls: the trials of a tuning job, one trial's description, the result's object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from best_training_job.logic import Candidate, Trial
from warmfold_lambda.events import split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True)
class Trials:
    """Reads tuning jobs and writes the selection."""

    sagemaker: SageMakerClient
    s3: S3Client

    def of_candidate(self, candidate: Candidate) -> Iterator[Trial]:
        """Every training job of the candidate's tuning job, in no particular order."""
        pages = self.sagemaker.get_paginator(
            "list_training_jobs_for_hyper_parameter_tuning_job"
        ).paginate(
            HyperParameterTuningJobName=candidate.job_name, PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            for summary in page["TrainingJobSummaries"]:
                yield _trial(candidate, summary)

    def describe(self, training_job_name: str) -> dict[str, Any]:
        return dict(self.sagemaker.describe_training_job(TrainingJobName=training_job_name))

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
    )
