"""The model to beat: the latest approved version, laid beside the execution's own for evaluation.

Copied rather than named, because an execution's evaluation must find the same inputs whenever it
is repeated, and because a first execution has none: then only the file that says so is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from warmfold_lambda.errors import LambdaError
from warmfold_lambda.events import split_uri
from warmfold_lambda.registry import approved_packages, latest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

FILE_NAME = "champion.json"
MODEL_NAME = "model.tar.gz"
# The format that the trainer image reads; a test holds it against the images' own reader.
FORMAT = 1

# What S3 answers for a key that is not there: the first to who may list the bucket, the other to
# who may not (GetObject and CopyObject, API reference). Whether a permission to list that is bound
# to prefixes counts there is not documented; a listing of the key itself is right either way.
_ABSENT = ("NoSuchKey", "404")
_DENIED = "AccessDenied"


@dataclass(frozen=True)
class Champions:
    """Finds and copies a group's champion."""

    sagemaker: SageMakerClient
    s3: S3Client

    def lay_out(self, group_name: str, target_uri: str) -> int | None:
        """Write ``champion.json`` and, if there is one, its model; the version.

        A champion whose artifact has been deleted since is written down as ``lost``: that is no
        reason not to train. Raises ``LambdaError`` for a package without an artifact.
        """
        package = latest(approved_packages(self.sagemaker, group_name))
        if package is None:
            self._write(target_uri, {"status": "none"})
            return None
        found = self._copy(self._artifact(package.arn), f"{target_uri}/{MODEL_NAME}")
        status = "approved" if found else "lost"
        values = {"version": package.version, "model_package_arn": package.arn}
        self._write(target_uri, {"status": status, **values})
        return package.version

    def _artifact(self, package_arn: str) -> str:
        described = self.sagemaker.describe_model_package(ModelPackageName=package_arn)
        containers = described.get("InferenceSpecification", {}).get("Containers", [])
        uri = containers[0].get("ModelDataUrl", "") if containers else ""
        if not uri:
            raise LambdaError(f"model package {package_arn} names no model artifact")
        return uri

    def _copy(self, source_uri: str, target_uri: str) -> bool:
        bucket, key = split_uri(source_uri)
        target_bucket, target_key = split_uri(target_uri)
        try:
            self.s3.copy_object(
                Bucket=target_bucket, Key=target_key, CopySource={"Bucket": bucket, "Key": key}
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in _ABSENT and (code != _DENIED or self._is_there(bucket, key)):
                raise
            return False
        return True

    def _is_there(self, bucket: str, key: str) -> bool:
        """Asked of a listing: of keys that begin with this one, it is the first."""
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        return any(entry.get("Key") == key for entry in listed.get("Contents", []))

    def _write(self, target_uri: str, values: dict[str, object]) -> None:
        bucket, key = split_uri(f"{target_uri}/{FILE_NAME}")
        text = json.dumps({"format": FORMAT, **values}, indent=2, sort_keys=True) + "\n"
        self.s3.put_object(
            Bucket=bucket, Key=key, Body=text.encode("utf-8"), ContentType="application/json"
        )
