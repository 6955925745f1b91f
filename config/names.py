"""Every physical name, in one place.

A name stands here only if something outside its own stack has to know it before it exists: a
queue or a Lambda gets the name that CloudFormation gives it.
"""

from dataclasses import dataclass

PREFIX = "warmfold"
ENDPOINT_LOGS = "/aws/sagemaker/Endpoints/"

# The environment of the local cloud.
LOCAL = "local"

# The endpoint has one variant; its name must not change between deployments (SageMaker
# deployment guardrails), and alarms and scaling refer to it.
VARIANT = "primary"


@dataclass(frozen=True)
class ModelNames:
    """Names of one model in one environment."""

    environment: str
    model: str

    @property
    def prefix(self) -> str:
        return f"{PREFIX}-{self.environment}-{self.model}"

    @property
    def training_stack(self) -> str:
        return f"{self.prefix}-training"

    @property
    def serving_stack(self) -> str:
        return f"{self.prefix}-serving"

    @property
    def delivery_stack(self) -> str:
        return f"{self.prefix}-delivery"

    @property
    def batch_stack(self) -> str:
        return f"{self.prefix}-batch"

    @property
    def training_pipeline(self) -> str:
        return f"{self.prefix}-training"

    @property
    def scoring_pipeline(self) -> str:
        return f"{self.prefix}-scoring"

    @property
    def model_package_group(self) -> str:
        return self.prefix

    @property
    def endpoint(self) -> str:
        return self.prefix

    @property
    def endpoint_log_group(self) -> str:
        """SageMaker calls it so, makes it if it is not there, and deletes it never."""
        return f"{ENDPOINT_LOGS}{self.endpoint}"

    @property
    def scaling_function(self) -> str:
        """What scales the endpoint around its updates; a construct names it by the endpoint."""
        return f"{self.endpoint}-scaling"

    @property
    def schedule_group(self) -> str:
        return self.prefix

    @property
    def schedule(self) -> str:
        return f"{self.prefix}-daily"

    @property
    def model_role(self) -> str:
        """Passed by four stacks, and so known to them by name."""
        return f"{self.prefix}-model"

    @property
    def import_role(self) -> str:
        """What imports another environment's versions; that one lets it read by this name."""
        return f"{self.prefix}-import"

    @property
    def forward_role(self) -> str:
        """What forwards approvals to other environments, which let it in by this name."""
        return f"{self.prefix}-forward"

    @property
    def upstream_bus(self) -> str:
        """The event bus that an upstream's approvals come to."""
        return f"{self.prefix}-upstream"

    @property
    def serving_deployment_role(self) -> str:
        """What CloudFormation acts as in the serving stack, whoever starts the update."""
        return f"{self.prefix}-serving-deployment"

    @property
    def approver_policy(self) -> str:
        """What is attached to whoever may approve versions."""
        return f"{self.prefix}-approver"

    @property
    def orders_parameter(self) -> str:
        """SSM parameter of the operators' orders to promotion."""
        return f"/{self.prefix}/promotion"

    @property
    def dashboard(self) -> str:
        return self.prefix

    @property
    def batch_model_prefix(self) -> str:
        """Batch scoring makes one SageMaker model per package version: ``{prefix}-v{version}``."""
        return self.prefix


@dataclass(frozen=True)
class Names:
    """Names of one environment."""

    environment: str

    @property
    def prefix(self) -> str:
        return f"{PREFIX}-{self.environment}"

    @property
    def images_stack(self) -> str:
        return f"{self.prefix}-images"

    @property
    def storage_stack(self) -> str:
        return f"{self.prefix}-storage"

    @property
    def ci_stack(self) -> str:
        return f"{self.prefix}-ci"

    @property
    def ci_deploy_role(self) -> str:
        """What CI deploys as; the workflows know it by name, and so its ARN."""
        return f"{self.prefix}-ci-deploy"

    @property
    def ci_diff_role(self) -> str:
        return f"{self.prefix}-ci-diff"

    @property
    def network_stack(self) -> str:
        return f"{self.prefix}-network"

    @property
    def monitoring_stack(self) -> str:
        return f"{self.prefix}-monitoring"

    @property
    def alerts_topic(self) -> str:
        """What alarms of every stack notify."""
        return f"{self.prefix}-alerts"

    @property
    def budget(self) -> str:
        return f"{self.prefix}-monthly"

    @property
    def trainer_repository(self) -> str:
        return f"{self.prefix}-trainer"

    @property
    def server_repository(self) -> str:
        return f"{self.prefix}-server"

    def bucket(self, account: str, region: str) -> str:
        """Bucket names are shared by all accounts of a partition, so these are in it.

        A literal, because roles of other stacks are bound to prefixes of this bucket.
        """
        return f"{self.prefix}-{account}-{region}"

    @property
    def log_group_prefixes(self) -> tuple[str, ...]:
        """Log groups get their names from stacks, except those of endpoints."""
        return (f"{self.prefix}-", f"{ENDPOINT_LOGS}{self.prefix}-")

    @property
    def key_alias(self) -> str:
        return f"alias/{self.prefix}"

    def model(self, model: str) -> ModelNames:
        return ModelNames(self.environment, model)
