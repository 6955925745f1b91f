"""Callers of this cloud's own operations: may they, and may they hand on the roles they name?"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from warmfold_local.access.asks import Ask
from warmfold_local.access.sagemaker import SERVICE_PRINCIPAL, asks, passed_roles
from warmfold_local.cloud import Cloud

# The table of every resource's tags, by its ARN.
_TAGS = "Tags"
# The table of endpoint configurations, and the operations that start servers of one.
_CONFIGURATIONS = "Endpoint configuration"
_STARTS_SERVERS = ("CreateEndpoint", "UpdateEndpoint")


def authorise(cloud: Cloud, service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Raises ``AccessDenied``, or ``ValidationError`` for a role that SageMaker cannot assume."""
    if cloud.access is None:
        return
    if cloud.identity is not None:
        for ask in asks(service, operation, request, cloud.arn):
            cloud.access.require(cloud.identity, _with_tags(cloud, ask))
        if operation in _STARTS_SERVERS:
            _use_volume_key(cloud, request)
    for role in passed_roles(operation, request):
        cloud.access.admit_role(role, SERVICE_PRINCIPAL)


def _with_tags(cloud: Cloud, ask: Ask) -> Ask:
    """With ``aws:ResourceTag`` of the resource, if it is there and has tags."""
    record = cloud.table(_TAGS).find(ask.resource)
    if record is None:
        return ask
    tags = {f"aws:ResourceTag/{key}": str(value) for key, value in record["tags"].items()}
    return dataclasses.replace(ask, context={**ask.context, **tags})


def _use_volume_key(cloud: Cloud, request: Mapping[str, Any]) -> None:
    """The key's policy must let in whoever creates or updates the endpoint (API reference,
    CreateEndpointConfig, KmsKeyId)."""
    config = cloud.table(_CONFIGURATIONS).find(request["EndpointConfigName"])
    key = (config or {}).get("KmsKeyId")
    if key is not None and cloud.access is not None and cloud.identity is not None:
        cloud.access.use_key(cloud.identity, key)
