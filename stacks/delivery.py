"""From a model's approval to its deployment."""

from aws_cdk import aws_kms as kms
from constructs import Construct

from config.names import VARIANT
from config.settings import Model, Settings
from stacks.base import PlatformStack
from warmfold_constructs.promotion import Promotion
from warmfold_constructs.serving_deployment_role import ServingDeploymentRole
from warmfold_constructs.serving_names import ServingNames


class DeliveryStack(PlatformStack):
    """Promotion, and the role that CloudFormation has in the serving stack."""

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, model: Model, key: kms.IKey
    ) -> None:
        super().__init__(
            scope, id, settings=settings, description=f"warmfold: {model.name}, delivery"
        )
        names = self.names.model(model.name)
        environment = settings.environment
        role = ServingDeploymentRole(
            self,
            "ServingDeployment",
            role_name=names.serving_deployment_role,
            serving=ServingNames(endpoint=names.endpoint, variant=VARIANT),
            model_package_group=names.model_package_group,
            model_role_name=names.model_role,
            key=key,
            cdk_deploy_role_name=(
                f"cdk-{environment.bootstrap_qualifier}-deploy-role-"
                f"{environment.account}-{environment.region}"
            ),
        )
        promotion = Promotion(
            self,
            "Promotion",
            model_package_group=names.model_package_group,
            serving_stack=names.serving_stack,
            deployment_role=role,
            reconcile_minutes=model.delivery.reconcile_minutes,
            log_retention_days=environment.log_retention_days,
            key=key,
        )
        self.output(
            "DeployFunctionName", promotion.function.name, "Deploys the latest approved model"
        )
        self.output("QueueUrl", promotion.queue.queue_url, "Approvals that wait to be deployed")
