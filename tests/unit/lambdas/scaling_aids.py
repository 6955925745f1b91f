"""An account whose endpoint is scaled: SageMaker and Application Auto Scaling, stubbed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from scale_endpoint.aws import Endpoint, Scaling
from scale_endpoint.handler import Provider
from tests.unit.lambdas.aids import Stub, playing

TARGET: dict[str, Any] = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/credit/variant/primary",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
EVENING = {
    "Name": "evening",
    "Schedule": "cron(0 20 * * ? *)",
    "Timezone": "Europe/Zurich",
    "MinCapacity": "1",
}
LARGE, XLARGE = "ml.m5.large", "ml.m5.xlarge"
# Numbers are text: CloudFormation hands them over so.
WANTED: dict[str, Any] = {
    "Stage": "before",
    "MinCapacity": "2",
    "MaxCapacity": "8",
    "TargetValue": "3000",
    "ScaleInCooldown": "600",
    "ScaleOutCooldown": "30",
    "ScheduledActions": [],
    "Configuration": "config-1",
}
AFTER = {**WANTED, "Stage": "after"}


@dataclass
class Account:
    """SageMaker and Application Auto Scaling, stubbed; ``waited`` in seconds."""

    sagemaker: Stub = field(default_factory=lambda: Stub("sagemaker"))
    scaling: Stub = field(default_factory=lambda: Stub("application-autoscaling"))
    waited: list[float] = field(default_factory=list)
    waits: int = 100

    def endpoint(self, status: str = "InService") -> "Account":
        answer = {
            "EndpointName": "credit",
            "EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/credit",
            "EndpointConfigName": "live",
            "EndpointStatus": status,
            "CreationTime": 0,
            "LastModifiedTime": 0,
        }
        self.sagemaker.answers("describe_endpoint", answer, EndpointName="credit")
        return self

    def no_endpoint(self) -> "Account":
        return self._unknown("describe_endpoint", "endpoint", EndpointName="credit")

    def runs_on(self, instance_type: str, wanted: str = LARGE) -> "Account":
        """The endpoint is looked at twice: for its status, and for its configuration."""
        return self.endpoint().endpoint().of_type("live", instance_type).of_type("config-1", wanted)

    def goes_from(self, old: str, new: str) -> "Account":
        """What tells a change of the instance type from one of the model alone."""
        return self.of_type("config-0", old).of_type("config-1", new)

    def of_type(self, configuration: str, instance_type: str) -> "Account":
        variant = {"VariantName": "primary", "ModelName": "m", "InstanceType": instance_type}
        place = "arn:aws:sagemaker:us-east-1:000000000000:endpoint-config"
        answer = {
            "EndpointConfigName": configuration,
            "EndpointConfigArn": f"{place}/{configuration}",
            "CreationTime": 0,
            "ProductionVariants": [variant],
        }
        self.sagemaker.answers("describe_endpoint_config", answer, EndpointConfigName=configuration)
        return self

    def config_is_gone(self, status: str = "InService") -> "Account":
        self.endpoint(status).endpoint(status)
        return self._unknown(
            "describe_endpoint_config", "endpoint configuration", EndpointConfigName="live"
        )

    def registers(self, maximum: int = 8) -> "Account":
        self.scaling.answers(
            "register_scalable_target", {}, **TARGET, MinCapacity=2, MaxCapacity=maximum
        )
        return self.policy()

    def policy(self, known: bool = True) -> "Account":
        request = {
            **TARGET,
            "PolicyName": "credit-invocations",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 3000,
                "ScaleInCooldown": 600,
                "ScaleOutCooldown": 30,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        }
        if known:
            self.scaling.answers("put_scaling_policy", {"PolicyARN": "arn"}, **request)
        else:
            self._gone("put_scaling_policy", **request)
        return self

    def puts_evening(self) -> "Account":
        self.scaling.answers(
            "put_scheduled_action",
            {},
            **TARGET,
            ScheduledActionName="evening",
            Schedule=EVENING["Schedule"],
            Timezone=EVENING["Timezone"],
            ScalableTargetAction={"MinCapacity": 1},
        )
        return self

    def removes(self, there: bool = True) -> "Account":
        for operation, more in (
            ("delete_scaling_policy", {"PolicyName": "credit-invocations"}),
            ("deregister_scalable_target", {}),
        ):
            if there:
                self.scaling.answers(operation, {}, **TARGET, **more)
            else:
                self._gone(operation, **TARGET, **more)
        return self

    def registered(self, *limits: int) -> "Account":
        request = {**TARGET, "ResourceIds": [TARGET["ResourceId"]]}
        del request["ResourceId"]
        found = [
            {**TARGET, "RoleARN": "arn:aws:iam::000000000000:role/r", "CreationTime": 0}
            | dict(zip(("MinCapacity", "MaxCapacity"), limits, strict=False))
        ]
        answer = {"ScalableTargets": found if limits else []}
        self.scaling.answers("describe_scalable_targets", answer, **request)
        return self

    def _gone(self, operation: str, **request: Any) -> None:
        self.scaling.refuses(operation, "ObjectNotFoundException", "No target found", **request)

    def _unknown(self, operation: str, noun: str, **request: Any) -> "Account":
        message = f'Could not find {noun} "arn".'
        self.sagemaker.refuses(operation, "ValidationException", message, **request)
        return self

    def provider(self) -> Provider:
        def has_time() -> bool:
            return len(self.waited) < self.waits

        return Provider(
            endpoint=Endpoint(sagemaker=self.sagemaker.client, name="credit", variant="primary"),
            scaling=Scaling(
                scaling=self.scaling.client,
                resource_id=TARGET["ResourceId"],
                policy_name="credit-invocations",
                wait=self.waited.append,
            ),
            has_time=has_time,
            wait=self.waited.append,
        )


@contextmanager
def account(waits: int = 100) -> Iterator[Account]:
    made = Account(waits=waits)
    with playing(made.sagemaker, made.scaling):
        yield made
