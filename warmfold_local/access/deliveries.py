"""Calls that AWS's services make by themselves: events to targets, schedules, queues to functions.

A rule's target is let in by its own resource policy, as the service; a schedule and a function's
queue are read with a role.
"""

import logging
from collections.abc import Mapping
from typing import Any

from warmfold_local.access.asks import Ask
from warmfold_local.access.gate import Gate
from warmfold_local.cloud import Identity
from warmfold_local.errors import AccessDenied, ValidationError
from warmfold_local.ministack_deliveries import guard_deliveries

logger = logging.getLogger("warmfold_local")

EVENTS = "events.amazonaws.com"
LAMBDA = "lambda.amazonaws.com"
SCHEDULER = "scheduler.amazonaws.com"

_ACTIONS = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}


class Deliveries:
    """See ``ministack_deliveries.guard_deliveries``."""

    def __init__(self, gate: Gate, account: str) -> None:
        self._gate = gate
        self._account = account

    def by_rule(self, target: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
        """Whether a rule's target takes its events; a bus of this account always does."""
        arn = target["Arn"]
        action = _ACTIONS.get(arn.split(":")[2])
        if action is None:
            return True
        context = {"aws:SourceArn": str(rule.get("Arn", "")), "aws:SourceAccount": self._account}
        return self._gate.let_in(EVENTS, Ask(action=action, resource=arn, context=context))

    def by_schedule(self, target: Mapping[str, Any], schedule: Mapping[str, Any]) -> bool:
        arn, role = target["Arn"], target["RoleArn"]
        action = _ACTIONS.get(arn.split(":")[2])
        group = f":schedule-group/{schedule.get('GroupName', 'default')}"
        source = schedule["Arn"].partition(":schedule/")[0] + group
        try:
            self._gate.admit_role(role, SCHEDULER, source_arn=source)
            if action is not None:
                identity = self._gate.identity(role, "scheduler")
                self._gate.require(identity, Ask(action=action, resource=arn))
        except (AccessDenied, ValidationError) as error:
            logger.warning("schedule %s was not delivered: %s", schedule["Arn"], error.message)
            return False
        return True

    def from_queue(self, queue_arn: str, function: Mapping[str, Any]) -> bool:
        """Whether the function's role may poll the queue."""
        identity = self._gate.identity(function["Role"], function["FunctionName"])
        try:
            self._gate.use(identity, "queue", queue_arn)
        except AccessDenied as error:
            logger.warning("%s is not polled: %s", queue_arn, error.message)
            return False
        return True

    def credentials(self, function: Mapping[str, Any]) -> Mapping[str, str]:
        """Of the function's role; what Lambda itself writes with it is asked for here, once."""
        identity = self._gate.identity(function["Role"], function["FunctionName"])
        self._writes(function, identity)
        return identity.environment()

    def refused_role(self, role_arn: str) -> str | None:
        """AWS's text for a role that Lambda cannot assume."""
        try:
            self._gate.admit_role(role_arn, LAMBDA)
        except ValidationError:
            return "The role defined for the function cannot be assumed by Lambda."
        return None

    def _writes(self, function: Mapping[str, Any], identity: Identity) -> None:
        region = function["FunctionArn"].split(":")[3]
        name = function["FunctionName"]
        group = (function.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        stream = f"arn:aws:logs:{region}:{self._account}:log-group:{group}:log-stream:{name}"
        self._gate.use(identity, "function log", stream)
        if (function.get("TracingConfig") or {}).get("Mode") == "Active":
            self._gate.use(identity, "function trace")


def install_deliveries(gate: Gate, account: str) -> None:
    guard_deliveries(Deliveries(gate, account))
