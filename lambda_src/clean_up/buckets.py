"""Emptying a bucket: uploads that were never completed, versions, delete markers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from clean_up.logic import Clock
from warmfold_lambda.errors import LambdaError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Buckets:
    """A page of a listing is what one DeleteObjects takes: a thousand versions."""

    s3: S3Client
    clock: Clock

    def empty(self, bucket: str) -> int:
        """How many versions and delete markers there were; none of a bucket that is gone.

        Raises ``LambdaError`` when time is over, or for what S3 does not delete.
        """
        try:
            self._abort_uploads(bucket)
            return self._delete_versions(bucket)
        except ClientError as error:
            if error.response["Error"].get("Code") != "NoSuchBucket":
                raise
            return 0

    def _abort_uploads(self, bucket: str) -> None:
        for page in self.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                self.clock.require(f"every upload to {bucket} is aborted")
                self.s3.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )

    def _delete_versions(self, bucket: str) -> int:
        deleted = 0
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if not found:
                continue
            self.clock.require(f"{bucket} is empty ({deleted} versions are deleted)")
            self._delete(bucket, found)
            deleted += len(found)
        return deleted

    def _delete(self, bucket: str, found: list[Any]) -> None:
        objects: Any = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        answer = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        refused = answer.get("Errors", [])
        if refused:
            codes = ", ".join(sorted({error.get("Code", "") for error in refused}))
            raise LambdaError(
                f"S3 did not delete {len(refused)} versions in {bucket} ({codes}): see to them by "
                "hand, and delete the stack again"
            )
