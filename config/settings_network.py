"""Where an environment's jobs and models have their network interfaces."""

from dataclasses import dataclass
from typing import Annotated, Literal

from config.rules import Matches, NotEmpty

# IPv4 networks; that they fit into each other is the checks' to say.
Cidr = Annotated[
    str, Matches(r"\d{1,3}(\.\d{1,3}){3}/\d{1,2}", "an IPv4 network such as 10.40.0.0/16")
]
SubnetId = Annotated[str, Matches(r"subnet-[0-9a-f]{8,17}", "the id of a subnet, subnet-…")]
SecurityGroupId = Annotated[str, Matches(r"sg-[0-9a-f]{8,17}", "the id of a security group, sg-…")]
# AWS services that a created VPC can have an interface endpoint for, by the end of its name.
InterfaceEndpoint = Literal[
    "ecr.api",
    "ecr.dkr",
    "kms",
    "logs",
    "monitoring",
    "sagemaker.api",
    "sagemaker.runtime",
    "sts",
]


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A private subnet to be created in an availability zone, which only the account's owner
    knows: a lookup would make the templates depend on who synthesizes them."""

    zone: Annotated[str, Matches(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "a zone such as eu-west-1a")]
    cidr: Cidr


@dataclass(frozen=True, kw_only=True)
class CreatedNetwork:
    """A VPC without a way to the internet, for the jobs and models of the environment.

    ``s3_prefix_list``: AWS's id of S3's addresses in the region, which jobs may connect to.
    ``more_interface_endpoints``: beside those that the models need, billed by the hour and zone.
    """

    cidr: Cidr
    subnets: Annotated[tuple[Subnet, ...], NotEmpty()]
    s3_prefix_list: Annotated[str, Matches(r"pl-[0-9a-f]{8,17}", "the id of a prefix list, pl-…")]
    more_interface_endpoints: tuple[InterfaceEndpoint, ...]
    encrypt_between_instances: bool


@dataclass(frozen=True, kw_only=True)
class ImportedNetwork:
    """Subnets and security groups of a VPC that is there; the subnets say which it is."""

    subnet_ids: Annotated[tuple[SubnetId, ...], NotEmpty()]
    security_group_ids: Annotated[tuple[SecurityGroupId, ...], NotEmpty()]
    encrypt_between_instances: bool


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where jobs and models have their network interfaces. Only the mode's own table may be there.

    ``none``: in no VPC of ours. ``encrypt_between_instances``: of jobs with several machines.
    """

    mode: Literal["none", "imported", "created"]
    imported: ImportedNetwork | None = None
    created: CreatedNetwork | None = None
