"""A failed transfer ends the job, with SageMaker's texts; nothing else does."""

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from warmfold_local.engine.artifacts import ArtifactError
from warmfold_local.engine.s3 import TransferError
from warmfold_local.sagemaker.failures import JobFailed

_FAULTS = (TransferError, ArtifactError, Boto3Error, ClientError, BotoCoreError, OSError)


@contextmanager
def downloading() -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise JobFailed(f"ClientError: Data download failed:{error}") from error


@contextmanager
def uploading() -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise JobFailed(f"ClientError: Artifact upload failed:{error}") from error
