"""The AWS calls: two registries, the copy of files from bucket to bucket, images by digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from import_model_package.logic import REJECTED, Image, Imported, source_of
from warmfold_lambda.errors import LambdaError
from warmfold_lambda.events import split_uri
from warmfold_lambda.registry import Package, approved_packages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

# CopyObject copies up to 5 GB (API reference); the copy of a larger one would be made in parts.
_COPY_LIMIT_BYTES = 5 * 10**9
_CHUNK_BYTES = 1024 * 1024
_DENIED = ("AccessDenied", "AccessDeniedException", "403")
_NO_IMAGE = ("ImageNotFoundException", "RepositoryNotFoundException")


@dataclass(frozen=True)
class Upstream:
    """What is only read, mostly in another account."""

    sagemaker: SageMakerClient
    s3: S3Client
    ecr: Any
    environment: str

    def approved(self, group_arn: str) -> list[Package]:
        with self._asked(f"sagemaker:ListModelPackages of {group_arn}"):
            return approved_packages(self.sagemaker, group_arn)

    def describe(self, package: Package) -> dict[str, Any]:
        with self._asked(f"sagemaker:DescribeModelPackage of {package.arn}"):
            found: Any = self.sagemaker.describe_model_package(ModelPackageName=package.arn)
        return dict(found)

    def image_digest(self, account: str, image: Image) -> str:
        with self._asked(f"ecr:DescribeImages of {image.repository} in {account}"):
            digest = image_digest(self.ecr, account, image)
        if digest is None:
            raise LambdaError(
                f"the image {image.id()} is no longer in {image.repository} of account {account}: "
                f"register the model again in {self.environment}"
            )
        return digest

    def copy(self, source_uri: str, target_uri: str) -> str:
        """Copy one file within S3; the SHA-256 of source and copy, which are compared.

        Raises ``LambdaError`` if they differ, or for a file that is too large for one copy.
        """
        bucket, key = split_uri(source_uri)
        target_bucket, target_key = split_uri(target_uri)
        with self._asked(f"s3:GetObject, or kms:Decrypt, of {source_uri}"):
            found = self.s3.get_object(Bucket=bucket, Key=key)
            if found["ContentLength"] > _COPY_LIMIT_BYTES:
                raise LambdaError(f"{source_uri} is larger than 5 GB, which one copy may have")
            digest = _sha256(found["Body"])
        # What was hashed is what is copied, also if somebody writes the object meanwhile.
        self.s3.copy_object(
            Bucket=target_bucket,
            Key=target_key,
            CopySource={"Bucket": bucket, "Key": key},
            CopySourceIfMatch=found["ETag"],
        )
        copy = self.s3.get_object(Bucket=target_bucket, Key=target_key)
        if _sha256(copy["Body"]) != digest:
            raise LambdaError(f"{target_uri} is not what {source_uri} is: the next round copies it")
        return digest

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if error.response["Error"].get("Code") not in _DENIED:
                raise
            raise LambdaError(
                f"{self.environment} refused {what}: name this account and environment in "
                f"[sharing] readers of {self.environment} and deploy it. AWS: {error}"
            ) from error


@dataclass(frozen=True)
class Own:
    """What is written: versions of this environment's group."""

    sagemaker: SageMakerClient
    ecr: Any
    group_name: str

    def imported(self) -> list[Imported]:
        pages = self.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=self.group_name, SortBy="CreationTime", SortOrder="Descending"
        )
        return [
            Imported(
                arn=summary["ModelPackageArn"],
                source_arn=source,
                approval=summary.get("ModelApprovalStatus", ""),
            )
            for page in pages
            for summary in page["ModelPackageSummaryList"]
            if (source := source_of(summary.get("ModelPackageDescription", ""))) is not None
        ]

    def image_digest(self, account: str, image: Image) -> str | None:
        """``None`` if there is no such image."""
        return image_digest(self.ecr, account, image)

    def create(self, request: dict[str, Any]) -> str:
        return self.sagemaker.create_model_package(**request)["ModelPackageArn"]

    def reject(self, package: Imported, reason: str) -> None:
        self.sagemaker.update_model_package(
            ModelPackageArn=package.arn, ModelApprovalStatus=REJECTED, ApprovalDescription=reason
        )


def image_digest(ecr: Any, account: str, image: Image) -> str | None:
    """As the registry knows it (``sha256:…``); ``None`` if it is not there."""
    try:
        found = ecr.describe_images(
            registryId=account, repositoryName=image.repository, imageIds=[image.id()]
        )["imageDetails"]
    except ClientError as error:
        if error.response["Error"].get("Code") not in _NO_IMAGE:
            raise
        return None
    return str(found[0]["imageDigest"]) if found else None


def _sha256(body: Any) -> str:
    digest = hashlib.sha256()
    for chunk in body.iter_chunks(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
