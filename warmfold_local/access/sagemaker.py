"""What each SageMaker and Application Auto Scaling operation asks IAM for.

Actions, resources, condition keys and dependent actions: Service Authorization Reference, "Actions,
resources, and condition keys for Amazon SageMaker" and "… for AWS Application Auto Scaling".
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from warmfold_local.access.asks import Ask, Value

Request = Mapping[str, Any]
Arn = Callable[[str], str]  # ``training-job/name`` -> its ARN

SERVICE_PRINCIPAL = "sagemaker.amazonaws.com"
SCALING = "application-autoscaling"
SCALING_PRINCIPAL = "sagemaker.application-autoscaling.amazonaws.com"

_VERBS = re.compile(r"BatchDescribe|Create|Delete|Describe|Get|Put|Retry|Start|Stop|Update")

# Operations whose noun is not the resource's, and those that ask for every resource.
_NOUNS = {
    "DescribePipelineDefinitionForExecution": "PipelineExecution",
    "ListPipelineExecutionSteps": "PipelineExecution",
    "ListPipelineParametersForExecution": "PipelineExecution",
    "SendPipelineExecutionStepFailure": "PipelineExecution",
    "SendPipelineExecutionStepSuccess": "PipelineExecution",
    "ListPipelineExecutions": "Pipeline",
    "ListPipelineVersions": "Pipeline",
    "StartPipelineExecution": "Pipeline",
    "UpdatePipelineVersion": "Pipeline",
    "ListTrainingJobsForHyperParameterTuningJob": "HyperParameterTuningJob",
    "ListModelPackages": "ModelPackage",
    "PutModelPackageGroupPolicy": "ModelPackageGroup",
    "GetModelPackageGroupPolicy": "ModelPackageGroup",
    "DeleteModelPackageGroupPolicy": "ModelPackageGroup",
    "UpdateEndpointWeightsAndCapacities": "Endpoint",
}
_TAGGING = ("AddTags", "DeleteTags", "ListTags")
# Operations that are authorised on the endpoint's configuration as well.
_CONFIGURED = ("CreateEndpoint", "UpdateEndpoint")

_VPC = ("VpcSecurityGroupIds", "VpcSubnets")
_JOB = ("InstanceTypes", "MaxRuntimeInSeconds", "NetworkIsolation", "OutputKmsKey", "VolumeKmsKey")
_FILES = tuple(f"FileSystem{part}" for part in ("AccessMode", "DirectoryPath", "Id", "Type"))
_TRAINING = (*_JOB, *_VPC, *_FILES, "InterContainerTrafficEncryption")
# The condition keys that a request of the operation carries, without ``sagemaker:``.
KEYS: Mapping[str, tuple[str, ...]] = {
    "CreateTrainingJob": (*_TRAINING, "KeepAlivePeriod"),
    "CreateHyperParameterTuningJob": _TRAINING,
    "CreateProcessingJob": (*_JOB, *_VPC, "InterContainerTrafficEncryption"),
    "CreateTransformJob": ("InstanceTypes", "ModelArn", "OutputKmsKey", "VolumeKmsKey"),
    "CreateModel": ("NetworkIsolation", *_VPC),
    "CreateEndpointConfig": (
        "InstanceTypes",
        "ModelArn",
        "VolumeKmsKey",
        "NetworkIsolation",
        *_VPC,
    ),
    "CreateModelPackage": ("ModelApprovalStatus",),
    "UpdateModelPackage": ("ModelApprovalStatus",),
    "UpdateTrainingJob": ("InstanceTypes", "KeepAlivePeriod"),
    "StartPipelineExecution": ("PipelineVersionId",),
}
# Where a request says it. A key of several values has all that are found, anywhere in it.
_MEMBERS = {
    "InstanceTypes": ("InstanceType",),
    "MaxRuntimeInSeconds": ("MaxRuntimeInSeconds",),
    "NetworkIsolation": ("EnableNetworkIsolation",),
    "InterContainerTrafficEncryption": ("EnableInterContainerTrafficEncryption",),
    "VolumeKmsKey": ("VolumeKmsKeyId",),
    "OutputKmsKey": (),
    "VpcSecurityGroupIds": ("SecurityGroupIds",),
    "VpcSubnets": ("Subnets",),
    "FileSystemAccessMode": ("FileSystemAccessMode",),
    "FileSystemDirectoryPath": ("DirectoryPath",),
    "FileSystemId": ("FileSystemId",),
    "FileSystemType": ("FileSystemType",),
    "KeepAlivePeriod": ("KeepAlivePeriodInSeconds",),
    "ModelArn": ("ModelName",),
    "ModelApprovalStatus": ("ModelApprovalStatus",),
    "PipelineVersionId": ("PipelineVersionId",),
}
_MULTIVALUED = ("InstanceTypes", "VpcSecurityGroupIds", "VpcSubnets")
_LARGEST = ("KeepAlivePeriod", "MaxRuntimeInSeconds")
# Maps whose keys are the user's own words.
_FREE = ("CustomerMetadataProperties", "Environment", "HyperParameters", "StaticHyperParameters")
_OUTPUTS = ("OutputDataConfig", "ProcessingOutputConfig", "TransformOutput")

# Operations that hand roles on ("Dependent actions"), by the members that name them.
_PASSING = ("RoleArn", "ExecutionRoleArn")
_PASSES = (
    "CreateEndpointConfig",
    "CreateHyperParameterTuningJob",
    "CreateModel",
    "CreatePipeline",
    "CreateProcessingJob",
    "CreateTrainingJob",
    "UpdatePipeline",
)


def asks(service: str, operation: str, request: Request, arn: Arn) -> Iterator[Ask]:
    """Everything that the caller of an operation has to be allowed, the operation first."""
    if service == SCALING:
        yield from _of_scaling(operation, request, arn)
        return
    context = {**_tag_keys(request), **_conditions(operation, request, arn)}
    prefix = "sagemaker" if service in ("sagemaker", "sagemaker-runtime") else "servicequotas"
    for resource in _resources(prefix, operation, request, arn):
        yield Ask(action=f"{prefix}:{operation}", resource=resource, context=context)
        if operation.startswith("Create") and request.get("Tags"):
            tagging = {**_tag_keys(request), "sagemaker:TaggingAction": operation}
            yield Ask(action="sagemaker:AddTags", resource=resource, context=tagging)
    if operation == "CreateModel":
        # As for a package of another account ("Deploy a Model Version from a Different Account",
        # developer guide); within one account not verified.
        for package in _found(request, "ModelPackageName"):
            named = package if package.startswith("arn:") else arn(f"model-package/{package}")
            yield Ask(action="sagemaker:DescribeModelPackage", resource=named)
    location = request.get("PipelineDefinitionS3Location")
    if location is not None:  # AWS does not say whose permission reads it; the caller's, here
        key = f"arn:aws:s3:::{location['Bucket']}/{location['ObjectKey']}"
        yield Ask(action="s3:GetObject", resource=key)
    for role in passed_roles(operation, request):
        service_key = {"iam:PassedToService": SERVICE_PRINCIPAL}
        yield Ask(action="iam:PassRole", resource=role, context=service_key)


def passed_roles(operation: str, request: Request) -> list[str]:
    """The roles that a request hands to SageMaker, each once."""
    if operation not in _PASSES:
        return []
    found = {value for member in _PASSING for value in _found(request, member)}
    return sorted(str(role) for role in found)


def _resources(prefix: str, operation: str, request: Request, arn: Arn) -> list[str]:
    if prefix != "sagemaker":
        return ["*"]
    if operation in _TAGGING:
        return [request["ResourceArn"]]
    noun = _NOUNS.get(operation) or _VERBS.sub("", operation, count=1)
    if operation == "InvokeEndpoint":
        noun = "Endpoint"
    if noun.startswith("List") or noun == "Search":
        return ["*"]
    if noun.startswith(("PipelineExecution", "ModelPackage")):
        return _nested(operation, noun, request, arn)
    named = [arn(f"{_kebab(noun)}/{_named(noun, request)}")]
    if operation in _CONFIGURED:
        named.append(arn(f"endpoint-config/{request['EndpointConfigName']}"))
    return named


def _named(noun: str, request: Request) -> str:
    name = str(request.get(f"{noun}Name", "*"))
    # A pipeline's ARN has its name in lower case, and operations take name or ARN.
    name = name.rpartition("/")[2] if name.startswith("arn:") else name
    return name.lower() if noun == "Pipeline" else name


def _nested(operation: str, noun: str, request: Request, arn: Arn) -> list[str]:
    if noun.startswith("PipelineExecution"):
        return [str(request.get("PipelineExecutionArn", arn("pipeline/*/execution/*")))]
    if noun == "ModelPackageGroup":
        return [arn(f"model-package-group/{_named(noun, request)}")]
    if operation == "BatchDescribeModelPackage":
        return [*map(str, request["ModelPackageArnList"])]
    group = request.get("ModelPackageGroupName")
    if group is not None:
        group = str(group).rpartition("/")[2]
        versions = [arn(f"model-package/{group}/*")]  # which one is not known before
        if operation == "CreateModelPackage":
            versions.append(arn(f"model-package-group/{group}"))
        return versions
    named = str(request.get("ModelPackageArn") or request.get("ModelPackageName") or "*")
    return [named if named.startswith("arn:") else arn(f"model-package/{named}")]


def _kebab(noun: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", noun).lower()


def _conditions(operation: str, request: Request, arn: Arn) -> dict[str, Value]:
    context: dict[str, Value] = {}
    for key in KEYS.get(operation, ()):
        found = [_said(value) for member in _MEMBERS[key] for value in _found(request, member)]
        if key == "OutputKmsKey":
            outputs = [output for part in _OUTPUTS for output in _found(request, part)]
            found = [str(key) for key in _found(outputs, "KmsKeyId")]
        if key == "VolumeKmsKey" and operation == "CreateEndpointConfig":
            found = [str(value) for value in _found(request, "KmsKeyId")]
        if key == "ModelArn":
            found = [arn(f"model/{name}") for name in found]
        if found:
            context[f"sagemaker:{key}"] = _value(key, found)
    return context


def _value(key: str, found: list[str]) -> Value:
    """Of a tuning job with several definitions the largest limit, and every other value."""
    if key in _LARGEST:
        return max(found, key=float)
    distinct = tuple(dict.fromkeys(found))
    return distinct if key in _MULTIVALUED or len(distinct) > 1 else distinct[0]


def _tag_keys(request: Request) -> dict[str, Value]:
    tags = request.get("Tags") or []
    context: dict[str, Value] = {f"aws:RequestTag/{tag['Key']}": str(tag["Value"]) for tag in tags}
    keys = [tag["Key"] for tag in tags] or request.get("TagKeys") or []
    return context | ({"aws:TagKeys": tuple(map(str, keys))} if keys else {})


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _found(value: Any, member: str) -> Iterator[Any]:
    """Every value of a member, at any depth; a list's items one by one."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == member:
                yield from item if isinstance(item, list) else [item]
            elif key not in _FREE:
                yield from _found(item, member)
    elif isinstance(value, list):
        for item in value:
            yield from _found(item, member)


def _of_scaling(operation: str, request: Request, arn: Arn) -> Iterator[Ask]:
    """A scalable target's ARN ends in an id that the service makes; ``*`` stands for it here.

    The service also asks whether its caller may do what the scaling will do ("Identity-based
    policy examples", Application Auto Scaling user guide: SageMaker endpoints).
    """
    if operation.startswith("Describe"):
        yield Ask(action=f"{SCALING}:{operation}")
        return
    context: dict[str, Value] = {
        f"{SCALING}:service-namespace": str(request.get("ServiceNamespace", "")),
        f"{SCALING}:scalable-dimension": str(request.get("ScalableDimension", "")),
    }
    target = arn("scalable-target/*").replace(":sagemaker:", f":{SCALING}:")
    yield Ask(action=f"{SCALING}:{operation}", resource=target, context=context)
    endpoint = "/".join(str(request.get("ResourceId", "")).split("/")[:2])
    if operation == "RegisterScalableTarget":
        for action in ("DescribeEndpoint", "UpdateEndpointWeightsAndCapacities"):
            yield Ask(action=f"sagemaker:{action}", resource=arn(endpoint))
        yield Ask(
            action="iam:CreateServiceLinkedRole",
            resource=_linked_role(arn),
            context={"iam:AWSServiceName": SCALING_PRINCIPAL},
        )
    alarm = {"PutScalingPolicy": "PutMetricAlarm", "DeleteScalingPolicy": "DeleteAlarms"}
    if operation in alarm:
        name = f"alarm:TargetTracking-{request.get('ResourceId')}-*"
        yield Ask(
            action=f"cloudwatch:{alarm[operation]}",
            resource=arn(name).replace(":sagemaker:", ":cloudwatch:"),
        )


def _linked_role(arn: Arn) -> str:
    account = arn("").split(":")[4]
    name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    return f"arn:aws:iam::{account}:role/aws-service-role/{SCALING_PRINCIPAL}/{name}"
