"""The few calls a trial makes, one attempt each; what goes wrong becomes a ``CallError``."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
)

from warmfold_trainer.fan_out.calls import CallError, Refusal
from warmfold_trainer.fan_out.folds import JobSummary

# Repeated by `calls.Caller` alone, which knows how the rates are shared. The time-outs leave a
# trial that is stopped in the middle of a call enough of its 120 s.
_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=15)
_PAGE = 100

_THROTTLING = (
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
)
_REFUSALS = {
    "ResourceLimitExceeded": Refusal.QUOTA,
    "ResourceInUse": Refusal.TAKEN,
    # A stop of a job that has ended, and a description of one that does not exist.
    "ValidationException": Refusal.GONE,
    "ResourceNotFound": Refusal.GONE,
}


class Aws:
    """SageMaker and S3 of the region that the trial runs in."""

    def __init__(self, region: str) -> None:
        logging.getLogger("botocore").setLevel(logging.WARNING)  # of every client it makes a line
        session: Any = boto3.Session(region_name=region)
        self._sagemaker = session.client("sagemaker", config=_CONFIG)
        self._s3 = session.client("s3", config=_CONFIG)

    def describe(self, name: str) -> dict[str, Any]:
        with _translated():
            answer: dict[str, Any] = self._sagemaker.describe_training_job(TrainingJobName=name)
            return answer

    def create(self, request: Mapping[str, Any]) -> None:
        with _translated():
            self._sagemaker.create_training_job(**request)

    def list_page(
        self, name_contains: str, token: str | None
    ) -> tuple[list[JobSummary], str | None]:
        """Jobs of that name, and the token of the next page.

        Oldest first: a job that is created between two pages moves none from one to the other.
        """
        more = {} if token is None else {"NextToken": token}
        with _translated():
            answer = self._sagemaker.list_training_jobs(
                NameContains=name_contains,
                MaxResults=_PAGE,
                SortBy="CreationTime",
                SortOrder="Ascending",
                **more,
            )
        return [_summary(job) for job in answer["TrainingJobSummaries"]], answer.get("NextToken")

    def stop(self, name: str) -> None:
        with _translated():
            self._sagemaker.stop_training_job(TrainingJobName=name)

    def download(self, uri: str, target: Path) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        with _translated(), target.open("wb") as sink:
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"]
            for chunk in body.iter_chunks(1024 * 1024):
                sink.write(chunk)


def _summary(job: Mapping[str, Any]) -> JobSummary:
    return JobSummary(
        name=str(job["TrainingJobName"]),
        status=str(job["TrainingJobStatus"]),
        secondary_status=str(job.get("SecondaryStatus", "")),
        pool=job.get("WarmPoolStatus", {}).get("Status"),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        answer: Any = error.response
        code, message = answer["Error"].get("Code", ""), answer["Error"].get("Message", "")
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise CallError(refusal_of(code, status), f"{code}: {message}") from error
    except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise CallError(Refusal.UNANSWERED, f"{type(error).__name__}: {error}") from error
    except BotoCoreError as error:  # no credentials, a request that its shapes refuse
        raise CallError(Refusal.OTHER, f"{type(error).__name__}: {error}") from error


def refusal_of(code: str, status: int) -> Refusal:
    if code in _THROTTLING:
        return Refusal.THROTTLED
    if status >= 500:
        return Refusal.UNANSWERED
    return _REFUSALS.get(code, Refusal.OTHER)
