"""Endpoint configurations: which models an endpoint serves, on what, and with what weights."""

from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.models import model_record
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.tags import forget_tags, put_tags

KIND = "Endpoint configuration"

_MEMBERS = ("ProductionVariants", "ShadowProductionVariants")


def config_record(cloud: Cloud, name: str) -> Record:
    record = cloud.table(KIND).find(name)
    if record is None:
        arn = cloud.arn(f"endpoint-config/{name}")
        raise ValidationError(f'Could not find endpoint configuration "{arn}".')
    return record


@operation("CreateEndpointConfig")
def create_endpoint_config(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Its models must exist. Capacity and encryption are recorded, not acted on."""
    name = request["EndpointConfigName"]
    _require_s3(request.get("DataCaptureConfig"))
    arn = cloud.arn(f"endpoint-config/{name}")
    record = {
        **{key: value for key, value in request.items() if key != "Tags"},
        "EndpointConfigArn": arn,
        **_variants(cloud, request),
        "CreationTime": cloud.now(),
    }
    with cloud.lock:
        if cloud.table(KIND).find(name) is not None:
            raise ValidationError(f'Cannot create already existing endpoint configuration "{arn}".')
        cloud.table(KIND).add(name, record)
    put_tags(cloud, arn, request.get("Tags"))
    return {"EndpointConfigArn": arn}


@operation("DescribeEndpointConfig")
def describe_endpoint_config(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return config_record(cloud, request["EndpointConfigName"])


@operation("ListEndpointConfigs")
def list_endpoint_configs(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return list_page(
        request, cloud.table(KIND), result="EndpointConfigs", name="EndpointConfigName"
    )


@operation("DeleteEndpointConfig")
def delete_endpoint_config(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    record = config_record(cloud, request["EndpointConfigName"])
    cloud.table(KIND).remove(request["EndpointConfigName"])
    forget_tags(cloud, record["EndpointConfigArn"])
    return {}


def _require_s3(capture: dict[str, Any] | None) -> None:
    if capture is not None and not capture["DestinationS3Uri"].startswith("s3://"):
        raise UnsupportedOperation("CreateEndpointConfig", "DestinationS3Uri without s3:// of")


def _variants(cloud: Cloud, request: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """By member. "You can only specify one variant for ProductionVariants and one variant for
    ShadowProductionVariants" (API reference, CreateEndpointConfig)."""
    asked = {member: request.get(member) or [] for member in _MEMBERS}
    names = [variant["VariantName"] for variants in asked.values() for variant in variants]
    if len(set(names)) != len(names):
        raise ValidationError(f"Variant names must be unique: {', '.join(names)}")
    production, shadow = asked.values()
    if shadow and len(production) + len(shadow) > 2:
        raise ValidationError(
            "With ShadowProductionVariants there can be only one production and one shadow variant."
        )
    return {m: [_variant(cloud, v) for v in variants] for m, variants in asked.items() if variants}


def _variant(cloud: Cloud, variant: dict[str, Any]) -> dict[str, Any]:
    """Weight 1 and one instance unless the request says otherwise."""
    if variant.get("ModelName") is None:
        raise UnsupportedOperation("CreateEndpointConfig", "inference components (no ModelName) of")
    if variant.get("InstanceType") is None:
        raise ValidationError(f"Variant {variant['VariantName']} must provide an InstanceType.")
    model_record(cloud, variant["ModelName"])
    return {"InitialVariantWeight": 1.0, "InitialInstanceCount": 1, **variant}
