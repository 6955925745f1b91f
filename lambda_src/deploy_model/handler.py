"""Consumer of the approval queue, and of the scheduled reconcile that makes up for lost events."""

import json
from dataclasses import dataclass
from typing import Any

from deploy_model.aws import Deployment
from deploy_model.logic import (
    ALARMING,
    Decision,
    Stack,
    check_endpoint,
    decide,
    retry_after_rollback,
)
from deploy_model.orders import Orders
from warmfold_lambda.clients import client
from warmfold_lambda.environment import read_environment
from warmfold_lambda.errors import InputError
from warmfold_lambda.log import Context, Log


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``serving_deployment_role_arn`` is the narrow role that CloudFormation works with."""

    model_package_group_name: str
    orders_parameter_name: str
    serving_stack_name: str
    serving_deployment_role_arn: str


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The message ids of an SQS event, parted by whether the body can be read."""

    readable: tuple[str, ...]
    broken: tuple[str, ...]


def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answers an SQS event with ``batchItemFailures``, a reconcile with ``status``."""
    environment = read_environment(Environment)
    aws = Deployment(client("sagemaker"), client("cloudformation"), client("ssm"))
    return respond(event, environment, aws, Log("deploy_model", context.aws_request_id))


def respond(event: object, environment: Environment, aws: Deployment, log: Log) -> dict[str, Any]:
    """Raises ``InputError`` for an event that is neither an SQS event nor a reconcile."""
    if isinstance(event, dict) and event.get("reconcile") is True:
        return {"status": converge(environment, aws, log)}
    messages = parse(event, log)
    status = converge(environment, aws, log) if messages.readable else "unchanged"
    # A message that could not be acted on yet is delivered again after its visibility time-out;
    # one that cannot be read ends in the dead-letter queue, where it is seen.
    redeliver = messages.broken + (messages.readable if status == "busy" else ())
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in redeliver]}


def converge(environment: Environment, aws: Deployment, log: Log) -> str:
    """Bring the stack to the package that is wanted; returns what was done."""
    orders = aws.orders(environment.orders_parameter_name)
    stack = aws.stack(environment.serving_stack_name)
    decision = _decide(environment, aws, stack, orders)
    status: str = decision.action
    if decision.action == "update" and decision.package is not None:
        role_arn = environment.serving_deployment_role_arn
        status = aws.update(stack, decision.package, role_arn, decision.shadow)
    _report(log, decision, status, stack.name, stack.status)
    return status


def _decide(environment: Environment, aws: Deployment, stack: Stack, orders: Orders) -> Decision:
    decision = decide(stack, orders, aws.approved(environment.model_package_group_name))
    if decision.action == "rolled_back" and decision.package is not None:
        modified = aws.modified(decision.package)
        return retry_after_rollback(stack, orders, decision.package, modified, decision.shadow)
    if decision.action in ("unchanged", "frozen") and not stack.moving:
        return check_endpoint(decision, aws.endpoint(stack))
    return decision


def parse(event: object, log: Log) -> Messages:
    """Which messages are events at all; what they say is not used, only logged."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise InputError('the event has neither "Records" (SQS) nor "reconcile": true')
    readable: list[str] = []
    broken: list[str] = []
    for record in records:
        body = _body(record)
        target = broken if body is None else readable
        target.append(str(record["messageId"]))
        _log_message(log, record, body)
    return Messages(readable=tuple(readable), broken=tuple(broken))


def _body(record: dict[str, Any]) -> dict[str, Any] | None:
    try:
        body = json.loads(record["body"])
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _log_message(log: Log, record: dict[str, Any], body: dict[str, Any] | None) -> None:
    if body is None:
        log.warning("message_unreadable", message_id=record["messageId"])
        return
    detail = body.get("detail")
    arn = detail.get("ModelPackageArn") if isinstance(detail, dict) else None
    log.notice(
        "message_received",
        message_id=record["messageId"],
        event_id=body.get("id"),
        model_package_arn=arn,
    )


def _report(log: Log, decision: Decision, status: str, stack_name: str, stack_status: str) -> None:
    write = log.warning if decision.action in ALARMING else log.notice
    write(
        f"deployment_{status}",
        reason=decision.reason,
        model_package_arn=None if decision.package is None else decision.package.arn,
        stack_name=stack_name,
        stack_status=stack_status,
    )
