"""Application Auto Scaling for endpoint variants: targets and policies, recorded and validated.

Nothing scales here, since one process serves a variant: no alarms are made, and only a count
outside the registered bounds is moved into them, as the service does on registration.
"""

import uuid
from typing import Any

from warmfold_local.cloud import Cloud, Record, Table
from warmfold_local.errors import ServiceError, UnsupportedOperation
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation

SERVICE = "application-autoscaling"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_TARGETS = "Scalable target"
_POLICIES = "Scaling policy"
_ENDPOINTS = "Endpoint"

# The service's own default (botocore: DescribeScalableTargets, MaxResults).
_PAGE = 50


def scaled_variants(cloud: Cloud, endpoint: str) -> set[str]:
    """Names of the endpoint's variants that are registered as scalable targets."""
    prefix = f"endpoint/{endpoint}/variant/"
    return {
        record["ResourceId"].removeprefix(prefix)
        for record in cloud.table(_TARGETS)
        if record["ResourceId"].startswith(prefix)
    }


def forget_endpoint(cloud: Cloud, endpoint: str) -> None:
    """Deregister everything of a deleted endpoint."""
    for variant in scaled_variants(cloud, endpoint):
        _deregister(cloud, f"endpoint/{endpoint}/variant/{variant}")


@operation("RegisterScalableTarget", SERVICE)
def register_scalable_target(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Registers, or changes what is registered; MinCapacity and MaxCapacity come together."""
    _require_sagemaker(request)
    resource = request["ResourceId"]
    with cloud.lock:
        variant = _variant(cloud, resource)
        old = cloud.table(_TARGETS).find(resource)
        record = _new_target(cloud, request) if old is None else old
        changes = {
            key: request[key]
            for key in ("MinCapacity", "MaxCapacity", "SuspendedState")
            if request.get(key) is not None
        }
        low, high = ({**record, **changes}[key] for key in ("MinCapacity", "MaxCapacity"))
        if low > high:
            raise _validation("MinCapacity must not be greater than MaxCapacity")
        record |= changes
        if old is None:
            cloud.table(_TARGETS).add(resource, record)
        count = min(max(variant["CurrentInstanceCount"], low), high)
        variant |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
    return {"ScalableTargetARN": record["ScalableTargetARN"]}


@operation("DescribeScalableTargets", SERVICE)
def describe_scalable_targets(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    wanted = request.get("ResourceIds")
    found = [r for r in cloud.table(_TARGETS) if wanted is None or r["ResourceId"] in wanted]
    return _page(request, found, "ScalableTargets", "ResourceId")


@operation("DeregisterScalableTarget", SERVICE)
def deregister_scalable_target(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Its policies go with it."""
    _require_sagemaker(request)
    _target(cloud, request["ResourceId"])
    _deregister(cloud, request["ResourceId"])
    return {}


@operation("PutScalingPolicy", SERVICE)
def put_scaling_policy(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Creates a policy, or replaces the one of that name on that target."""
    _require_sagemaker(request)
    _target(cloud, request["ResourceId"])
    kind = request.get("PolicyType", "StepScaling")
    if request.get(f"{kind}PolicyConfiguration") is None:
        raise _validation(f"{kind}PolicyConfiguration must be provided")
    key = f"{request['ResourceId']}|{request['PolicyName']}"
    with cloud.lock:
        table = cloud.table(_POLICIES)
        old = table.find(key)
        table.remove(key)
        record = table.add(key, _new_policy(cloud, request, kind, old))
    return {"PolicyARN": record["PolicyARN"], "Alarms": []}


@operation("DescribeScalingPolicies", SERVICE)
def describe_scaling_policies(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    names, resource = request.get("PolicyNames"), request.get("ResourceId")
    found = [
        record
        for record in cloud.table(_POLICIES)
        if (names is None or record["PolicyName"] in names)
        and (resource is None or record["ResourceId"] == resource)
    ]
    return _page(request, found, "ScalingPolicies", "PolicyARN")


@operation("DeleteScalingPolicy", SERVICE)
def delete_scaling_policy(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    _require_sagemaker(request)
    key = f"{request['ResourceId']}|{request['PolicyName']}"
    if cloud.table(_POLICIES).find(key) is None:
        raise ServiceError(
            "ObjectNotFoundException",
            f"No scaling policy found for service namespace: sagemaker, resource ID: "
            f"{request['ResourceId']}, scalable dimension: {DIMENSION}: {request['PolicyName']}",
        )
    cloud.table(_POLICIES).remove(key)
    return {}


@operation("DeleteScheduledAction", SERVICE)
def delete_scheduled_action(_cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """None can be put here, so there is none."""
    _require_sagemaker(request)
    raise ServiceError(
        "ObjectNotFoundException",
        f"No scheduled action found for service namespace: sagemaker, resource ID: "
        f"{request['ResourceId']}, scalable dimension: {DIMENSION}: "
        f"{request['ScheduledActionName']}",
    )


def _page(request: dict[str, Any], found: list[Record], result: str, name: str) -> dict[str, Any]:
    _require_sagemaker(request)
    return list_page({"MaxResults": _PAGE, **request}, found, result=result, name=name)


def _require_sagemaker(request: dict[str, Any]) -> None:
    if request["ServiceNamespace"] != "sagemaker":
        raise UnsupportedOperation(request["ServiceNamespace"], "service namespace")
    if request.get("ScalableDimension", DIMENSION) != DIMENSION:
        raise UnsupportedOperation(request["ScalableDimension"], "scalable dimension")


def _variant(cloud: Cloud, resource: str) -> dict[str, Any]:
    """The endpoint's variant behind a resource ID, as DescribeEndpoint shows it."""
    parts = resource.split("/")
    if len(parts) == 4 and (parts[0], parts[2]) == ("endpoint", "variant"):
        endpoint = cloud.table(_ENDPOINTS).find(parts[1])
        for variant in (endpoint or {}).get("ProductionVariants", []):
            if variant["VariantName"] == parts[3]:
                found: dict[str, Any] = variant
                return found
    raise _validation(f"No endpoint variant found for the resource ID {resource}")


def _target(cloud: Cloud, resource: str) -> Record:
    record = cloud.table(_TARGETS).find(resource)
    if record is None:
        raise ServiceError(
            "ObjectNotFoundException",
            f"No scalable target registered for service namespace: sagemaker, resource ID: "
            f"{resource}, scalable dimension: {DIMENSION}",
        )
    return record


def _new_target(cloud: Cloud, request: dict[str, Any]) -> Record:
    if request.get("MinCapacity") is None or request.get("MaxCapacity") is None:
        raise _validation("MinCapacity and MaxCapacity must be provided for a new scalable target")
    account = cloud.settings.account
    role = (
        f"arn:aws:iam::{account}:role/aws-service-role/sagemaker.application-autoscaling."
        "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    )
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": request["ResourceId"],
        "ScalableDimension": DIMENSION,
        "MinCapacity": request["MinCapacity"],
        "MaxCapacity": request["MaxCapacity"],
        "RoleARN": role,
        "CreationTime": cloud.now(),
        "ScalableTargetARN": cloud.arn(
            f"scalable-target/{uuid.uuid4().hex}", service="application-autoscaling"
        ),
    }


def _new_policy(cloud: Cloud, request: dict[str, Any], kind: str, old: Record | None) -> Record:
    arn = cloud.arn(
        f"scalingPolicy:{uuid.uuid4()}:resource/sagemaker/{request['ResourceId']}"
        f":policyName/{request['PolicyName']}",
        service="autoscaling",
    )
    return {
        **request,
        "PolicyType": kind,
        "PolicyARN": arn if old is None else old["PolicyARN"],
        "CreationTime": cloud.now() if old is None else old["CreationTime"],
        "Alarms": [],
    }


def _deregister(cloud: Cloud, resource: str) -> None:
    policies: Table = cloud.table(_POLICIES)
    for record in policies:
        if record["ResourceId"] == resource:
            policies.remove(f"{resource}|{record['PolicyName']}")
    cloud.table(_TARGETS).remove(resource)


def _validation(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
