"""CloudFormation's SageMaker and Application Auto Scaling types, made through our own API.

Which properties replace a resource and what ``Ref`` returns follow the types' registry schemas
(createOnlyProperties, primaryIdentifier).
"""

import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from warmfold_local import autoscaling
from warmfold_local.access.stack_types import check_made, check_target
from warmfold_local.cfn_calls import call
from warmfold_local.cfn_package_groups import with_policy
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ServiceError
from warmfold_local.ministack_seam import ResourceType, generated_suffix
from warmfold_local.sagemaker import protocol
from warmfold_local.sagemaker.endpoints import IN_PROGRESS

Properties = dict[str, Any]
Made = tuple[str, Properties]

# SageMaker's names have at most 63 characters.
_NAME_LIMIT = 63
_POLL_SECONDS = 0.1

_MODEL_REPLACING = (
    "Containers",
    "EnableNetworkIsolation",
    "ExecutionRoleArn",
    "InferenceExecutionConfig",
    "ModelName",
    "PrimaryContainer",
    "VpcConfig",
)
_CONFIG_REPLACING = (
    "AsyncInferenceConfig",
    "DataCaptureConfig",
    "EnableNetworkIsolation",
    "EndpointConfigName",
    "ExecutionRoleArn",
    "ExplainerConfig",
    "KmsKeyId",
    "MetricsConfig",
    "ProductionVariants",
    "ShadowProductionVariants",
    "VpcConfig",
)
_GROUP_REPLACING = ("ModelPackageGroupDescription", "ModelPackageGroupName")
_TARGET_REPLACING = ("ResourceId", "ScalableDimension", "ServiceNamespace")
_POLICY_REPLACING = (*_TARGET_REPLACING, "PolicyName", "ScalingTargetId")


def resource_types(cloud: Cloud) -> dict[str, ResourceType]:
    """Every type that this cloud adds, by its CloudFormation name."""
    return {
        "AWS::SageMaker::Model": _plain(cloud, "Model", _MODEL_REPLACING),
        "AWS::SageMaker::EndpointConfig": _plain(cloud, "EndpointConfig", _CONFIG_REPLACING),
        "AWS::SageMaker::ModelPackageGroup": with_policy(
            cloud, _plain(cloud, "ModelPackageGroup", _GROUP_REPLACING)
        ),
        "AWS::SageMaker::Endpoint": _bound(cloud, _ENDPOINT, ("EndpointName",), "EndpointName"),
        "AWS::SageMaker::Pipeline": _bound(cloud, _PIPELINE, ("PipelineName",), "PipelineName"),
        "AWS::ApplicationAutoScaling::ScalableTarget": _bound(cloud, _TARGET, _TARGET_REPLACING),
        "AWS::ApplicationAutoScaling::ScalingPolicy": _bound(cloud, _POLICY, _POLICY_REPLACING),
    }


def _plain(cloud: Cloud, noun: str, replacing: tuple[str, ...]) -> ResourceType:
    """A type that is only created and deleted: any change but of its tags replaces it."""
    name = f"{noun}Name"

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        chosen = properties.get(name) or _generated_name(stack, logical_id)
        made = call(cloud, f"Create{noun}", {**properties, name: chosen})
        check_made(cloud, noun, made[f"{noun}Arn"])
        return made[f"{noun}Arn"], {name: chosen, f"{noun}Arn": made[f"{noun}Arn"]}

    def update(physical_id: str, old: Properties, new: Properties, _stack: str) -> Made:
        _retag(cloud, physical_id, old, new)
        return physical_id, {name: _last(physical_id), f"{noun}Arn": physical_id}

    def delete(physical_id: str, _properties: Properties) -> None:
        request = {name: _last(physical_id)}
        if _exists(cloud, f"Describe{noun}", request):
            call(cloud, f"Delete{noun}", request)

    return ResourceType(create=create, update=update, delete=delete, replacing=replacing, name=name)


def _generated_name(stack: str, logical_id: str) -> str:
    """``{logical id}-{suffix}``: SageMaker's types leave out the stack's name (aws-cli #4021)."""
    suffix = generated_suffix(stack, logical_id)
    return f"{logical_id[: _NAME_LIMIT - len(suffix) - 1]}-{suffix}"


_Handlers = tuple[Callable[..., Made], Callable[..., Made], Callable[..., None]]


def _bound(
    cloud: Cloud, handlers: _Handlers, replacing: tuple[str, ...], name: str | None = None
) -> ResourceType:
    create, update, delete = handlers
    return ResourceType(
        create=partial(create, cloud),
        update=partial(update, cloud),
        delete=partial(delete, cloud),
        replacing=replacing,
        name=name,
    )


def _create_endpoint(cloud: Cloud, logical_id: str, properties: Properties, stack: str) -> Made:
    """Waits for InService. A failed endpoint is deleted here, since no stack would know it."""
    name = properties.get("EndpointName") or _generated_name(stack, logical_id)
    request = {"EndpointName": name, **_only(properties, "EndpointConfigName", "DeploymentConfig")}
    arn = call(cloud, "CreateEndpoint", {**request, **_only(properties, "Tags")})["EndpointArn"]
    record = _settled(cloud, name)
    if record["EndpointStatus"] != "InService":
        reason = record.get("FailureReason", "")
        _delete_endpoint(cloud, arn, properties)
        raise ValueError(f"Endpoint {name} failed: {reason}")
    check_made(cloud, "Endpoint", arn)
    return arn, {"EndpointName": name, "EndpointArn": arn}


def _update_endpoint(
    cloud: Cloud, physical_id: str, old: Properties, new: Properties, _stack: str
) -> Made:
    """Raises with the endpoint's reason if it rolled back to its old configuration."""
    name = _last(physical_id)
    _retag(cloud, physical_id, old, new)
    members = [key for key in {**old, **new} if key not in ("Tags", "EndpointName")]
    if any(old.get(key) != new.get(key) for key in members):
        _settled(cloud, name)
        call(cloud, "UpdateEndpoint", {"EndpointName": name, **_only(new, *members)})
        record = _settled(cloud, name)
        if record.get("FailureReason") or record["EndpointStatus"] != "InService":
            raise ValueError(
                f"Endpoint {name} was not updated, and serves as before: "
                f"{record.get('FailureReason', record['EndpointStatus'])}"
            )
    return physical_id, {"EndpointName": name, "EndpointArn": physical_id}


def _delete_endpoint(cloud: Cloud, physical_id: str, _properties: Properties) -> None:
    request = {"EndpointName": _last(physical_id)}
    if not _exists(cloud, "DescribeEndpoint", request):
        return
    _settled(cloud, request["EndpointName"])
    call(cloud, "DeleteEndpoint", request)
    while _exists(cloud, "DescribeEndpoint", request) and not cloud.stopping.is_set():
        time.sleep(_POLL_SECONDS)


def _settled(cloud: Cloud, name: str) -> Properties:
    """The endpoint once nothing is in progress; the fleet's own time-outs bound the wait."""
    while not cloud.stopping.is_set():
        record = call(cloud, "DescribeEndpoint", {"EndpointName": name})
        if record["EndpointStatus"] not in IN_PROGRESS:
            return record
        time.sleep(_POLL_SECONDS)
    raise ValueError("the local cloud is stopping")


def _pipeline_request(properties: Properties) -> Properties:
    """The template nests the definition's body; the API does not."""
    definition = properties["PipelineDefinition"]
    request = {key: item for key, item in properties.items() if key != "PipelineDefinition"}
    if "PipelineDefinitionBody" in definition:
        return {**request, "PipelineDefinition": definition["PipelineDefinitionBody"]}
    place = definition["PipelineDefinitionS3Location"]
    location = {"Bucket": place["Bucket"], "ObjectKey": place["Key"]}
    if place.get("Version") is not None:
        location["VersionId"] = place["Version"]
    return {**request, "PipelineDefinitionS3Location": location}


def _create_pipeline(cloud: Cloud, _logical_id: str, properties: Properties, _stack: str) -> Made:
    token = {"ClientRequestToken": uuid.uuid4().hex}
    call(cloud, "CreatePipeline", {**_pipeline_request(properties), **token})
    return properties["PipelineName"], {}


def _update_pipeline(
    cloud: Cloud, physical_id: str, old: Properties, new: Properties, _stack: str
) -> Made:
    request = {key: item for key, item in _pipeline_request(new).items() if key != "Tags"}
    made = call(cloud, "UpdatePipeline", request)
    _retag(cloud, made["PipelineArn"], old, new)
    return physical_id, {}


def _delete_pipeline(cloud: Cloud, physical_id: str, _properties: Properties) -> None:
    request = {"PipelineName": physical_id}
    if _exists(cloud, "DescribePipeline", request):
        call(cloud, "DeletePipeline", {**request, "ClientRequestToken": uuid.uuid4().hex})


def _create_target(cloud: Cloud, _logical_id: str, properties: Properties, _stack: str) -> Made:
    if properties.get("ScheduledActions"):
        raise ValueError("the local cloud does not support ScheduledActions of a ScalableTarget")
    call(cloud, "RegisterScalableTarget", properties, autoscaling.SERVICE)
    check_target(cloud, "create")
    identity = "|".join(properties[key] for key in _TARGET_REPLACING)
    return identity, {"Id": identity}


def _update_target(
    cloud: Cloud, _physical_id: str, _old: Properties, new: Properties, stack: str
) -> Made:
    return _create_target(cloud, "", new, stack)


def _delete_target(cloud: Cloud, physical_id: str, _properties: Properties) -> None:
    request = dict(zip(_TARGET_REPLACING, physical_id.split("|"), strict=True))
    lookup = {"ResourceIds": [request["ResourceId"]], "ServiceNamespace": "sagemaker"}
    if call(cloud, "DescribeScalableTargets", lookup, autoscaling.SERVICE)["ScalableTargets"]:
        check_target(cloud, "delete")
        call(cloud, "DeregisterScalableTarget", request, autoscaling.SERVICE)


def _policy_request(properties: Properties) -> Properties:
    """``ScalingTargetId``, a scalable target's ``Ref``, stands for the three identifiers."""
    request = {key: item for key, item in properties.items() if key != "ScalingTargetId"}
    if "ScalingTargetId" in properties:
        parts = properties["ScalingTargetId"].split("|")
        request |= dict(zip(_TARGET_REPLACING, parts, strict=True))
    return request


def _create_policy(cloud: Cloud, _logical_id: str, properties: Properties, _stack: str) -> Made:
    made = call(cloud, "PutScalingPolicy", _policy_request(properties), autoscaling.SERVICE)
    return made["PolicyARN"], {"Arn": made["PolicyARN"]}


def _update_policy(
    cloud: Cloud, _physical_id: str, _old: Properties, new: Properties, stack: str
) -> Made:
    return _create_policy(cloud, "", new, stack)


def _delete_policy(cloud: Cloud, _physical_id: str, properties: Properties) -> None:
    request = _policy_request(properties)
    members = _only(request, "PolicyName", *_TARGET_REPLACING)
    lookup = {"PolicyNames": [members["PolicyName"]], "ServiceNamespace": "sagemaker"}
    found = call(cloud, "DescribeScalingPolicies", lookup, autoscaling.SERVICE)["ScalingPolicies"]
    if any(policy["ResourceId"] == members["ResourceId"] for policy in found):
        call(cloud, "DeleteScalingPolicy", members, autoscaling.SERVICE)


_ENDPOINT: _Handlers = (_create_endpoint, _update_endpoint, _delete_endpoint)
_PIPELINE: _Handlers = (_create_pipeline, _update_pipeline, _delete_pipeline)
_TARGET: _Handlers = (_create_target, _update_target, _delete_target)
_POLICY: _Handlers = (_create_policy, _update_policy, _delete_policy)


def _retag(cloud: Cloud, arn: str, old: Properties, new: Properties) -> None:
    before, after = ({t["Key"] for t in p.get("Tags", [])} for p in (old, new))
    if before - after:
        gone = sorted(before - after)
        call(cloud, "DeleteTags", {"ResourceArn": arn, "TagKeys": gone})
    if new.get("Tags"):
        call(cloud, "AddTags", {"ResourceArn": arn, "Tags": new["Tags"]})


def _exists(cloud: Cloud, describe: str, request: Properties) -> bool:
    """SageMaker has no "not found" of its own: the Describe operation refuses an unknown name."""
    try:
        protocol.call(cloud, describe, request)
    except ServiceError:
        return False
    return True


def _only(properties: Properties, *names: str) -> Properties:
    return {name: properties[name] for name in names if properties.get(name) is not None}


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
