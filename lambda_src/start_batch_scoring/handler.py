"""Target of the daily schedule; an operator may invoke it with the same input to rerun a day."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from start_batch_scoring.aws import Network, Scoring
from start_batch_scoring.logic import (
    local_day,
    model_name,
    parse_scheduled_time,
    plan_run,
    request_token,
)
from warmfold_lambda.clients import client
from warmfold_lambda.environment import read_environment
from warmfold_lambda.events import Reader
from warmfold_lambda.log import Context, Log
from warmfold_lambda.registry import latest


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``model_role_arn`` is what the model's container runs as, in the transform job.

    ``subnet_ids`` and ``security_group_ids`` are where it runs; both empty for no VPC of ours.
    """

    model_name: str
    model_name_prefix: str
    model_package_group_name: str
    scoring_pipeline_name: str
    bucket_name: str
    model_role_arn: str
    time_zone: ZoneInfo
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()


def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Returns ``status`` (``started``, ``no_data`` or ``no_model``) and the day."""
    environment = read_environment(Environment)
    aws = Scoring(client("sagemaker"), client("s3"))
    return respond(event, environment, aws, Log("start_batch_scoring", context.aws_request_id))


def respond(event: object, environment: Environment, aws: Scoring, log: Log) -> dict[str, Any]:
    """Raises ``InputError`` for a malformed event; a day without data or model is no error."""
    reader = Reader(event)
    text = reader.text("scheduled_time")
    reader.finish()
    scheduled = parse_scheduled_time(text)
    day = local_day(scheduled, environment.time_zone)
    run = plan_run(environment.bucket_name, environment.model_name, day)

    group = environment.model_package_group_name
    if not aws.has_objects(run.input_uri):
        log.metrics(group, DaysWithoutData=1)
        log.warning("no_data", day=day, input_uri=run.input_uri)
        return {"status": "no_data", "day": day.isoformat()}
    package = latest(aws.approved(group))
    if package is None:
        log.metrics(group, DaysWithoutModel=1)
        log.warning("no_model", day=day, model_package_group_name=group)
        return {"status": "no_model", "day": day.isoformat()}

    name = model_name(environment.model_name_prefix, package)
    network = Network(environment.subnet_ids, environment.security_group_ids)
    aws.ensure_model(name, package, environment.model_role_arn, network)
    pipeline = environment.scoring_pipeline_name
    arn = aws.start(
        pipeline,
        name=f"{day.isoformat()}-v{package.version}",
        parameters=run.parameters(name),
        token=request_token(pipeline, run, package, scheduled),
    )
    log.notice("scoring_started", day=day, execution_arn=arn, model_name=name)
    return {"status": "started", "execution_arn": arn, "day": day.isoformat()}
