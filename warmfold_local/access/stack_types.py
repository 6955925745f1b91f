"""What CloudFormation asks for while it makes, changes and deletes a resource, as the stack's role.

Beyond the operations that it calls anyway it reads what it made, and its tags. Which permissions a
type's handlers have is part of the type's registry schema (``handlers.*.permissions``, Cloud
Control API user guide, "Resource types"); the lists here are this cloud's reading of them, not
verified on AWS.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from warmfold_local.access import acts_as
from warmfold_local.access.asks import Ask
from warmfold_local.cloud import Cloud
from warmfold_local.errors import AccessDenied

Properties = Mapping[str, Any]

ALARM = "AWS::CloudWatch::Alarm"

_TAGS = ("ListTags",)
_ALARM = {
    "create": ("PutMetricAlarm", "DescribeAlarms", "ListTagsForResource", "TagResource"),
    "update": (
        "PutMetricAlarm",
        "DescribeAlarms",
        "ListTagsForResource",
        "TagResource",
        "UntagResource",
    ),
    "delete": ("DescribeAlarms", "DeleteAlarms"),
}
_SCALING = {
    "create": ("DescribeScalableTargets", "ListTagsForResource", "TagResource"),
    "delete": ("DescribeScalableTargets",),
}


def check_alarm(cloud: Cloud, verb: str, properties: Properties) -> None:
    """Raises ``ValueError`` with AWS's text: the resource's failure reason."""
    resource = cloud.arn(f"alarm:{properties.get('AlarmName', '*')}", "cloudwatch")
    require(cloud, (Ask(action=f"cloudwatch:{name}", resource=resource) for name in _ALARM[verb]))


def check_made(cloud: Cloud, noun: str, resource: str) -> None:
    """After a SageMaker resource was made or changed: CloudFormation reads it again."""
    actions = (f"Describe{noun}", *_TAGS)
    require(cloud, (Ask(action=f"sagemaker:{name}", resource=resource) for name in actions))


def check_target(cloud: Cloud, verb: str) -> None:
    """A scalable target; reads know no resources."""
    target = cloud.arn("scalable-target/*", "application-autoscaling")
    asks = (
        Ask(
            action=f"application-autoscaling:{name}",
            resource="*" if name.startswith("Describe") else target,
        )
        for name in _SCALING[verb]
    )
    require(cloud, asks)


def check_function(cloud: Cloud, arn: str) -> None:
    """Behind a custom resource: CloudFormation calls it as the stack's role."""
    require(cloud, iter((Ask(action="lambda:InvokeFunction", resource=arn),)))


def require(cloud: Cloud, asks: Iterator[Ask]) -> None:
    identity = acts_as.identity()
    if cloud.access is None or identity is None:
        return
    for ask in asks:
        try:
            cloud.access.require(identity, ask)
        except AccessDenied as error:
            raise ValueError(f"{error.message} (Code: {error.code})") from error
