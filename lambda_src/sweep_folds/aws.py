"""The AWS calls: what is running, whose it is, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from sweep_folds.logic import IN_PROGRESS, POOL_AVAILABLE, Job, Trial

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

# SageMaker answers a ValidationException with these words for a training job that it does not
# know; ResourceNotFound is what other describe calls answer.
_NOT_FOUND = "not found"
_PAGE = 100


@dataclass(frozen=True)
class Folds:
    """Training and tuning jobs of the account."""

    sagemaker: SageMakerClient

    def in_progress(self, name_contains: str) -> list[Job]:
        return self._listed(NameContains=name_contains, StatusEquals=IN_PROGRESS)

    def with_pool(self, name_contains: str) -> list[Job]:
        """Jobs whose machines wait for another job."""
        return self._listed(NameContains=name_contains, WarmPoolStatusEquals=POOL_AVAILABLE)

    def tags(self, job: Job) -> dict[str, str]:
        pages = self.sagemaker.get_paginator("list_tags").paginate(ResourceArn=job.arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def trial(self, name: str) -> Trial:
        try:
            found = self.sagemaker.describe_training_job(TrainingJobName=name)
        except ClientError as error:
            if not _unknown(error):
                raise
            return Trial(status=None)
        tuning_job = found.get("TuningJobArn", "").rpartition("/")[2]
        return Trial(status=found["TrainingJobStatus"], tuning_job=tuning_job or None)

    def tuning_status(self, name: str) -> str | None:
        """``None`` if there is no such tuning job."""
        try:
            found = self.sagemaker.describe_hyper_parameter_tuning_job(
                HyperParameterTuningJobName=name
            )
        except ClientError as error:
            if not _unknown(error):
                raise
            return None
        return found["HyperParameterTuningJobStatus"]

    def stop(self, job: Job) -> bool:
        """Whether there was anything to stop: it may have ended since it was listed."""
        try:
            self.sagemaker.stop_training_job(TrainingJobName=job.name)
        except ClientError as error:
            if self._still(job, "TrainingJobStatus", IN_PROGRESS, error):
                raise
            return False
        return True

    def end_pool(self, job: Job) -> bool:
        """Whether there was a pool to end: a job may have taken it over since it was listed."""
        try:
            self.sagemaker.update_training_job(
                TrainingJobName=job.name, ResourceConfig={"KeepAlivePeriodInSeconds": 0}
            )
        except ClientError as error:
            if self._still(job, "WarmPoolStatus", POOL_AVAILABLE, error):
                raise
            return False
        return True

    def _still(
        self,
        job: Job,
        member: Literal["TrainingJobStatus", "WarmPoolStatus"],
        status: str,
        refusal: ClientError,
    ) -> bool:
        """Whether the job is as it was listed, so that ``refusal`` is not about its state."""
        if _code(refusal) not in ("ValidationException", "ResourceNotFound"):
            return True
        try:
            found: Any = self.sagemaker.describe_training_job(TrainingJobName=job.name)
        except ClientError as error:
            if not _unknown(error):
                raise
            return False
        value = found.get(member)
        return (value.get("Status") if isinstance(value, dict) else value) == status

    def _listed(self, **filters: Any) -> list[Job]:
        pages = self.sagemaker.get_paginator("list_training_jobs").paginate(
            **filters, PaginationConfig={"PageSize": _PAGE}
        )
        return [
            Job(name=summary["TrainingJobName"], arn=summary["TrainingJobArn"])
            for page in pages
            for summary in page["TrainingJobSummaries"]
        ]


def _code(error: ClientError) -> str:
    return error.response["Error"].get("Code", "")


def _unknown(error: ClientError) -> bool:
    message = error.response["Error"].get("Message", "")
    return _code(error) == "ResourceNotFound" or (
        _code(error) == "ValidationException" and _NOT_FOUND in message
    )
