"""Starting a pipeline through the API: data into the bucket, then the execution."""

import hashlib
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from warmfold.runs.aws import Aws, Deployment, split_s3_uri


def upload_data(aws: Aws, deployment: Deployment, data: Path) -> str:
    """Put a data file where only this run reads it; the URI to start the pipeline with.

    The folder is named by the content, so that two runs on the same file share one copy.
    """
    with data.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    bucket, prefix = split_s3_uri(deployment.training["RawDataUri"])
    folder = f"{prefix}/{digest}"
    aws.client("s3").upload_file(str(data), bucket, f"{folder}/{data.name}")
    return f"s3://{bucket}/{folder}/"


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
