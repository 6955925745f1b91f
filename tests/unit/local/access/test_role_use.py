"""What SageMaker does with a role to place a job in a VPC."""

from warmfold_local.access.on_behalf import USES
from warmfold_local.sagemaker.role_use import network_uses


def arn(resource: str, service: str) -> str:
    return f"arn:aws:{service}:us-east-1:000000000000:{resource}"


VPC = {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}


def test_without_a_vpc_nothing_is_asked() -> None:
    assert list(network_uses({}, arn)) == []


def test_an_interface_is_asked_for_in_each_subnet_with_each_group() -> None:
    asked = {
        resource.rpartition(":")[2]
        for row, resource, _ in network_uses(VPC, arn)
        if row == "network interface" and "network-interface" not in resource
    }
    assert asked == {"subnet/subnet-1", "subnet/subnet-2", "security-group/sg-1"}


def test_an_interface_that_is_used_says_which_subnet_it_lies_in() -> None:
    context = [
        context for row, _, context in network_uses(VPC, arn) if row == "network interface use"
    ]
    assert [keys["ec2__Subnet"].rpartition("/")[2] for keys in context] == VPC["Subnets"]


def test_every_row_that_is_asked_is_in_the_table() -> None:
    assert {row for row, _, _ in network_uses(VPC, arn)} <= set(USES)
