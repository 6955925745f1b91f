"""A real-time endpoint that serves the model package named by a stack parameter.

The parameter is empty at first: there is no approved model yet, and the stack has no endpoint.
Promotion sets it, so that CloudFormation owns the endpoint and nothing drifts.
"""

from aws_cdk import CfnCondition, CfnParameter, Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from warmfold.pipeline.spec import has_instance_storage
from warmfold_constructs.data_capture import DataCapture, capture_config
from warmfold_constructs.endpoint_alarms import AlarmLimits, EndpointAlarms
from warmfold_constructs.endpoint_scaling import EndpointScaling, Fleet
from warmfold_constructs.job_network import vpc_config
from warmfold_constructs.policies import arn, role_arn
from warmfold_constructs.rollout import Rollout, deployment_config
from warmfold_constructs.serving_names import ServingNames
from warmfold_constructs.shadow_variant import PARAMETER as SHADOW_PARAMETER
from warmfold_constructs.shadow_variant import Shadow, add_variant, shadow_model, shadowed

PARAMETER = "ModelPackageArn"
_PACKAGE_ARN_OR_NOTHING = (
    "(arn:[a-z-]+:sagemaker:[a-z0-9-]+:[0-9]{12}:model-package/[A-Za-z0-9-]+/[0-9]+)?"
)


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
        self._package = self._parameter(PARAMETER, "to serve; empty before the first one")
        self._role_arn, self._fleet = role_arn(self, model_role_name), fleet
        model = self._model()
        self._key_arn = _alias_arn(self, key_alias)
        self._config = self._configuration(model, fleet)
        endpoint = self._endpoint(self._config, rollout)
        scaling = EndpointScaling(
            self,
            "Scaling",
            names=names,
            fleet=fleet,
            endpoint=endpoint,
            first=[self._alarms],
        )
        approved = self._condition()
        for resource in (model, self._config, endpoint):
            resource.cfn_options.condition = approved
        scaling.apply_condition(approved)

    @property
    def alarms(self) -> tuple[cloudwatch.Alarm, ...]:
        return self._alarms.alarms

    def capture(self, capture: DataCapture) -> None:
        """Keep requests and answers, encrypted with the key; the model's role must be let write."""
        self._config.data_capture_config = capture_config(capture, self._key_arn)

    def shadow(self, shadow: Shadow) -> None:
        """Copy requests to the model package that a second parameter names, if it names one."""
        package = self._parameter(SHADOW_PARAMETER, "that gets a copy of requests; empty for none")
        model = shadow_model(self, package, names=self._names, role_arn=self._role_arn)
        model.cfn_options.condition = shadowed(self._package, package)
        add_variant(
            self._config,
            shadow,
            model,
            name=self._names.shadow_variant,
            instance_type=self._fleet.instance_type,
        )

    def _parameter(self, name: str, use: str) -> CfnParameter:
        parameter = CfnParameter(
            self,
            name,
            type="String",
            default="",
            allowed_pattern=_PACKAGE_ARN_OR_NOTHING,
            description=f"The approved model package version {use}",
        )
        parameter.override_logical_id(name)
        return parameter

    def _condition(self) -> CfnCondition:
        given = Fn.condition_not(Fn.condition_equals(self._package.value_as_string, ""))
        condition = CfnCondition(self, "Approved", expression=given)
        condition.override_logical_id("Approved")
        return condition

    def _model(self) -> sagemaker.CfnModel:
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self._role_arn,
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
        self, model: sagemaker.CfnModel, fleet: Fleet
    ) -> sagemaker.CfnEndpointConfig:
        """Without a name: every change replaces it, and the old one must outlive the update."""
        # SageMaker refuses a key for types whose local disks are encrypted by their hardware.
        key = None if has_instance_storage(fleet.instance_type) else self._key_arn
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


def _alias_arn(scope: Construct, alias: str) -> str:
    kind, _, name = alias.partition("/")
    return arn(scope, "kms", kind, name)


def _variant_property(kind: str) -> sagemaker.CfnEndpoint.VariantPropertyProperty:
    return sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=kind)
