"""Where an environment's jobs and models have their network interfaces."""

from collections.abc import Sequence

from aws_cdk import App
from aws_cdk import aws_kms as kms
from constructs import Construct

from config.names import Names
from config.settings import Settings
from config.settings_network import CreatedNetwork
from stacks.base import PlatformStack
from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.private_network import NetworkPlan, PrivateNetwork, PrivateSubnet


class NetworkStack(PlatformStack):
    """A VPC without a way to the internet."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        created: CreatedNetwork,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id, settings=settings, description="warmfold: private network")
        network = PrivateNetwork(
            self,
            "Network",
            plan=_plan(created, _interface_endpoints(settings, created)),
            bucket=self.artifact_bucket(),
            key=key,
            log_retention_days=settings.environment.log_retention_days,
            removable=settings.storage.removable,
        )
        self.jobs = network.jobs
        self.output("VpcId", network.vpc_id, "Holds jobs and models, and has no way out")


def job_network(app: App, settings: Settings, key: kms.IKey) -> JobNetwork | None:
    """What the settings name, or what a stack of its own creates; ``None`` for no VPC of ours."""
    network = settings.environment.network
    if network.imported is not None:
        return JobNetwork(
            subnet_ids=network.imported.subnet_ids,
            security_group_ids=network.imported.security_group_ids,
            encrypt_between_instances=network.imported.encrypt_between_instances,
        )
    if network.created is None:
        return None
    id = Names(settings.name).network_stack
    return NetworkStack(app, id, settings=settings, created=network.created, key=key).jobs


def _interface_endpoints(settings: Settings, created: CreatedNetwork) -> list[str]:
    """Trials that fan out call SageMaker to start, list and stop their folds; no other container
    of the platform calls a service but S3."""
    fans_out = any(model.cross_validation.strategy == "fan_out" for model in settings.models)
    needed = {"sagemaker.api"} if fans_out else set()
    return sorted(needed | set(created.more_interface_endpoints))


def _plan(created: CreatedNetwork, interface_endpoints: Sequence[str]) -> NetworkPlan:
    return NetworkPlan(
        cidr=created.cidr,
        subnets=tuple(
            PrivateSubnet(zone=subnet.zone, cidr=subnet.cidr) for subnet in created.subnets
        ),
        s3_prefix_list=created.s3_prefix_list,
        interface_endpoints=interface_endpoints,
        encrypt_between_instances=created.encrypt_between_instances,
    )
