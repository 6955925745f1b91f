"""What all stacks have in common: account and region, tags, protection, bootstrap."""

from aws_cdk import (
    CfnOutput,
    DefaultStackSynthesizer,
    Environment,
    PermissionsBoundary,
    RemovalPolicies,
    Stack,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from config.names import Names
from config.settings import Settings
from warmfold_constructs.alerts import notify


class PlatformStack(Stack):
    """A stack of one environment, called as its construct id.

    ``execution_role`` is the name of the role that CloudFormation works with, instead of the
    bootstrap's.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        description: str,
        execution_role: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(
                account=settings.environment.account, region=settings.environment.region
            ),
            description=description,
            tags={"warmfold:environment": settings.name, **settings.environment.tags},
            permissions_boundary=_boundary(settings.environment.permissions_boundary),
            termination_protection=settings.environment.termination_protection,
            synthesizer=_synthesizer(settings.environment.bootstrap_qualifier, execution_role),
            analytics_reporting=False,
        )
        self.settings = settings
        self.names = Names(settings.name)
        if not settings.storage.removable:
            # What functions, networks and endpoints said is data, and outlives the stack as such.
            log_group = logs.CfnLogGroup.CFN_RESOURCE_TYPE_NAME
            RemovalPolicies.of(self).retain(apply_to_resource_types=[log_group])

    def artifact_bucket(self) -> s3.IBucket:
        """The bucket of the storage stack, by its name: no export ties the stacks together."""
        environment = self.settings.environment
        name = self.names.bucket(environment.account, environment.region)
        return s3.Bucket.from_bucket_name(self, "ArtifactBucket", name)

    def notify(self, *alarms: cloudwatch.Alarm) -> None:
        """Have the environment's topic told of alarms; it is known by its name, too."""
        topic_arn = self.format_arn(service="sns", resource=self.names.alerts_topic)
        notify(sns.Topic.from_topic_arn(self, "AlertsTopic", topic_arn), *alarms)

    def output(self, key: str, value: str, description: str) -> None:
        """A stack output under exactly this key."""
        CfnOutput(self, key, value=value, description=description)


def _boundary(policy_arn: str | None) -> PermissionsBoundary | None:
    """On every role of the stack, those that the CDK makes itself included."""
    return None if policy_arn is None else PermissionsBoundary.from_arn(policy_arn)


def _synthesizer(qualifier: str, execution_role: str | None) -> DefaultStackSynthesizer:
    if execution_role is None:
        return DefaultStackSynthesizer(qualifier=qualifier)
    return DefaultStackSynthesizer(
        qualifier=qualifier,
        cloud_formation_execution_role=(
            f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{execution_role}"
        ),
        # The rule reads a parameter of the bootstrap, for which the narrow role would need a
        # permission on every update.
        generate_bootstrap_version_rule=False,
    )
