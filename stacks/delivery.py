"""From a model's approval to its deployment."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from config.names import VARIANT, ModelNames
from config.settings import Model, Settings
from stacks import sharing
from stacks.base import PlatformStack
from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.approver_policy import Approvals, ApproverPolicy
from warmfold_constructs.endpoint_prober import EndpointProber
from warmfold_constructs.endpoint_scaler import EndpointScaler
from warmfold_constructs.package_import import PackageImport
from warmfold_constructs.promotion import Promotion, Route
from warmfold_constructs.queue import dead_letter_alarm
from warmfold_constructs.serving_deployment_role import ServingDeploymentRole
from warmfold_constructs.serving_names import ServingNames
from warmfold_constructs.shared_packages import ApprovalForwarding


class DeliveryStack(PlatformStack):
    """Promotion, what CloudFormation works with in the serving stack (a role, scaling), and what
    must be there before the endpoint: its log group."""

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
        serving = ServingNames(endpoint=names.endpoint, variant=VARIANT, network=network)
        self._endpoint_logs(names.endpoint_log_group)
        role = self._deployment_role(names, serving)
        scaler = self._scaler(serving, role)
        promotion = self._promotion(names, role)
        given_up = dead_letter_alarm(
            promotion.dead_letters, description=f"An approval of {model.name} was given up"
        )
        differs = promotion.function.trouble_alarm(
            f"The endpoint of {model.name} is not what was approved"
        )
        self.notify(given_up, differs, scaler.alarm, *self._probed(names), *self._imported())
        self._forward(names)
        approver = self._approver(names, serving, promotion)
        self.output("ApproverPolicyArn", approver.arn, "Attach it to whoever approves versions")
        self.output(
            "DeployFunctionName", promotion.function.name, "Deploys the latest approved model"
        )
        self.output("QueueUrl", promotion.queue.queue_url, "Approvals that wait to be deployed")

    def _endpoint_logs(self, name: str) -> None:
        """Here, because this stack is deployed before the endpoint, whose first words would make a
        log group without retention or key; and not by the serving stack's narrow role."""
        group = logs.CfnLogGroup(
            self,
            "EndpointLogs",
            log_group_name=name,
            retention_in_days=self.settings.environment.log_retention_days,
            kms_key_id=self._key.key_arn,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)

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
        return [
            prober.function.trouble_alarm(f"The endpoint of {name} failed probes"),
            prober.silence_alarm(f"The endpoint of {name} is not probed any more"),
        ]

    def _imported(self) -> list[cloudwatch.Alarm]:
        """Alarms of the import from another environment, if there is one."""
        model, given = self._model, self._model.upstream
        if given is None:
            return []
        imported = PackageImport(
            self,
            "Import",
            upstream=sharing.upstream(self.settings, model, given),
            destination=sharing.destination(self.settings, model, given),
            poll_minutes=given.poll_minutes,
            log_retention_days=self.settings.environment.log_retention_days,
            key=self._key,
        )
        self.output(
            "ImportFunctionName", imported.function.name, "Imports what was approved upstream"
        )
        what = f"Approved versions of {model.name} were not imported, or were withdrawn"
        return [imported.function.trouble_alarm(what)]

    def _forward(self, names: ModelNames) -> None:
        """Approvals go to the environments that may import them."""
        readers = sharing.readers(self.settings, self._model.name)
        if readers:
            ApprovalForwarding(
                self,
                "Forwarding",
                model_package_group=names.model_package_group,
                role_name=names.forward_role,
                readers=readers,
            )

    def _approver(
        self, names: ModelNames, serving: ServingNames, promotion: Promotion
    ) -> ApproverPolicy:
        stacks = (
            names.training_stack,
            names.serving_stack,
            names.delivery_stack,
            names.batch_stack,
        )
        return ApproverPolicy(
            self,
            "Approver",
            name=names.approver_policy,
            approvals=Approvals(
                model_package_group=names.model_package_group,
                orders_parameter=names.orders_parameter,
                serving_stack=names.serving_stack,
                stacks=stacks,
                serving=serving,
            ),
            queue=promotion.queue,
        )

    def _deployment_role(self, names: ModelNames, serving: ServingNames) -> ServingDeploymentRole:
        environment = self.settings.environment
        return ServingDeploymentRole(
            self,
            "ServingDeployment",
            role_name=names.serving_deployment_role,
            serving=serving,
            model_package_group=names.model_package_group,
            model_role_name=names.model_role,
            key=self._key,
            cdk_deploy_role_name=(
                f"cdk-{environment.bootstrap_qualifier}-deploy-role-"
                f"{environment.account}-{environment.region}"
            ),
        )

    def _scaler(self, serving: ServingNames, role: ServingDeploymentRole) -> EndpointScaler:
        scaler = EndpointScaler(
            self,
            "Scaler",
            serving=serving,
            deployment_role=role,
            log_retention_days=self.settings.environment.log_retention_days,
            key=self._key,
        )
        if self._model.serving.off_hours is not None:
            scaler.allow_scheduled_scaling()
        return scaler

    def _promotion(self, names: ModelNames, role: ServingDeploymentRole) -> Promotion:
        return Promotion(
            self,
            "Promotion",
            route=Route(
                model_package_group=names.model_package_group,
                orders_parameter=names.orders_parameter,
                serving_stack=names.serving_stack,
                endpoint=names.endpoint,
                deployment_timeout_seconds=self._model.serving.deployment.timeout_seconds,
            ),
            deployment_role=role,
            reconcile_minutes=self._model.delivery.reconcile_minutes,
            log_retention_days=self.settings.environment.log_retention_days,
            key=self._key,
        )
