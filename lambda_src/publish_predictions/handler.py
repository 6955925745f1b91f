"""Lambda step ``PublishPredictions``: the manifest is written last, so a rerun is atomic."""

from dataclasses import dataclass
from typing import Any

from publish_predictions.aws import Predictions
from publish_predictions.logic import manifest, require_output, to_json
from warmfold_lambda.clients import client
from warmfold_lambda.environment import read_environment
from warmfold_lambda.events import Reader, split_uri
from warmfold_lambda.log import Context, Log


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``model_package_group_name`` is what the metrics are named by."""

    model_package_group_name: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """``output_uri`` is the folder of this run, ``manifest_uri`` the object that readers follow."""

    output_uri: str
    manifest_uri: str
    day: str
    execution_id: str


def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Returns ``manifest_uri``, ``files`` and ``records``."""
    log = Log("publish_predictions", context.aws_request_id)
    group = read_environment(Environment).model_package_group_name
    return respond(event, group, Predictions(client("s3")), log)


def respond(event: object, group: str, aws: Predictions, log: Log) -> dict[str, Any]:
    """Raises ``InputError`` for a malformed event, ``LambdaError`` if there is no output."""
    request = parse(event)
    keys = aws.output_keys(request.output_uri)
    require_output(keys, request.output_uri)
    bucket, _ = split_uri(request.output_uri)
    files = [aws.measure(bucket, key) for key in keys]
    content = manifest(
        files,
        day=request.day,
        execution_id=request.execution_id,
        bucket=bucket,
        output_uri=request.output_uri,
    )
    aws.write(request.manifest_uri, to_json(content))
    log.notice(
        "predictions_published",
        day=request.day,
        execution_id=request.execution_id,
        manifest_uri=request.manifest_uri,
        files=len(files),
        records=content["records"],
    )
    log.metrics(group, BatchRecords=content["records"])
    return {
        "manifest_uri": request.manifest_uri,
        "files": len(files),
        "records": content["records"],
    }


def parse(event: object) -> Request:
    reader = Reader(event)
    request = Request(
        output_uri=reader.s3_uri("output_uri").rstrip("/"),
        manifest_uri=reader.s3_uri("manifest_uri"),
        day=reader.text("day"),
        execution_id=reader.text("execution_id"),
    )
    reader.finish()
    return request
