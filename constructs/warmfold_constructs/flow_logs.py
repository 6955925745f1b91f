"""What passes a VPC's network interfaces, accepted or refused, in an encrypted log group."""

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from warmfold_constructs.policies import allow, new_role


class FlowLogs(Construct):
    """All traffic of a VPC. ``key`` must allow the Logs service to use it for this stack's
    groups. The log outlives the stack unless ``removable``."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc_id: str,
        key: kms.IKey,
        log_retention_days: int,
        removable: bool,
    ) -> None:
        super().__init__(scope, id)
        group = logs.CfnLogGroup(
            self, "Logs", retention_in_days=log_retention_days, kms_key_id=key.key_arn
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY if removable else RemovalPolicy.RETAIN)
        role = self._writing_role(group)
        flow_log = ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_type="VPC",
            resource_id=vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=_without_streams(group),
            deliver_logs_permission_arn=role.role_arn,
        )
        flow_log.node.add_dependency(role)

    def _writing_role(self, group: logs.CfnLogGroup) -> iam.Role:
        """What the CDK's own FlowLogDestination grants; the group is there already."""
        role = new_role(
            self,
            "Role",
            description="VPC flow logs",
            assumed_by=iam.ServicePrincipal(
                "vpc-flow-logs.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        allow(role, actions, [group.attr_arn])
        return role


def _without_streams(group: logs.CfnLogGroup) -> str:
    """The group's ARN without the ``:*`` at its end."""
    return Stack.of(group).format_arn(
        service="logs",
        resource="log-group",
        resource_name=group.ref,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
