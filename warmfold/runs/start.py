"""Starting a pipeline through the API: data into the bucket, then the execution."""

import hashlib
import os
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import ClientError

from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws, Deployment, split_s3_uri

# What the processing job reads; see `warmfold_trainer.raw_input`, which is not imported here.
DATA_SUFFIXES = (".csv", ".parquet")


def upload_data(aws: Aws, deployment: Deployment, data: Path) -> str:
    """Put a data file where only this run reads it; the URI to start the pipeline with.

    It is not below ``RawDataUri``, all of which a run without a file of its own trains on. The
    folder is named by content and name, so that two runs on the same file share one copy, and a
    file that was renamed is not there twice. Raises ``WarmfoldError`` if the deployed stack has
    no place for such files yet.
    """
    uri = deployment.training.get("RunDataUri")
    if uri is None:
        raise WarmfoldError(
            f"the training stack of {deployment.model} was deployed before runs had data of their "
            "own (it has no output RunDataUri): deploy it again"
        )
    with data.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(os.fsencode(data.name))
    bucket, prefix = split_s3_uri(uri)
    folder = f"{prefix}/{digest.hexdigest()[:16]}"
    aws.client("s3").upload_file(str(data), bucket, f"{folder}/{data.name}")
    return f"s3://{bucket}/{folder}/"


def raw_data(aws: Aws, deployment: Deployment) -> list[str] | None:
    """What a run reads of what is below the deployed ``RawDataUri``, by names below it, sorted.

    ``None``: whoever may start a run need not be allowed to list the bucket; the run itself finds
    out. Raises ``WarmfoldError`` if there is nothing.
    """
    uri = deployment.training["RawDataUri"]
    read: list[str] = []
    bucket, prefix = split_s3_uri(uri)
    pages = aws.client("s3").get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            keys = [str(found["Key"]) for found in page.get("Contents", ())]
            read += [key for key in keys if key.lower().endswith(DATA_SUFFIXES)]
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            return None
        raise
    if read:
        return sorted(key.removeprefix(f"{prefix}/") for key in read)
    kinds = " or ".join(DATA_SUFFIXES)
    raise WarmfoldError(
        f"there is no {kinds} file below {uri}, which a run without --data trains on: name a file "
        "by --data, or upload one there"
    )


def start_run(aws: Aws, pipeline: str, parameters: Mapping[str, str]) -> str:
    """Start an execution; its ARN. A network retry of the call cannot start a second one."""
    answer = aws.client("sagemaker").start_pipeline_execution(
        PipelineName=pipeline,
        ClientRequestToken=uuid.uuid4().hex,
        PipelineParameters=[{"Name": k, "Value": v} for k, v in parameters.items()],
    )
    arn: str = answer["PipelineExecutionArn"]
    return arn


def git_commit(root: Path) -> str:
    """The checkout's commit, ``-dirty`` if files differ from it; ``unknown`` without git."""
    try:
        shown = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude", "*"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return shown.stdout.strip()
