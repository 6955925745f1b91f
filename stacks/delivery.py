"""From a model's approval to its deployment."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from constructs import Construct

from config.names import VARIANT, ModelNames
from config.settings import Model, Settings
from stacks.base import PlatformStack
from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.endpoint_prober import EndpointProber
from warmfold_constructs.promotion import Promotion, Route
from warmfold_constructs.queue import dead_letter_alarm
from warmfold_constructs.serving_deployment_role import ServingDeploymentRole
from warmfold_constructs.serving_names import ServingNames


class DeliveryStack(PlatformStack):
    """Promotion, and the role that CloudFormation has in the serving stack."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        model: Model,
        key: kms.IKey,
        network: JobNetwork | None,
    ) -> None:
        super().__init__(
            scope, id, settings=settings, description=f"warmfold: {model.name}, delivery"
        )
        self._model, self._key = model, key
        names = self.names.model(model.name)
        promotion = self._promotion(names, self._deployment_role(names, network))
        given_up = dead_letter_alarm(
            promotion.dead_letters, description=f"An approval of {model.name} was given up"
        )
        differs = promotion.function.trouble_alarm(
            f"The endpoint of {model.name} is not what was approved"
        )
        self.notify(given_up, differs, *self._probed(names))
        self.output(
            "DeployFunctionName", promotion.function.name, "Deploys the latest approved model"
        )
        self.output("QueueUrl", promotion.queue.queue_url, "Approvals that wait to be deployed")

    def _probed(self, names: ModelNames) -> list[cloudwatch.Alarm]:
        """Alarms of the prober, if there is to be one."""
        if self._model.delivery.probes_per_minute == 0:
            return []
        prober = EndpointProber(
            self,
            "Prober",
            endpoint=names.endpoint,
            probes_per_minute=self._model.delivery.probes_per_minute,
            log_retention_days=self.settings.environment.log_retention_days,
            key=self._key,
        )
        name = self._model.name
        return [prober.function.trouble_alarm(f"The endpoint of {name} failed probes")]

    def _deployment_role(
        self, names: ModelNames, network: JobNetwork | None
    ) -> ServingDeploymentRole:
        environment = self.settings.environment
        role = ServingDeploymentRole(
            self,
            "ServingDeployment",
            role_name=names.serving_deployment_role,
            serving=ServingNames(endpoint=names.endpoint, variant=VARIANT, network=network),
            model_package_group=names.model_package_group,
            model_role_name=names.model_role,
            key=self._key,
            cdk_deploy_role_name=(
                f"cdk-{environment.bootstrap_qualifier}-deploy-role-"
                f"{environment.account}-{environment.region}"
            ),
        )
        if self._model.serving.off_hours is not None:
            role.allow_scheduled_scaling()
        return role

    def _promotion(self, names: ModelNames, role: ServingDeploymentRole) -> Promotion:
        return Promotion(
            self,
            "Promotion",
            route=Route(
                model_package_group=names.model_package_group,
                orders_parameter=names.orders_parameter,
                serving_stack=names.serving_stack,
                endpoint=names.endpoint,
            ),
            deployment_role=role,
            reconcile_minutes=self._model.delivery.reconcile_minutes,
            log_retention_days=self.settings.environment.log_retention_days,
            key=self._key,
        )
