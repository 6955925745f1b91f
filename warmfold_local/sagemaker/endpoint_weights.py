"""UpdateEndpointWeightsAndCapacities: other weights and counts, on the fleet that serves."""

from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker.capacity import admit_endpoint
from warmfold_local.sagemaker.endpoints import endpoint_record
from warmfold_local.sagemaker.protocol import operation


@operation("UpdateEndpointWeightsAndCapacities")
def update_endpoint_weights_and_capacities(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """The endpoint is Updating until the new figures hold, and then InService again.

    A variant has one server here, whatever its count, so that they hold at once.
    """
    wanted = request["DesiredWeightsAndCapacities"]
    with cloud.lock:
        record = endpoint_record(cloud, request["EndpointName"])
        if record["EndpointStatus"] != "InService":
            raise ValidationError(f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
        changes = [(_variant(record, item), _desired(item)) for item in wanted]
        admit_endpoint(cloud, [_more(variant, desired) for variant, desired in changes])
        for variant, desired in changes:
            variant.update(desired)
        record |= {"EndpointStatus": "Updating", "LastModifiedTime": cloud.now()}
    cloud.spawn(f"weights-{record['EndpointName']}", lambda: _apply(cloud, record))
    return {"EndpointArn": record["EndpointArn"]}


def _apply(cloud: Cloud, record: Record) -> None:
    with cloud.lock:
        for variant in record["ProductionVariants"]:
            variant |= {
                "CurrentWeight": variant["DesiredWeight"],
                "CurrentInstanceCount": variant["DesiredInstanceCount"],
            }
        record |= {"EndpointStatus": "InService", "LastModifiedTime": cloud.now()}


def _variant(record: Record, item: dict[str, Any]) -> dict[str, Any]:
    for variant in record["ProductionVariants"]:
        if variant["VariantName"] == item["VariantName"]:
            found: dict[str, Any] = variant
            return found
    raise ValidationError(
        f'The variant name(s) "{item["VariantName"]}" is/are not present within endpoint '
        f'"{record["EndpointArn"]}".'
    )


def _more(variant: dict[str, Any], desired: dict[str, Any]) -> dict[str, Any]:
    """The instances that come to those that there are."""
    now = variant["CurrentInstanceCount"]
    count = max(0, desired.get("DesiredInstanceCount", now) - now)
    return {"InstanceType": variant.get("_type"), "InstanceCount": count}


def _desired(item: dict[str, Any]) -> dict[str, Any]:
    if item.get("ServerlessUpdateConfig") is not None:
        raise UnsupportedOperation(
            "UpdateEndpointWeightsAndCapacities", "member ServerlessUpdateConfig of"
        )
    if item.get("DesiredInstanceCount") == 0:
        raise ValidationError(
            f"DesiredInstanceCount of variant {item['VariantName']} must be at least 1."
        )
    members = ("DesiredWeight", "DesiredInstanceCount")
    return {member: item[member] for member in members if item.get(member) is not None}
