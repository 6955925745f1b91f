"""How an endpoint goes from one model to the next."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_sagemaker as sagemaker


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """How traffic moves to a new fleet; without ``canary_percent`` all at once."""

    canary_percent: int | None
    wait_seconds: int
    termination_wait_seconds: int
    timeout_seconds: int


def deployment_config(
    rollout: Rollout, alarm_names: Sequence[str]
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Blue/green; an alarm that fires while traffic shifts brings the old fleet back."""
    kinds = sagemaker.CfnEndpoint
    return kinds.DeploymentConfigProperty(
        auto_rollback_configuration=kinds.AutoRollbackConfigProperty(
            alarms=[kinds.AlarmProperty(alarm_name=name) for name in alarm_names]
        ),
        blue_green_update_policy=kinds.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=_traffic(rollout),
            termination_wait_in_seconds=rollout.termination_wait_seconds,
            maximum_execution_timeout_in_seconds=rollout.timeout_seconds,
        ),
    )


def _traffic(rollout: Rollout) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    kinds = sagemaker.CfnEndpoint
    if rollout.canary_percent is None:
        return kinds.TrafficRoutingConfigProperty(
            type="ALL_AT_ONCE", wait_interval_in_seconds=rollout.wait_seconds
        )
    return kinds.TrafficRoutingConfigProperty(
        type="CANARY",
        wait_interval_in_seconds=rollout.wait_seconds,
        canary_size=kinds.CapacitySizeProperty(
            type="CAPACITY_PERCENT", value=rollout.canary_percent
        ),
    )
