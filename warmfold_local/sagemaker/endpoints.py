"""Endpoints: created and updated blue/green, so that the old fleet serves until the new one can.

One process serves a variant, however many instances are asked for: the counts are recorded, and
count against the quotas. How traffic moves to a new fleet is in `deployments`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from warmfold_local.autoscaling import forget_endpoint, scaled_variants
from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ValidationError
from warmfold_local.job_logs import JobLogs
from warmfold_local.sagemaker.capacity import admit_endpoint
from warmfold_local.sagemaker.deployments import RolledBack, shift_traffic
from warmfold_local.sagemaker.endpoint_configs import config_record
from warmfold_local.sagemaker.endpoint_retained import (
    COUNTS_AND_WEIGHTS,
    captured_by,
    capturing_as_before,
    retained_members,
    retains_capture,
)
from warmfold_local.sagemaker.endpoint_variants import (
    PRODUCTION,
    answering,
    of_batch,
    sizes,
    variant_summaries,
)
from warmfold_local.sagemaker.fleet import Fleet, FleetError
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation
from warmfold_local.sagemaker.rollouts import Rollout, parse_rollout
from warmfold_local.sagemaker.tags import forget_tags, put_tags

KIND = "Endpoint"

IN_PROGRESS = ("Creating", "Updating", "RollingBack", "Deleting")


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
        "_coming": sizes(config, {}),
    }
    parse_rollout(request.get("DeploymentConfig"), answering(config, record["_coming"]))
    with cloud.lock:
        if cloud.table(KIND).find(name) is not None:
            raise ValidationError(f'Cannot create already existing endpoint "{arn}".')
        admit_endpoint(cloud, record["_coming"])
        cloud.table(KIND).add(name, record)
    put_tags(cloud, arn, request.get("Tags"))
    fleet = Fleet(cloud, name, 1, config)
    cloud.spawn(f"endpoint-{name}", lambda: _bring_up(cloud, record, fleet))
    return {"EndpointArn": arn}


@operation("UpdateEndpoint")
def update_endpoint(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """Refused while the endpoint is changing, and for a type change of a scaled variant."""
    config = config_record(cloud, request["EndpointConfigName"])
    retained = retained_members(request)
    with cloud.lock:
        record = endpoint_record(cloud, request["EndpointName"])
        if retains_capture(request):
            config = capturing_as_before(record, config)
        _require_settled(record)
        _require_scalable(cloud, record, config)
        wanted = _deployment_config(record, request)
        coming = sizes(config, record, retained)
        rollout = parse_rollout(wanted, answering(config, coming))
        coming = [of_batch(size, rollout.batch) for size in coming]
        admit_endpoint(cloud, coming)
        record["_generation"] += 1
        record |= {"EndpointStatus": "Updating", "LastModifiedTime": cloud.now()}
        record |= {"_coming": coming, "PendingDeploymentSummary": _pending(cloud, config)}
        record.pop("FailureReason", None)
        if wanted is not None:
            record["LastDeploymentConfig"] = wanted
    fleet = Fleet(cloud, record["EndpointName"], record["_generation"], config)
    cloud.spawn(
        f"endpoint-{record['EndpointName']}",
        lambda: _bring_up(cloud, record, fleet, retained, rollout),
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


def _bring_up(
    cloud: Cloud,
    record: Record,
    fleet: Fleet,
    retained: Iterable[str] = (),
    rollout: Rollout | None = None,
) -> None:
    """Start the new fleet; shift traffic to it and stop the old one, or keep the old one."""
    first = fleet.config["ProductionVariants"][0]["VariantName"]
    cloud.part(JobLogs).follow_endpoint(_folder(cloud, record), record["EndpointName"], first)
    try:
        fleet.start()
        variants = variant_summaries(cloud, fleet, record, retained)
        if rollout is not None and record.get("_fleet") is not None:
            shift_traffic(cloud, record, fleet, variants[PRODUCTION], rollout)
    except (FleetError, RolledBack) as error:
        fleet.stop()
        _settle(cloud, record, failure=str(error))
    except Exception:
        fleet.stop()
        _settle(cloud, record, failure="InternalServerError: see the local cloud's log")
        raise
    else:
        _replace(cloud, record, fleet, variants)
        _settle(cloud, record)


def _replace(cloud: Cloud, record: Record, fleet: Fleet, variants: dict[str, Any]) -> None:
    """From now on this fleet is the endpoint's; the old one ends."""
    old: Fleet | None = record.get("_fleet")
    with cloud.lock:
        record |= {
            "_fleet": fleet,
            "EndpointConfigName": fleet.config["EndpointConfigName"],
            **variants,
            **captured_by(fleet.config),
        }
        record.pop("_shift", None)
    if old is not None:
        old.stop()


def bring_up_again(cloud: Cloud, record: Record) -> None:
    """After a restart of the local cloud; counts and weights stay. Raises ``ServiceError``."""
    config = capturing_as_before(record, config_record(cloud, record["EndpointConfigName"]))
    with cloud.lock:
        record["_generation"] += 1
        fleet = Fleet(cloud, record["EndpointName"], record["_generation"], config)
    _bring_up(cloud, record, fleet, COUNTS_AND_WEIGHTS)


def _settle(cloud: Cloud, record: Record, failure: str | None = None) -> None:
    """InService if a fleet serves, old or new; a rolled back update keeps its reason."""
    with cloud.lock:
        record["LastModifiedTime"] = cloud.now()
        record.pop("_coming", None)
        record.pop("PendingDeploymentSummary", None)
        record["EndpointStatus"] = "InService" if record.get("_fleet") else "Failed"
        if failure is not None:
            record["FailureReason"] = failure


def tear_down(cloud: Cloud, record: Record) -> None:
    """Stop an endpoint's servers, and forget it."""
    cloud.part(JobLogs).ended(_folder(cloud, record))
    fleet: Fleet | None = record.get("_fleet")
    if fleet is not None:
        fleet.stop()
    forget_endpoint(cloud, record["EndpointName"])
    forget_tags(cloud, record["EndpointArn"])
    cloud.table(KIND).remove(record["EndpointName"])


def _folder(cloud: Cloud, record: Record) -> Path:
    """Where its fleets have their log."""
    folder: Path = cloud.settings.state_dir / "jobs" / "endpoint" / record["EndpointName"]
    return folder


def _deployment_config(record: Record, request: dict[str, Any]) -> dict[str, Any] | None:
    """The request's own, or with ``RetainDeploymentConfig`` the last one."""
    wanted: dict[str, Any] | None = request.get("DeploymentConfig")
    if wanted is None and request.get("RetainDeploymentConfig", False):
        return record.get("LastDeploymentConfig")
    return wanted


def _pending(cloud: Cloud, config: Record) -> dict[str, Any]:
    names = [{"VariantName": variant["VariantName"]} for variant in config["ProductionVariants"]]
    summary = {"EndpointConfigName": config["EndpointConfigName"], "StartTime": cloud.now()}
    return {**summary, "ProductionVariants": names}


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
