"""Which training jobs may share a warm pool: the documented members, and no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ClusterKey:
    """What two jobs must have in common (developer guide, train-warm-pools).

    Image, hyperparameters, environment, data, job name, stopping condition and the keep-alive
    period may differ. Subnets and security groups are compared as sets: the guide does not say
    whether their order counts. A job on spot capacity takes no pool: the guide has the two as
    incompatible. ``session_tags`` is ``None`` without session tag chaining.
    """

    role_arn: str
    instance_type: str
    instance_count: int
    volume_gib: int
    volume_kms_key: str | None = None
    security_groups: frozenset[str] = frozenset()
    subnets: frozenset[str] = frozenset()
    encrypted_traffic: bool = False
    network_isolation: bool = False
    spot: bool = False
    session_tags: frozenset[tuple[str, str]] | None = None


def cluster_key(
    request: Mapping[str, Any], session_tags: Mapping[str, str] | None = None
) -> ClusterKey:
    """The key of a CreateTrainingJob request that names one instance type."""
    resources = request["ResourceConfig"]
    network = request.get("VpcConfig") or {}
    chaining = request.get("SessionChainingConfig") or {}
    chained = bool(chaining.get("EnableSessionTagChaining"))
    return ClusterKey(
        role_arn=request["RoleArn"],
        instance_type=resources["InstanceType"],
        instance_count=resources.get("InstanceCount", 1),
        volume_gib=resources.get("VolumeSizeInGB", 0),
        volume_kms_key=resources.get("VolumeKmsKeyId"),
        security_groups=frozenset(network.get("SecurityGroupIds", ())),
        subnets=frozenset(network.get("Subnets", ())),
        encrypted_traffic=bool(request.get("EnableInterContainerTrafficEncryption")),
        network_isolation=bool(request.get("EnableNetworkIsolation")),
        spot=bool(request.get("EnableManagedSpotTraining")),
        session_tags=frozenset((session_tags or {}).items()) if chained else None,
    )
