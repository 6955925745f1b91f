"""Rules for training, processing, transform, model and registration that no AWS shape states."""

from collections.abc import Iterator

from warmfold.pipeline.candidates import KEEP_ALIVE_LIMIT_SECONDS
from warmfold.pipeline.document import mapping, text
from warmfold.pipeline.faults import Fault, shown
from warmfold.pipeline.resolved_job import (
    Job,
    cluster_faults,
    container_training_faults,
    stopping_faults,
    volume_key_faults,
)

_PROCESSING_ROOT = "/opt/ml/processing/"
_CLUSTER = "ProcessingResources.ClusterConfig"
# CreateTransformJob, MaxPayloadInMB: concurrent transforms times payload, in MB.
_TRANSFORM_MEMORY_LIMIT_MB = 100


def training_faults(job: Job) -> Iterator[Fault]:
    if job.at("ServerlessJobConfig") is not None:
        return
    yield from container_training_faults(job, "")
    yield from cluster_faults(job, "ResourceConfig")
    yield from _keep_alive_faults(job)


def _keep_alive_faults(job: Job) -> Iterator[Fault]:
    path = "ResourceConfig.KeepAlivePeriodInSeconds"
    seconds = job.number(path)
    if not seconds:
        return
    if seconds > KEEP_ALIVE_LIMIT_SECONDS:
        remedy = f"Warm pools are kept {KEEP_ALIVE_LIMIT_SECONDS} seconds at most"
        yield job.fault(path, f"is {shown(seconds)}", remedy)
    if job.at("EnableManagedSpotTraining") is True:
        yield job.fault(path, "stands beside managed spot training", "Use one of the two")
    if job.at("ResourceConfig.InstanceGroups"):
        yield job.fault(path, "stands beside InstanceGroups", "Warm pools are of one kind")


def processing_faults(job: Job) -> Iterator[Fault]:
    yield from stopping_faults(job, "StoppingCondition")
    yield from cluster_faults(job, _CLUSTER)
    yield from volume_key_faults(job, _CLUSTER)
    yield from job.unique("ProcessingInputs", "InputName")
    yield from job.unique("ProcessingOutputConfig.Outputs", "OutputName")
    for index, item in enumerate(job.items("ProcessingInputs")):
        path = f"ProcessingInputs[{index}]"
        yield from job.exactly_one(path, "S3Input", "DatasetDefinition")
        source = "S3Input" if item.get("S3Input") is not None else "DatasetDefinition"
        yield from _local_path_faults(job, f"{path}.{source}", item.get("AppManaged"))
    for index, item in enumerate(job.items("ProcessingOutputConfig.Outputs")):
        path = f"ProcessingOutputConfig.Outputs[{index}]"
        yield from job.exactly_one(path, "S3Output", "FeatureStoreOutput")
        if item.get("S3Output") is not None:
            yield from _local_path_faults(job, f"{path}.S3Output", item.get("AppManaged"))
    yield from _shared_path_faults(job)


def _local_path_faults(job: Job, path: str, app_managed: object) -> Iterator[Fault]:
    place = f"{path}.LocalPath"
    if app_managed is not True:
        yield from job.missing(place, f"Name a folder under {_PROCESSING_ROOT}")
    value = text(job.at(place))
    if value and not value.startswith(_PROCESSING_ROOT):
        remedy = f"Use a folder under {_PROCESSING_ROOT}"
        yield job.fault(place, f"is {shown(value)}", remedy)


def _shared_path_faults(job: Job) -> Iterator[Fault]:
    folders = [
        (f"{where}[{index}].{member}.LocalPath", text(mapping(item.get(member)).get("LocalPath")))
        for where, member in (
            ("ProcessingInputs", "S3Input"),
            ("ProcessingInputs", "DatasetDefinition"),
            ("ProcessingOutputConfig.Outputs", "S3Output"),
        )
        for index, item in enumerate(job.items(where))
    ]
    taken: set[str] = set()
    for path, folder in folders:
        if folder and folder in taken:
            yield job.fault(path, f"{shown(folder)} is used twice", "Give each its own folder")
        taken.add(folder)


def transform_faults(job: Job) -> Iterator[Fault]:
    count = job.number("TransformResources.InstanceCount")
    if count is not None and count > 100:
        place = "TransformResources.InstanceCount"
        yield job.fault(place, f"is {shown(count)}", "SageMaker takes 100 at most")
    yield from volume_key_faults(job, "TransformResources")
    yield from _payload_faults(job)
    yield from _strategy_faults(job)
    if job.at("DataProcessing.JoinSource") == "Input":
        yield from _join_faults(job)


def _payload_faults(job: Job) -> Iterator[Fault]:
    payload = job.number("MaxPayloadInMB")
    concurrent = job.number("MaxConcurrentTransforms")
    if payload is None:
        return
    total = payload * max(concurrent or 1, 1)
    if total > _TRANSFORM_MEMORY_LIMIT_MB:
        remedy = f"Payload times concurrent transforms is {_TRANSFORM_MEMORY_LIMIT_MB} at most"
        yield job.fault("MaxPayloadInMB", f"{total:g} MB with MaxConcurrentTransforms", remedy)


def _strategy_faults(job: Job) -> Iterator[Fault]:
    split = job.at("TransformInput.SplitType")
    if job.at("BatchStrategy") == "MultiRecord" and split in (None, "None"):
        remedy = "MultiRecord needs SplitType Line, RecordIO or TFRecord"
        yield job.fault("TransformInput.SplitType", f"is {shown(split)}", remedy)


def _join_faults(job: Job) -> Iterator[Fault]:
    """Developer guide, "Associate prediction results with input records"."""
    for path in ("TransformInput.SplitType", "TransformOutput.AssembleWith"):
        value = job.at(path)
        if value is None or (isinstance(value, str) and value != "Line"):
            remedy = "Joining with the input needs Line on both sides"
            yield job.fault(path, f"is {shown(value)}", remedy)
    content, accept = job.at("TransformInput.ContentType"), job.at("TransformOutput.Accept")
    plain = all(value is None or isinstance(value, str) for value in (content, accept))
    if plain and (content is None or content != accept):
        problem = f"is {shown(accept)}, and the input's ContentType is {shown(content)}"
        remedy = "Joining with the input needs the same type on both sides"
        yield job.fault("TransformOutput.Accept", problem, remedy)


def model_faults(job: Job) -> Iterator[Fault]:
    yield from job.exactly_one("", "PrimaryContainer", "Containers")
    yield from job.missing("ExecutionRoleArn", "Name the role with which the model is hosted")
    if job.at("PrimaryContainer") is not None:
        yield from job.exactly_one("PrimaryContainer", "Image", "ModelPackageName")
    for index, _ in enumerate(job.items("Containers")):
        yield from job.exactly_one(f"Containers[{index}]", "Image", "ModelPackageName")


def package_faults(job: Job) -> Iterator[Fault]:
    yield from job.missing("ModelPackageGroupName", "Versions belong to a model package group")
    for name in ("CertifyForMarketplace", "Description"):
        if job.at(name) is not None:
            remedy = "Remove it: a pipeline's RegisterModel step does not take it"
            yield job.fault(name, "is refused here", remedy)
    if job.at("SourceAlgorithmSpecification") is None:
        yield from job.missing("InferenceSpecification", "Say how the model is served")
    for index, _ in enumerate(job.items("InferenceSpecification.Containers")):
        path = f"InferenceSpecification.Containers[{index}].Image"
        yield from job.missing(path, "Name the server image")
