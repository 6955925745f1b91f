"""A VPC without a way to the internet: private subnets, endpoints, and what may talk to what."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Acknowledgment, CfnTag, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.acknowledge import VPC, accept
from warmfold_constructs.flow_logs import FlowLogs

_HTTPS = 443
# What the machines of one job listen on (the trainer's distributed algorithms).
_TRAINER_PORT = 12400
# Developer guide, "Protect Communications Between ML Compute Instances in a Distributed Training
# Job": key exchange, and the encrypted packets.
_KEY_EXCHANGE_PORT = 500
_ENCRYPTED_PACKETS = "50"
# cfn-lint's rule against availability zones in templates.
_FIXED_ZONE = "W3010"
_OBJECT_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
# What the platform's roles are allowed of each service (S3 has a gateway endpoint instead).
_ACTIONS = {
    "ecr.api": [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
    ],
    "ecr.dkr": [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ],
    "kms": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
    "logs": [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
    ],
    "monitoring": ["cloudwatch:PutMetricData"],
    "sagemaker.api": [
        "sagemaker:AddTags",
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:ListTrainingJobs",
        "sagemaker:StopTrainingJob",
    ],
    "sagemaker.runtime": ["sagemaker:InvokeEndpoint"],
    "sts": ["sts:AssumeRole", "sts:GetCallerIdentity"],
}


@dataclass(frozen=True, kw_only=True)
class PrivateSubnet:
    """One a zone."""

    zone: str
    cidr: str


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """``s3_prefix_list`` is AWS's id of S3's addresses in the region. ``interface_endpoints`` end
    as the services' names do: ``sagemaker.api``."""

    cidr: str
    subnets: Sequence[PrivateSubnet]
    s3_prefix_list: str
    interface_endpoints: Sequence[str]
    encrypt_between_instances: bool


class PrivateNetwork(Construct):
    """VPC, subnets, S3's gateway endpoint, interface endpoints and encrypted flow logs.

    ``jobs`` is where to put a job or model: it reaches ``bucket``, the endpoints, the other
    machines of its job, and nothing else. Flow logs outlive the stack unless ``removable``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        plan: NetworkPlan,
        bucket: s3.IBucket,
        key: kms.IKey,
        log_retention_days: int,
        removable: bool,
    ) -> None:
        super().__init__(scope, id)
        self._plan = plan
        self._vpc = self._private_vpc()
        subnets = self._subnets()
        self._job_group = self._job_security_group()
        self._s3_endpoint(bucket)
        self._interface_endpoints(subnets)
        FlowLogs(
            self,
            "FlowLogs",
            vpc_id=self._vpc.ref,
            key=key,
            log_retention_days=log_retention_days,
            removable=removable,
        )
        self.jobs = JobNetwork(
            subnet_ids=subnets,
            security_group_ids=(self._job_group,),
            encrypt_between_instances=plan.encrypt_between_instances,
        )

    @property
    def vpc_id(self) -> str:
        return self._vpc.ref

    def _private_vpc(self) -> ec2.CfnVPC:
        vpc = ec2.CfnVPC(
            self,
            "Vpc",
            cidr_block=self._plan.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._called("jobs"),
        )
        accept(vpc, VPC)
        return vpc

    def _subnets(self) -> tuple[str, ...]:
        """All with one route table, which has no route but the VPC's own and S3's."""
        self._routes = ec2.CfnRouteTable(self, "Routes", vpc_id=self._vpc.ref)
        return tuple(self._subnet(subnet) for subnet in self._plan.subnets)

    def _subnet(self, plan: PrivateSubnet) -> str:
        """By the letter of its zone, so that another zone moves no subnet."""
        letter = plan.zone[-1].upper()
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{letter}",
            vpc_id=self._vpc.ref,
            availability_zone=plan.zone,
            cidr_block=plan.cidr,
            map_public_ip_on_launch=False,
            tags=self._called(plan.zone),
        )
        _accept_fixed_zone(subnet)
        ec2.CfnSubnetRouteTableAssociation(
            self, f"Routes{letter}", route_table_id=self._routes.ref, subnet_id=subnet.ref
        )
        return subnet.ref

    def _called(self, name: str) -> list[CfnTag]:
        return [CfnTag(key="Name", value=f"{Stack.of(self).stack_name}/{name}")]

    def _group(self, id: str, description: str, egress: ec2.CfnSecurityGroup.EgressProperty) -> str:
        """With a rule in the group itself: without one, EC2 adds one that allows everything out
        (resource reference, AWS::EC2::SecurityGroup)."""
        group = ec2.CfnSecurityGroup(
            self,
            id,
            group_description=description,
            vpc_id=self._vpc.ref,
            security_group_egress=[egress],
        )
        return group.attr_group_id

    def _job_security_group(self) -> str:
        to_s3 = ec2.CfnSecurityGroup.EgressProperty(
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            destination_prefix_list_id=self._plan.s3_prefix_list,
            description="Amazon S3",
        )
        group = self._group("Jobs", "Jobs and models", to_s3)
        self._connect("Trainer", group, group, "tcp", _TRAINER_PORT)
        if self._plan.encrypt_between_instances:
            self._connect("KeyExchange", group, group, "udp", _KEY_EXCHANGE_PORT)
            self._connect("Encrypted", group, group, _ENCRYPTED_PACKETS, None)
        return group

    def _connect(self, id: str, source: str, target: str, protocol: str, port: int | None) -> None:
        """Allow it on both ends."""
        ec2.CfnSecurityGroupEgress(
            self,
            f"{id}Out",
            group_id=source,
            destination_security_group_id=target,
            ip_protocol=protocol,
            from_port=port,
            to_port=port,
            description=id,
        )
        ec2.CfnSecurityGroupIngress(
            self,
            f"{id}In",
            group_id=target,
            source_security_group_id=source,
            ip_protocol=protocol,
            from_port=port,
            to_port=port,
            description=id,
        )

    def _s3_endpoint(self, bucket: s3.IBucket) -> None:
        region = Stack.of(self).region
        layers = f"arn:{Stack.of(self).partition}:s3:::prod-{region}-starport-layer-bucket/*"
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=self._vpc.ref,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{region}.s3",
            route_table_ids=[self._routes.ref],
            policy_document=_document(
                self._of_the_account(_OBJECT_ACTIONS, bucket.arn_for_objects("*")),
                self._of_the_account(["s3:ListBucket"], bucket.bucket_arn),
                # Amazon ECR's own bucket of image layers, read with signed addresses of ECR's
                # (user guide, "Amazon ECR interface VPC endpoints").
                _anybody(["s3:GetObject"], layers),
            ),
        )

    def _interface_endpoints(self, subnets: Sequence[str]) -> None:
        if not self._plan.interface_endpoints:
            return
        nowhere = ec2.CfnSecurityGroup.EgressProperty(
            ip_protocol="-1", cidr_ip="127.0.0.1/32", description="Nowhere"
        )
        group = self._group("Endpoints", "Interface endpoints", nowhere)
        self._connect("Https", self._job_group, group, "tcp", _HTTPS)
        for service in self._plan.interface_endpoints:
            ec2.CfnVPCEndpoint(
                self,
                "".join(part.capitalize() for part in service.split(".")),
                vpc_id=self._vpc.ref,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{Stack.of(self).region}.{service}",
                subnet_ids=[*subnets],
                security_group_ids=[group],
                private_dns_enabled=True,
                policy_document=_document(self._of_the_account(_ACTIONS[service], "*")),
            )

    def _of_the_account(self, actions: Sequence[str], resource: str) -> iam.PolicyStatement:
        """An endpoint's policy allows nothing by itself: roles' own policies hold as well."""
        statement = _anybody(actions, resource)
        statement.add_condition("StringEquals", {"aws:PrincipalAccount": Stack.of(self).account})
        return statement


def _accept_fixed_zone(subnet: ec2.CfnSubnet) -> None:
    """For the CDK's own validator, and for cfn-lint."""
    reason = "Zones come from the configuration: a lookup would depend on who synthesizes."
    rule = Acknowledgment(id=f"CloudFormation-Validate::{_FIXED_ZONE}", reason=reason)
    Validations.of(subnet).acknowledge(rule)
    subnet.add_metadata("cfn-lint", {"config": {"ignore_checks": [_FIXED_ZONE]}})


def _anybody(actions: Sequence[str], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()], actions=[*actions], resources=[resource]
    )


def _document(*statements: iam.PolicyStatement) -> iam.PolicyDocument:
    return iam.PolicyDocument(statements=[*statements])
