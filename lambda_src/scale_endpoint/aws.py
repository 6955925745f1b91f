"""The AWS calls: what the endpoint runs on, and its scaling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from scale_endpoint.logic import ScheduledAction, Wanted

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_sagemaker import SageMakerClient

# SageMaker answers a ValidationException with these words for what it does not know.
_UNKNOWN = "Could not find"
_DIMENSION: Literal["sagemaker:variant:DesiredInstanceCount"] = (
    "sagemaker:variant:DesiredInstanceCount"
)
_SERVICE: Literal["sagemaker"] = "sagemaker"
# "There might be a brief delay until the operation achieves eventual consistency"
# (RegisterScalableTarget, API reference): what follows may not know the target yet.
_ATTEMPTS = 5
_SECONDS_APART = 2.0


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One variant of an endpoint."""

    sagemaker: SageMakerClient
    name: str
    variant: str

    def status(self) -> str | None:
        """``None`` if there is no such endpoint."""
        try:
            return self.sagemaker.describe_endpoint(EndpointName=self.name)["EndpointStatus"]
        except ClientError as error:
            if not _unknown(error):
                raise
            return None

    def configuration(self) -> str:
        """The name of the configuration that it has."""
        return self.sagemaker.describe_endpoint(EndpointName=self.name)["EndpointConfigName"]

    def instance_type(self, configuration: str) -> str | None:
        """What the variant runs on by ``configuration``; ``None`` if that was deleted."""
        try:
            found = self.sagemaker.describe_endpoint_config(EndpointConfigName=configuration)
        except ClientError as error:
            if not _unknown(error):
                raise
            return None
        types = {v["VariantName"]: v.get("InstanceType") for v in found["ProductionVariants"]}
        return types.get(self.variant)


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """The scalable target of the same variant, its policy and its scheduled actions.

    ``wait`` sleeps for some seconds.
    """

    scaling: ApplicationAutoScalingClient
    resource_id: str
    policy_name: str
    wait: Callable[[float], None]

    def is_registered(self) -> bool:
        found = self.scaling.describe_scalable_targets(
            ServiceNamespace=_SERVICE, ResourceIds=[self.resource_id], ScalableDimension=_DIMENSION
        )
        return bool(found["ScalableTargets"])

    def put(self, wanted: Wanted) -> None:
        """Register, or change what is registered."""
        self.scaling.register_scalable_target(
            ServiceNamespace=_SERVICE,
            ResourceId=self.resource_id,
            ScalableDimension=_DIMENSION,
            MinCapacity=wanted.minimum_instances,
            MaxCapacity=wanted.maximum_instances,
        )
        self._once_known(lambda: self._put_policy(wanted))
        for action in wanted.scheduled:
            self._put_action(action)

    def drop_action(self, name: str) -> None:
        _if_there(
            lambda: self.scaling.delete_scheduled_action(
                ServiceNamespace=_SERVICE,
                ResourceId=self.resource_id,
                ScalableDimension=_DIMENSION,
                ScheduledActionName=name,
            )
        )

    def remove(self) -> None:
        """The policy, and then the target with whatever else it has; what is gone is right."""
        _if_there(
            lambda: self.scaling.delete_scaling_policy(
                PolicyName=self.policy_name,
                ServiceNamespace=_SERVICE,
                ResourceId=self.resource_id,
                ScalableDimension=_DIMENSION,
            )
        )
        _if_there(
            lambda: self.scaling.deregister_scalable_target(
                ServiceNamespace=_SERVICE,
                ResourceId=self.resource_id,
                ScalableDimension=_DIMENSION,
            )
        )

    def _put_policy(self, wanted: Wanted) -> None:
        self.scaling.put_scaling_policy(
            PolicyName=self.policy_name,
            ServiceNamespace=_SERVICE,
            ResourceId=self.resource_id,
            ScalableDimension=_DIMENSION,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": wanted.target,
                "ScaleInCooldown": wanted.scale_in_cooldown_seconds,
                "ScaleOutCooldown": wanted.scale_out_cooldown_seconds,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        )

    def _put_action(self, action: ScheduledAction) -> None:
        self.scaling.put_scheduled_action(
            ServiceNamespace=_SERVICE,
            ScheduledActionName=action.name,
            ResourceId=self.resource_id,
            ScalableDimension=_DIMENSION,
            Schedule=action.schedule,
            Timezone=action.time_zone,
            ScalableTargetAction={"MinCapacity": action.minimum_instances},
        )

    def _once_known(self, call: Callable[[], object]) -> None:
        for _ in range(_ATTEMPTS - 1):
            if _if_there(call):
                return
            self.wait(_SECONDS_APART)
        call()


def _if_there(call: Callable[[], object]) -> bool:
    """Whether what ``call`` is about was there."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"].get("Code") != "ObjectNotFoundException":
            raise
        return False
    return True


def _unknown(error: ClientError) -> bool:
    found = error.response["Error"]
    return found.get("Code") == "ValidationException" and _UNKNOWN in found.get("Message", "")
