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
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
            return False
        return True

    def _write(self, target_uri: str, values: dict[str, object]) -> None:
        bucket, key = split_uri(f"{target_uri}/{FILE_NAME}")
        text = json.dumps({"format": FORMAT, **values}, indent=2, sort_keys=True) + "\n"
        self.s3.put_object(
            Bucket=bucket, Key=key, Body=text.encode("utf-8"), ContentType="application/json"
        )
