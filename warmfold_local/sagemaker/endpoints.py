"""Endpoints: created and updated blue/green, so that the old fleet serves until the new one can.

One process serves a variant, however many instances are asked for: the counts are recorded, and
capacity, traffic shifting and alarms of a ``DeploymentConfig`` are not simulated.
"""

from collections.abc import Iterable
from typing import Any

from warmfold_local.autoscaling import forget_endpoint, scaled_variants
from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.capacity import admit_endpoint
from warmfold_local.sagemaker.endpoint_configs import config_record
from warmfold_local.sagemaker.fleet import Fleet, FleetError
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.tags import forget_tags, put_tags

KIND = "Endpoint"

_VARIANT_COUNTS_AND_WEIGHTS = (
    "CurrentInstanceCount",
    "DesiredInstanceCount",
    "CurrentWeight",
    "DesiredWeight",
)

IN_PROGRESS = ("Creating", "Updating", "Deleting")


def endpoint_record(cloud: Cloud, name: str) -> Record:
    record = cloud.table(KIND).find(name)
    if record is None:
        raise ValidationError(f'Could not find endpoint "{cloud.arn(f"endpoint/{name}")}".')
    return record


@operation("CreateEndpoint")
def create_endpoint(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    name = request["EndpointName"]
    arn = cloud.arn(f"endpoint/{name}")
    config = config_record(cloud, request["EndpointConfigName"])
    now = cloud.now()
    record: Record = {
        "EndpointName": name,
        "EndpointArn": arn,
        "EndpointConfigName": config["EndpointConfigName"],
        "EndpointStatus": "Creating",
        "CreationTime": now,
        "LastModifiedTime": now,
        "LastDeploymentConfig": request.get("DeploymentConfig"),
        "_generation": 1,
    }
    with cloud.lock:
        if cloud.table(KIND).find(name) is not None:
            raise ValidationError(f'Cannot create already existing endpoint "{arn}".')
        admit_endpoint(cloud, config)
        cloud.table(KIND).add(name, record)
    put_tags(cloud, arn, request.get("Tags"))
    fleet = Fleet(cloud, name, 1, config)
    cloud.spawn(f"endpoint-{name}", lambda: _bring_up(cloud, record, fleet))
    return {"EndpointArn": arn}


@operation("UpdateEndpoint")
def update_endpoint(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Refused while the endpoint is changing, and for a type change of a scaled variant."""
    config = config_record(cloud, request["EndpointConfigName"])
    retained = _retained(request)
    with cloud.lock:
        record = endpoint_record(cloud, request["EndpointName"])
        _require_settled(record)
        _require_scalable(cloud, record, config)
        record["_generation"] += 1
        record |= {"EndpointStatus": "Updating", "LastModifiedTime": cloud.now()}
        record.pop("FailureReason", None)
        if request.get("DeploymentConfig") is not None:
            record["LastDeploymentConfig"] = request["DeploymentConfig"]
    fleet = Fleet(cloud, record["EndpointName"], record["_generation"], config)
    cloud.spawn(
        f"endpoint-{record['EndpointName']}", lambda: _bring_up(cloud, record, fleet, retained)
    )
    return {"EndpointArn": record["EndpointArn"]}


@operation("DescribeEndpoint")
def describe_endpoint(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return endpoint_record(cloud, request["EndpointName"])


@operation("ListEndpoints")
def list_endpoints(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    return list_page(
        request,
        cloud.table(KIND),
        result="Endpoints",
        name="EndpointName",
        status="EndpointStatus",
    )


@operation("DeleteEndpoint")
def delete_endpoint(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    with cloud.lock:
        record = endpoint_record(cloud, request["EndpointName"])
        _require_settled(record)
        record["EndpointStatus"] = "Deleting"
    cloud.spawn(f"endpoint-{record['EndpointName']}", lambda: tear_down(cloud, record))
    return {}


def _bring_up(cloud: Cloud, record: Record, fleet: Fleet, retained: Iterable[str] = ()) -> None:
    """Start the new fleet; switch to it and stop the old one, or keep the old one."""
    try:
        fleet.start()
    except FleetError as error:
        _settle(cloud, record, failure=str(error))
    except Exception:
        _settle(cloud, record, failure="InternalServerError: see the local cloud's log")
        raise
    else:
        old: Fleet | None = record.get("_fleet")
        variants = _variant_summaries(cloud, fleet, record.get("ProductionVariants", []), retained)
        with cloud.lock:
            record |= {
                "_fleet": fleet,
                "EndpointConfigName": fleet.config["EndpointConfigName"],
                "ProductionVariants": variants,
            }
        if old is not None:
            old.stop()
        _settle(cloud, record)


def bring_up_again(cloud: Cloud, record: Record) -> None:
    """After a restart of the local cloud; counts and weights stay. Raises ``ServiceError``."""
    config = config_record(cloud, record["EndpointConfigName"])
    with cloud.lock:
        record["_generation"] += 1
        fleet = Fleet(cloud, record["EndpointName"], record["_generation"], config)
    _bring_up(cloud, record, fleet, _VARIANT_COUNTS_AND_WEIGHTS)


def _settle(cloud: Cloud, record: Record, failure: str | None = None) -> None:
    """InService if a fleet serves, old or new; a rolled back update keeps its reason."""
    with cloud.lock:
        record["LastModifiedTime"] = cloud.now()
        record["EndpointStatus"] = "InService" if record.get("_fleet") else "Failed"
        if failure is not None:
            record["FailureReason"] = failure


def tear_down(cloud: Cloud, record: Record) -> None:
    """Stop an endpoint's servers, and forget it."""
    fleet: Fleet | None = record.get("_fleet")
    if fleet is not None:
        fleet.stop()
    forget_endpoint(cloud, record["EndpointName"])
    forget_tags(cloud, record["EndpointArn"])
    cloud.table(KIND).remove(record["EndpointName"])


def _variant_summaries(
    cloud: Cloud, fleet: Fleet, before: list[dict[str, Any]], retained: Iterable[str]
) -> list[dict[str, Any]]:
    """What DescribeEndpoint says of each variant; ``retained`` members keep their value."""
    kept = {variant["VariantName"]: variant for variant in before}
    summaries = []
    for variant in fleet.config["ProductionVariants"]:
        name = variant["VariantName"]
        image = fleet.servers[name].image
        summary = {
            "VariantName": name,
            "DeployedImages": [
                {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": cloud.now()}
            ],
            "CurrentWeight": variant["InitialVariantWeight"],
            "DesiredWeight": variant["InitialVariantWeight"],
            "CurrentInstanceCount": variant["InitialInstanceCount"],
            "DesiredInstanceCount": variant["InitialInstanceCount"],
        }
        summary |= {m: kept[name][m] for m in retained if name in kept}
        summaries.append(summary)
    return summaries


def _retained(request: dict[str, Any]) -> list[str]:
    """Variant properties that an update keeps (UpdateEndpoint: RetainAllVariantProperties)."""
    if not request.get("RetainAllVariantProperties", False):
        return []
    excluded = {
        item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])
    }
    members = {
        "DesiredInstanceCount": ["CurrentInstanceCount", "DesiredInstanceCount"],
        "DesiredWeight": ["CurrentWeight", "DesiredWeight"],
    }
    return [m for kind, names in members.items() if kind not in excluded for m in names]


def _require_settled(record: Record) -> None:
    if record["EndpointStatus"] in IN_PROGRESS:
        raise ValidationError(f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')


def _require_scalable(cloud: Cloud, record: Record, config: Record) -> None:
    """A variant registered for scaling keeps its instance type ("Update endpoints that use
    automatic scaling", SageMaker developer guide), and stays."""
    fleet: Fleet | None = record.get("_fleet")
    if fleet is None:
        return
    old = {v["VariantName"]: v["InstanceType"] for v in fleet.config["ProductionVariants"]}
    new = {v["VariantName"]: v["InstanceType"] for v in config["ProductionVariants"]}
    changed = [n for n in scaled_variants(cloud, record["EndpointName"]) if old[n] != new.get(n)]
    if changed:
        raise ValidationError(
            f"The variant(s) {', '.join(sorted(changed))} are registered as scalable targets with "
            "Application Auto Scaling: their instance type cannot change and they cannot be "
            "removed. Deregister them, update the endpoint, and register them again."
        )
