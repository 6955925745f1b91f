"""A real-time endpoint that serves the model package named by a stack parameter.

The parameter is empty at first: there is no approved model yet, and the stack has no endpoint.
Promotion sets it, so that CloudFormation owns the endpoint and nothing drifts.
"""

from dataclasses import dataclass

from aws_cdk import CfnCondition, CfnParameter, Fn
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from warmfold.pipeline.spec import has_instance_storage
from warmfold_constructs.endpoint_alarms import AlarmLimits, EndpointAlarms
from warmfold_constructs.job_network import vpc_config
from warmfold_constructs.policies import arn, role_arn
from warmfold_constructs.rollout import Rollout, deployment_config
from warmfold_constructs.serving_names import ServingNames

PARAMETER = "ModelPackageArn"
_PACKAGE_ARN_OR_NOTHING = (
    "(arn:[a-z-]+:sagemaker:[a-z0-9-]+:[0-9]{12}:model-package/[A-Za-z0-9-]+/[0-9]+)?"
)
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


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


class AutoscaledEndpoint(Construct):
    """Model, configuration, endpoint, scaling and alarms of one variant."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: ServingNames,
        model_role_name: str,
        key_alias: str,
        fleet: Fleet,
        rollout: Rollout,
        limits: AlarmLimits,
    ) -> None:
        super().__init__(scope, id)
        self._names = names
        self._alarms = EndpointAlarms(
            self, "Alarms", endpoint=names.endpoint, variant=names.variant, limits=limits
        )
        self._package = self._parameter()
        model = self._model(role_arn(self, model_role_name))
        configuration = self._configuration(model, fleet, key_alias)
        endpoint = self._endpoint(configuration, rollout)
        target, policy = self._scaling(endpoint, fleet)
        approved = self._condition()
        for resource in (model, configuration, endpoint, target, policy):
            resource.cfn_options.condition = approved

    @property
    def alarms(self) -> tuple[cloudwatch.Alarm, ...]:
        return self._alarms.alarms

    def _parameter(self) -> CfnParameter:
        parameter = CfnParameter(
            self,
            PARAMETER,
            type="String",
            default="",
            allowed_pattern=_PACKAGE_ARN_OR_NOTHING,
            description="The approved model package version to serve; empty before the first one",
        )
        parameter.override_logical_id(PARAMETER)
        return parameter

    def _condition(self) -> CfnCondition:
        given = Fn.condition_not(Fn.condition_equals(self._package.value_as_string, ""))
        condition = CfnCondition(self, "Approved", expression=given)
        condition.override_logical_id("Approved")
        return condition

    def _model(self, role: str) -> sagemaker.CfnModel:
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role,
            enable_network_isolation=True,
            vpc_config=vpc_config(self._names.network),
            containers=[
                sagemaker.CfnModel.ContainerDefinitionProperty(
                    model_package_name=self._package.value_as_string
                )
            ],
        )
        model.override_logical_id(self._names.model_id)
        return model

    def _configuration(
        self, model: sagemaker.CfnModel, fleet: Fleet, key_alias: str
    ) -> sagemaker.CfnEndpointConfig:
        """Without a name: every change replaces it, and the old one must outlive the update."""
        # SageMaker refuses a key for types whose local disks are encrypted by their hardware.
        key = None if has_instance_storage(fleet.instance_type) else _alias_arn(self, key_alias)
        configuration = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=key,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=self._names.variant,
                    model_name=model.attr_model_name,
                    instance_type=fleet.instance_type,
                    initial_instance_count=fleet.minimum_instances,
                    initial_variant_weight=1,
                )
            ],
        )
        configuration.override_logical_id(self._names.configuration_id)
        return configuration

    def _endpoint(
        self, configuration: sagemaker.CfnEndpointConfig, rollout: Rollout
    ) -> sagemaker.CfnEndpoint:
        return sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self._names.endpoint,
            endpoint_config_name=configuration.attr_endpoint_config_name,
            # Keeps the number of instances that scaling has come to; data capture is not the
            # fleet's state but the new configuration's.
            retain_all_variant_properties=True,
            exclude_retained_variant_properties=[_variant_property("DataCaptureConfig")],
            deployment_config=deployment_config(rollout, self._alarms.names),
        )

    def _scaling(
        self, endpoint: sagemaker.CfnEndpoint, fleet: Fleet
    ) -> tuple[scaling.CfnScalableTarget, scaling.CfnScalingPolicy]:
        names = self._names
        target = scaling.CfnScalableTarget(
            self,
            "ScalableTarget",
            service_namespace="sagemaker",
            resource_id=f"endpoint/{names.endpoint}/variant/{names.variant}",
            scalable_dimension=_DIMENSION,
            min_capacity=fleet.minimum_instances,
            max_capacity=fleet.maximum_instances,
            scheduled_actions=_scheduled(fleet, fleet.night),
        )
        target.add_resource_dependency(endpoint)
        policy = scaling.CfnScalingPolicy(
            self,
            "ScalingPolicy",
            policy_name=f"{names.endpoint}-invocations",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=_target_tracking(fleet),
        )
        return target, policy


def _alias_arn(scope: Construct, alias: str) -> str:
    kind, _, name = alias.partition("/")
    return arn(scope, "kms", kind, name)


def _variant_property(kind: str) -> sagemaker.CfnEndpoint.VariantPropertyProperty:
    return sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=kind)


def _scheduled(
    fleet: Fleet, night: Night | None
) -> list[scaling.CfnScalableTarget.ScheduledActionProperty] | None:
    """A lower minimum at night, and the day's again in the morning."""
    if night is None:
        return None
    return [
        _daily(night, "evening", night.start, night.minimum_instances),
        _daily(night, "morning", night.end, fleet.minimum_instances),
    ]


def _daily(
    night: Night, name: str, time: str, minimum: int
) -> scaling.CfnScalableTarget.ScheduledActionProperty:
    hour, minute = time.split(":")
    return scaling.CfnScalableTarget.ScheduledActionProperty(
        scheduled_action_name=name,
        schedule=f"cron({int(minute)} {int(hour)} * * ? *)",
        timezone=night.time_zone,
        scalable_target_action=scaling.CfnScalableTarget.ScalableTargetActionProperty(
            min_capacity=minimum
        ),
    )


def _target_tracking(
    fleet: Fleet,
) -> scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty:
    kinds = scaling.CfnScalingPolicy
    return kinds.TargetTrackingScalingPolicyConfigurationProperty(
        target_value=fleet.target_invocations_per_instance,
        scale_in_cooldown=fleet.scale_in_cooldown_seconds,
        scale_out_cooldown=fleet.scale_out_cooldown_seconds,
        predefined_metric_specification=kinds.PredefinedMetricSpecificationProperty(
            predefined_metric_type="SageMakerVariantInvocationsPerInstance"
        ),
    )
