"""Everything a report shows, fetched once: the run, its evaluation, the package, the batch."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from warmfold.errors import WarmfoldError
from warmfold.pipeline.names import EVALUATE_MODEL, REGISTER_MODEL, REGISTER_REJECTED_MODEL
from warmfold.report.evaluation import Evaluation
from warmfold.runs.aws import Aws, split_s3_uri
from warmfold.runs.failure import plain_reason
from warmfold.runs.read import executions, read_run, read_steps
from warmfold.runs.records import Run, Step
from warmfold_contract.paths import EVALUATION_FILE, EVALUATION_OUTPUT

_REGISTRATIONS = (REGISTER_MODEL, REGISTER_REJECTED_MODEL)


@dataclass(frozen=True, kw_only=True)
class Package:
    """A registered model version. ``metadata`` is its customer metadata, all strings."""

    arn: str
    group: str
    version: int
    approval: str
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A published batch of predictions: the day's manifest, as it stands in the bucket."""

    uri: str
    manifest: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """What one report is made of. ``minimum_score`` is the gate on the hold-out score."""

    model: str
    environment: str
    run: Run
    evaluation: Evaluation
    package: Package
    minimum_score: float | None = None
    batch: Batch | None = None


def collect(
    aws: Aws, model: str, execution_arn: str, *, batch_manifest_uri: str | None = None
) -> ReportData:
    """Raises ``WarmfoldError`` if the run has not got as far as registering a model."""
    run = read_run(aws, execution_arn)
    return ReportData(
        model=model,
        environment=aws.environment,
        run=run,
        evaluation=read_evaluation(aws, run),
        package=read_package(aws, package_arn(run)),
        minimum_score=minimum_score(aws, run),
        batch=None if batch_manifest_uri is None else read_batch(aws, batch_manifest_uri),
    )


def package_arn(run: Run) -> str:
    """ARN of the registered version. Raises ``WarmfoldError`` if there is none."""
    found = _registered(run.steps)
    if found is not None:
        return found
    failed = run.failed_step
    why = f": step {failed.name} failed: {plain_reason(failed.failure_reason)}" if failed else ""
    raise WarmfoldError(f"run {run.execution_id} registered no model ({run.status}){why}")


def _registered(steps: Iterable[Step]) -> str | None:
    """ARN of the version that one of these steps registered."""
    made = {step.name: step.resource for step in steps}
    return next((made[name] for name in _REGISTRATIONS if made.get(name)), None)


def newest_evaluated(aws: Aws, pipeline: str) -> tuple[str, list[str]]:
    """The newest execution that was evaluated and registered a model version, as its ARN.

    With it, newest first, what is newer and has not come so far: ``abc123 (Failed)``. Raises
    ``WarmfoldError`` with the remedy if there is none.
    """
    newer: list[str] = []
    for found in executions(aws, pipeline):
        arn: str = found["PipelineExecutionArn"]
        if _registered(read_steps(aws, arn)) is not None:
            return arn, newer
        newer.append(f"{arn.rsplit('/', 1)[-1]} ({found['PipelineExecutionStatus']})")
    if not newer:
        raise WarmfoldError(f"pipeline {pipeline} was never started: start it with `warmfold run`")
    raise WarmfoldError(
        f"no run of pipeline {pipeline} has come as far as a registered model: its newest is "
        f"{newer[0]}; start one with `warmfold run`"
    )


def read_evaluation(aws: Aws, run: Run) -> Evaluation:
    """The run's ``evaluation.json``. Raises ``WarmfoldError`` if it has not come to that."""
    folder = processing_output(aws.client("sagemaker"), run, EVALUATE_MODEL, EVALUATION_OUTPUT)
    return Evaluation.from_json(read_text(aws, f"{folder}/{EVALUATION_FILE}"))


def processing_output(client: Any, run: Run, step_name: str, output: str) -> str:
    """S3 URI of a processing step's output, without a slash at its end."""
    step = run.step(step_name)
    if step is None or not step.resource:
        raise WarmfoldError(f"run {run.execution_id} has not come to step {step_name}")
    job = client.describe_processing_job(ProcessingJobName=step.resource_name)
    uris = {
        o["OutputName"]: o["S3Output"]["S3Uri"] for o in job["ProcessingOutputConfig"]["Outputs"]
    }
    return str(uris[output]).rstrip("/")


def minimum_score(aws: Aws, run: Run) -> float | None:
    """The gate's threshold: the run's own parameter, or else the pipeline's default."""
    client = aws.client("sagemaker")
    given = client.list_pipeline_parameters_for_execution(PipelineExecutionArn=run.execution_arn)
    for parameter in given["PipelineParameters"]:
        if parameter["Name"] == "MinimumScore":
            return float(parameter["Value"])
    definition = json.loads(
        client.describe_pipeline(PipelineName=run.pipeline)["PipelineDefinition"]
    )
    for parameter in definition.get("Parameters", []):
        if parameter["Name"] == "MinimumScore":
            return float(parameter["DefaultValue"])
    return None


def read_package(aws: Aws, arn: str) -> Package:
    raw = aws.client("sagemaker").describe_model_package(ModelPackageName=arn)
    return Package(
        arn=raw["ModelPackageArn"],
        group=raw["ModelPackageGroupName"],
        version=raw["ModelPackageVersion"],
        approval=raw["ModelApprovalStatus"],
        created_at=raw["CreationTime"],
        metadata=dict(raw.get("CustomerMetadataProperties", {})),
    )


def read_batch(aws: Aws, manifest_uri: str) -> Batch | None:
    """The manifest, or ``None`` while that day has not been published."""
    try:
        return Batch(uri=manifest_uri, manifest=json.loads(read_text(aws, manifest_uri)))
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
            raise
        return None


def read_text(aws: Aws, uri: str) -> str:
    bucket, key = split_s3_uri(uri)
    body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body.decode("utf-8")
