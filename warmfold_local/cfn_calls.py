"""API calls that CloudFormation makes for a resource, as the stack's role."""

from typing import Any

from warmfold_local.access import acts_as
from warmfold_local.cfn_values import typed
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError
from warmfold_local.sagemaker import protocol
from warmfold_shapes.constraints import service_model

Properties = dict[str, Any]


def call(
    cloud: Cloud, operation: str, request: Properties, service: str = protocol.SAGEMAKER
) -> Properties:
    """One API call; a refusal becomes the resource's failure reason, as ``code: text``."""
    shape = service_model(service).operation_model(operation).input_shape
    try:
        return protocol.call(
            cloud.as_identity(acts_as.identity()),
            operation,
            typed(shape, request) if shape is not None else request,
            service,
        )
    except ServiceError as error:
        raise ValueError(f"{error.message} (Service: {service}, Code: {error.code})") from error
