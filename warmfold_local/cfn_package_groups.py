"""A model package group's resource policy, which CloudFormation has as a property of the group."""

import json
from dataclasses import replace

from warmfold_local.cfn_calls import Properties, call
from warmfold_local.cloud import Cloud
from warmfold_local.ministack_seam import ResourceType

_POLICY = "ModelPackageGroupPolicy"
_NAME = "ModelPackageGroupName"


def with_policy(cloud: Cloud, group: ResourceType) -> ResourceType:
    """``group``, and its policy: put with it, changed in place, deleted when it is left out.

    The policy is kept and answered; it decides nothing, since this cloud is one account.
    """

    def create(logical_id: str, given: Properties, stack: str) -> tuple[str, Properties]:
        own = {key: value for key, value in given.items() if key != _POLICY}
        arn, attributes = group.create(logical_id, own, stack)
        _put(cloud, attributes[_NAME], given)
        return arn, attributes

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str
    ) -> tuple[str, Properties]:
        arn, attributes = group.update(physical_id, old, new, stack)
        if _POLICY in old and _POLICY not in new:
            call(cloud, "DeleteModelPackageGroupPolicy", {_NAME: attributes[_NAME]})
        if old.get(_POLICY) != new.get(_POLICY):
            _put(cloud, attributes[_NAME], new)
        return arn, attributes

    return replace(group, create=create, update=update)


def _put(cloud: Cloud, name: str, properties: Properties) -> None:
    policy = properties.get(_POLICY)
    if policy is not None:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        call(cloud, "PutModelPackageGroupPolicy", {_NAME: name, "ResourcePolicy": text})
