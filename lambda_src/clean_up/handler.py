"""Deletes a stack's leftovers when, and only when, the stack is deleted as a whole."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from clean_up.aws import LogGroups, Models, Stacks
from clean_up.buckets import Buckets
from clean_up.logic import GOING, Clock, Leftovers, read_leftovers
from warmfold_lambda.clients import client
from warmfold_lambda.custom_resource import Request, answered
from warmfold_lambda.log import Log, TimedContext

# A call that is throttled takes a while, and CloudFormation is to hear of what is left.
_MARGIN_MILLISECONDS = 60_000


def handle(event: dict[str, Any], context: TimedContext) -> None:
    """Answers CloudFormation, whatever happens."""
    log = Log("clean_up", context.aws_request_id)
    clock = Clock(
        has_time=lambda: context.get_remaining_time_in_millis() > _MARGIN_MILLISECONDS,
        wait=time.sleep,
    )
    answered(event, context, log, partial(respond, client=client, clock=clock, log=log))


def respond(
    request: Request, *, client: Callable[[str], Any], clock: Clock, log: Log
) -> dict[str, str]:
    """Returns no attributes. Creating and changing the resource does nothing.

    Raises ``LambdaError`` for what is left, ``ClientError`` for what AWS refuses.
    """
    if request.kind != "Delete":
        return {}
    leftovers = read_leftovers(request.properties)
    status = Stacks(client("cloudformation")).status(request.stack_id)
    if status not in GOING:
        log.notice("kept", stack_status=status)
        return {}
    for kind, delete, name in _steps(leftovers, client, clock):
        log.notice("deleted", kind=kind, name=name, deleted=delete(name))
    return {}


_Step = tuple[str, Callable[[str], int], str]


def _steps(leftovers: Leftovers, client: Callable[[str], Any], clock: Clock) -> Iterator[_Step]:
    """What writes stops first; a bucket is emptied last."""
    models = Models(client("sagemaker"), clock)
    for name in leftovers.pipelines:
        yield "executions", models.stop_executions, name
        yield "models of executions", models.delete_models_of, name
    for name in leftovers.model_name_prefixes:
        yield "batch models", models.delete_batch_models, name
    for name in leftovers.model_package_groups:
        yield "model packages", models.delete_packages, name
    for name in leftovers.log_groups:
        yield "log groups", LogGroups(client("logs")).delete, name
    for name in leftovers.buckets:
        yield "versions", Buckets(client("s3"), clock).empty, name
