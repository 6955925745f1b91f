"""Roles that requests to the ordinary services hand on: whoever sends them must be let to.

SageMaker's operations and CloudFormation's are asked where they are served (`callers`, `acts_as`).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from warmfold_local.access.asks import Ask

# The member that names the role, and the service that it is for ("Grant a user permissions to pass
# a role to an AWS service", IAM user guide, and each action's dependent actions).
_PASSES = {
    "events:PutRule": ("RoleArn", "events.amazonaws.com"),
    "events:PutTargets": ("RoleArn", "events.amazonaws.com"),
    "lambda:CreateFunction": ("Role", "lambda.amazonaws.com"),
    "lambda:UpdateFunctionConfiguration": ("Role", "lambda.amazonaws.com"),
    "scheduler:CreateSchedule": ("RoleArn", "scheduler.amazonaws.com"),
    "scheduler:UpdateSchedule": ("RoleArn", "scheduler.amazonaws.com"),
}


def passed(action: str, body: bytes) -> Iterator[Ask]:
    """``iam:PassRole`` for every role that a request names; its own service refuses bad JSON."""
    if action not in _PASSES:
        return
    member, service = _PASSES[action]
    try:
        request = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return
    for role in sorted(set(_named(request, member))):
        yield Ask(action="iam:PassRole", resource=role, context={"iam:PassedToService": service})


def _named(value: Any, member: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == member and isinstance(item, str):
                yield item
            else:
                yield from _named(item, member)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, member)
