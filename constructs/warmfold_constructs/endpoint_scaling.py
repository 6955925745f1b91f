"""Scaling of an endpoint's variant, by two resources that an ``EndpointScaler`` provides.

CloudFormation's own types cannot do it: SageMaker refuses another instance type for a variant that
is registered as a scalable target, and an update cannot deregister it for a while.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, CfnCondition, CfnResource, CustomResource, Duration
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from warmfold_constructs.policies import arn
from warmfold_constructs.serving_names import ServingNames

# How long CloudFormation waits for an answer: longer than the function may run.
SCALER_TIMEOUT_SECONDS = 840
_SERVICE_TIMEOUT_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class Night:
    """Every day from ``start`` to ``end`` (HH:MM) scaling may go down to ``minimum_instances``."""

    start: str
    end: str
    time_zone: str
    minimum_instances: int


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The endpoint's machines. ``target_invocations_per_instance`` is per minute."""

    instance_type: str
    minimum_instances: int
    maximum_instances: int
    target_invocations_per_instance: int
    scale_in_cooldown_seconds: int
    scale_out_cooldown_seconds: int
    night: Night | None = None


class EndpointScaling(Construct):
    """One resource before the endpoint, which takes the scaling down if the instance type is to
    change, and one after it, which puts it up, and takes it down before the endpoint is deleted.

    ``first`` is what has to be done before the scaling is touched: were it done at the same time
    and failed, nothing would put the scaling up again.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: ServingNames,
        fleet: Fleet,
        endpoint: sagemaker.CfnEndpoint,
        first: Sequence[IDependable],
    ) -> None:
        super().__init__(scope, id)
        self._function = arn(
            self,
            "lambda",
            "function",
            names.scaler,
            separator=ArnFormat.COLON_RESOURCE_NAME,
        )
        # A new model makes a new configuration: both look again then. SageMaker may have gone back
        # to another type by itself, and somebody may have removed the target.
        wanted = {**_wanted(fleet), "Configuration": endpoint.endpoint_config_name}
        before = self._resource("Before", {"Stage": "before", **wanted})
        before.node.add_dependency(*first)
        endpoint.node.add_dependency(before)
        after = self._resource("After", {"Stage": "after", **wanted})
        after.node.add_dependency(endpoint)
        self._resources = (before, after)

    def apply_condition(self, condition: CfnCondition) -> None:
        """No scaling where there is no endpoint."""
        for resource in self._resources:
            made = resource.node.default_child
            if not isinstance(made, CfnResource):
                raise TypeError(f"{resource.node.path} is no resource of its own")
            made.cfn_options.condition = condition

    def _resource(self, id: str, properties: dict[str, Any]) -> CustomResource:
        return CustomResource(
            self,
            id,
            resource_type="Custom::EndpointScaling",
            service_token=self._function,
            service_timeout=Duration.seconds(_SERVICE_TIMEOUT_SECONDS),
            properties=properties,
        )


def _wanted(fleet: Fleet) -> dict[str, Any]:
    """Named as Application Auto Scaling's API names them."""
    return {
        "MinCapacity": fleet.minimum_instances,
        "MaxCapacity": fleet.maximum_instances,
        "TargetValue": fleet.target_invocations_per_instance,
        "ScaleInCooldown": fleet.scale_in_cooldown_seconds,
        "ScaleOutCooldown": fleet.scale_out_cooldown_seconds,
        "ScheduledActions": _scheduled(fleet, fleet.night),
    }


def _scheduled(fleet: Fleet, night: Night | None) -> list[dict[str, Any]]:
    """A lower minimum at night, and the day's again in the morning."""
    if night is None:
        return []
    return [
        _daily(night, "evening", night.start, night.minimum_instances),
        _daily(night, "morning", night.end, fleet.minimum_instances),
    ]


def _daily(night: Night, name: str, time: str, minimum: int) -> dict[str, Any]:
    hour, minute = time.split(":")
    return {
        "Name": name,
        "Schedule": f"cron({int(minute)} {int(hour)} * * ? *)",
        "Timezone": night.time_zone,
        "MinCapacity": minimum,
    }
