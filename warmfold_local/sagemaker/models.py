"""Models: an image, where its artifact lies, and the environment it is served with."""

from dataclasses import dataclass
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.packages import package_of
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.tags import forget_tags, put_tags

KIND = "Model"


@dataclass(frozen=True, kw_only=True)
class ModelContainer:
    """What has to run to serve a model. ``model_data_url`` is the ``model.tar.gz``, if any."""

    image: str
    model_data_url: str | None
    environment: dict[str, str]
    isolated: bool
    role_arn: str | None


def container_of(cloud: Cloud, model_name: str) -> ModelContainer:
    """The container of a model, whether it names an image itself or a model package.

    Raises ``ValidationError`` for an unknown model.
    """
    record = model_record(cloud, model_name)
    resolved = record["_container"]
    return ModelContainer(
        image=resolved["Image"],
        model_data_url=resolved.get("ModelDataUrl"),
        environment=dict(resolved.get("Environment", {})),
        isolated=bool(record.get("EnableNetworkIsolation", False)),
        role_arn=record.get("ExecutionRoleArn"),
    )


def model_record(cloud: Cloud, model_name: str) -> Record:
    record = cloud.table(KIND).find(model_name)
    if record is None:
        raise ValidationError(f'Could not find model "{cloud.arn(f"model/{model_name}")}".')
    return record


@operation("CreateModel")
def create_model(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """A model package must be Approved (AWS: CreateModel refuses any other)."""
    name = request["ModelName"]
    arn = cloud.arn(f"model/{name}")
    container = _only_container(request)
    record = {
        **{key: value for key, value in request.items() if key != "Tags"},
        "ModelArn": arn,
        "CreationTime": cloud.now(),
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "_container": _resolve(cloud, container),
    }
    with cloud.lock:
        if cloud.table(KIND).find(name) is not None:
            raise ValidationError(f'Cannot create already existing model "{arn}".')
        cloud.table(KIND).add(name, record)
    put_tags(cloud, arn, request.get("Tags"))
    return {"ModelArn": arn}


@operation("DescribeModel")
def describe_model(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return model_record(cloud, request["ModelName"])


@operation("ListModels")
def list_models(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return list_page(request, cloud.table(KIND), result="Models", name="ModelName")


@operation("DeleteModel")
def delete_model(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """A running endpoint keeps the copy it was started with, as on AWS."""
    record = model_record(cloud, request["ModelName"])
    cloud.table(KIND).remove(request["ModelName"])
    forget_tags(cloud, record["ModelArn"])
    return {}


def _only_container(request: dict[str, Any]) -> dict[str, Any]:
    """The one container; inference pipelines and multi-model hosting are not offered here."""
    containers = request.get("Containers") or []
    primary = request.get("PrimaryContainer")
    if (primary is None) == (not containers):
        raise ValidationError("Exactly one of PrimaryContainer and Containers must be provided.")
    if len(containers) > 1:
        raise UnsupportedOperation("CreateModel", "inference pipeline (several Containers) of")
    container: dict[str, Any] = primary if primary is not None else containers[0]
    if container.get("Mode") == "MultiModel":
        raise UnsupportedOperation("CreateModel", "mode MultiModel of")
    return container


def _resolve(cloud: Cloud, container: dict[str, Any]) -> dict[str, Any]:
    """Image, ModelDataUrl and Environment, the package's own being overridden by the request's."""
    package_name = container.get("ModelPackageName")
    if package_name is None:
        if container.get("Image") is None:
            raise ValidationError("A container must provide either Image or ModelPackageName.")
        return {**container, "ModelDataUrl": _model_data_url(container)}
    if container.get("Image") is not None or _model_data_url(container) is not None:
        raise ValidationError("Image and ModelDataUrl must not be provided with ModelPackageName.")
    package = package_of(cloud, package_name)
    if package.get("ModelApprovalStatus") not in (None, "Approved"):
        raise ValidationError(
            f"Model Package {package['ModelPackageArn']} is not approved: its ModelApprovalStatus "
            f"is {package['ModelApprovalStatus']}. Only an Approved model package can be deployed."
        )
    packaged = package["InferenceSpecification"]["Containers"][0]
    environment = packaged.get("Environment", {}) | container.get("Environment", {})
    return {
        "Image": packaged["Image"],
        "ModelDataUrl": _model_data_url(packaged),
        "Environment": environment,
    }


def _model_data_url(container: dict[str, Any]) -> str | None:
    """From ``ModelDataUrl``, or a ``ModelDataSource`` that names one gzip archive."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source is None:
        url: str | None = container.get("ModelDataUrl")
        return url
    if source.get("S3DataType") != "S3Object" or source.get("CompressionType") != "Gzip":
        raise UnsupportedOperation("CreateModel", "uncompressed ModelDataSource of")
    return str(source["S3Uri"])
