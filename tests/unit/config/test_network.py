"""Networks that make no sense, refused before anything is synthesized."""

from pathlib import Path

import pytest

from config.checks import is_production
from config.errors import InvalidSettingsError
from config.load import load_settings
from tests.unit.config.environment_file import Place, set_at, values, write
from tests.unit.config.test_checks import messages

NETWORK: Place = ("environment", "network")
CREATED: Place = (*NETWORK, "created")
SUBNETS: Place = (*CREATED, "subnets")
BOUNDARY: Place = ("environment", "permissions_boundary")
IMPORTED = {
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "encrypt_between_instances": False,
}


def subnets(*cidrs: str, zones: str = "abc") -> list[dict[str, str]]:
    return [
        {"zone": f"eu-west-1{zone}", "cidr": cidr} for zone, cidr in zip(zones, cidrs, strict=False)
    ]


def imported(**changes: object) -> dict[str, object]:
    return {"mode": "imported", "imported": {**IMPORTED, **changes}}


@pytest.mark.parametrize(
    "place,value,expected",
    [
        ((*NETWORK, "mode"), "none", 'network.created: means nothing when mode is "none"'),
        ((*NETWORK, "mode"), "imported", 'network.imported: is missing, and mode is "imported"'),
        ((*NETWORK, "mode"), "creatd", "is not a known value, did you mean 'created'?"),
        (NETWORK, {"mode": "created"}, 'network.created: is missing, and mode is "created"'),
        (
            NETWORK,
            {"mode": "none", "imported": IMPORTED},
            'network.imported: means nothing when mode is "none"',
        ),
        (NETWORK, imported(subnet_ids=[]), "subnet_ids = []: is not allowed; give at least one"),
        (NETWORK, imported(subnet_ids=["vpc-1"]), "write the id of a subnet, subnet-…"),
        (NETWORK, imported(security_group_ids=[]), "security_group_ids = []: is not allowed"),
        (
            NETWORK,
            imported(subnet_ids=["subnet-0123456789abcdef0"] * 2),
            '"subnet-0123456789abcdef0"]: has one of them twice; name each once',
        ),
        (
            NETWORK,
            imported(security_group_ids=[f"sg-0123456789abcdef{n}" for n in range(6)]),
            "security_group_ids = 6: are too many; SageMaker takes 5 at most",
        ),
        (
            NETWORK,
            imported(subnet_ids=[f"subnet-0123456789abcde{n}" for n in range(10, 27)]),
            "subnet_ids = 17: are too many; SageMaker takes 16 at most",
        ),
        (SUBNETS, [], "subnets = []: is not allowed; give at least one"),
        (
            SUBNETS,
            subnets("10.42.0.0/20", "10.42.8.0/21"),
            'subnets[1].cidr = "10.42.8.0/21": overlaps subnets[0].cidr (10.42.0.0/20)',
        ),
        (
            SUBNETS,
            subnets("10.42.0.0/20", "10.43.0.0/20"),
            'subnets[1].cidr = "10.43.0.0/20": does not lie in the VPC\'s 10.42.0.0/16',
        ),
        (SUBNETS, subnets("10.42.0.0/20"), "lie in too few availability zones; use 2 or more"),
        (
            SUBNETS,
            subnets("10.42.0.0/20", "10.42.16.0/20", zones="aa"),
            "name an availability zone twice",
        ),
        (SUBNETS, subnets("10.42.0.1/20", "10.42.16.0/20"), '"10.42.0.1/20": is no range of a VPC'),
        (SUBNETS, subnets("10.42.0.0/29", "10.42.16.0/20"), '"10.42.0.0/29": is no range of a VPC'),
        ((*CREATED, "cidr"), "10.0.0.0/8", 'created.cidr = "10.0.0.0/8": is no range of a VPC'),
        ((*CREATED, "cidr"), "10.999.0.0/16", '"10.999.0.0/16": is no range of a VPC'),
        ((*CREATED, "cidr"), "ten", "write an IPv4 network such as 10.40.0.0/16"),
        ((*CREATED, "s3_prefix_list"), "s3", "write the id of a prefix list, pl-…"),
        ((*CREATED, "more_interface_endpoints"), ["sts", "sts"], "has one of them twice"),
        ((*CREATED, "more_interface_endpoints"), ["sagemaker"], "did you mean 'sagemaker.api'?"),
        (("environment", "region"), "us-east-1", 'zone = "eu-west-1a": is no zone of us-east-1'),
        (BOUNDARY, "boundary", "write the ARN of a managed policy"),
        (
            BOUNDARY,
            "arn:aws:iam::111111111111:policy/team",
            "is no policy of account 333333333333",
        ),
    ],
)
def test_a_network_must_make_sense(
    tmp_path: Path, place: Place, value: object, expected: str
) -> None:
    found = messages(tmp_path, (place, value))
    assert any(expected in message for message in found), found


def test_all_faults_of_a_network_are_told_at_once(tmp_path: Path) -> None:
    crowded = subnets("10.42.0.0/20", "10.42.0.0/21", "10.50.0.0/20", zones="aab")
    found = messages(tmp_path, (SUBNETS, crowded))
    assert len(found) == 3, found


@pytest.mark.parametrize(
    "name,strict", [("prod", True), ("prod-eu", True), ("production", False), ("dev", False)]
)
def test_production_may_be_several_environments(name: str, strict: bool) -> None:
    assert is_production(name) is strict


def test_each_of_several_productions_is_asked_more(tmp_path: Path) -> None:
    change = (("storage", "removable"), True)
    content = set_at(values(), *change)
    write(tmp_path, content, "prod-eu")
    with pytest.raises(InvalidSettingsError, match="would delete production's data"):
        load_settings("prod-eu", tmp_path)
