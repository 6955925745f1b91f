"""The AWS calls: a run's output objects, their lines, the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publish_predictions.logic import OUTPUT_SUFFIX, LineCounter, PredictionFile
from warmfold_lambda.events import split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Predictions:
    """The bucket that the transform job wrote to."""

    s3: S3Client

    def output_keys(self, output_uri: str) -> list[str]:
        """Keys of all output objects below a folder that is named without its last slash."""
        bucket, prefix = split_uri(f"{output_uri}/")
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return [key for key in keys if key.endswith(OUTPUT_SUFFIX)]

    def measure(self, bucket: str, key: str) -> PredictionFile:
        """Reads the object in chunks: its lines are counted, none is kept."""
        answer = self.s3.get_object(Bucket=bucket, Key=key)
        counter = LineCounter()
        for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
            counter.add(chunk)
        return PredictionFile(key=key, bytes=answer["ContentLength"], records=counter.lines)

    def write(self, uri: str, text: str) -> None:
        bucket, key = split_uri(uri)
        self.s3.put_object(
            Bucket=bucket, Key=key, Body=text.encode("utf-8"), ContentType="application/json"
        )
