"""Production with another network, as its file could say it."""

from pathlib import Path
from typing import Any

from config.load import load_settings
from tests.unit.config.environment_file import set_at, values, write
from tests.unit.infrastructure.assembly import Assembly, Template, synthesize

IMPORTED = {
    "mode": "imported",
    "imported": {
        "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "security_group_ids": ["sg-0123456789abcdef0"],
        "encrypt_between_instances": False,
    },
}
NETWORK = ("environment", "network")
CREATED = (*NETWORK, "created")
STRATEGY = ("models", 0, "cross_validation", "strategy")


def synthesized(folder: Path, *changes: tuple[tuple[Any, ...], object]) -> Assembly:
    """Production, with values changed in its file."""
    content = values("prod")
    for place, value in changes:
        content = set_at(content, place, value)
    return synthesize(load_settings("prod", write(folder, content)), folder / "out")


def fanning_out(folder: Path) -> Assembly:
    """Trials start their folds through an interface endpoint."""
    return synthesized(folder, (STRATEGY, "fan_out"))


def rules(network: Template, kind: str) -> set[tuple[str, object, str, str]]:
    """Security group rules: protocol, port, the group that has the rule, and the other end."""
    other = "DestinationSecurityGroupId" if kind == "Egress" else "SourceSecurityGroupId"
    return {
        (
            rule["Properties"]["IpProtocol"],
            rule["Properties"].get("FromPort"),
            name_of(network, rule["Properties"]["GroupId"]),
            name_of(network, rule["Properties"][other]),
        )
        for rule in network.of_type(f"AWS::EC2::SecurityGroup{kind}").values()
    }


def name_of(network: Template, reference: Any) -> str:
    """A security group's description."""
    id = reference["Fn::GetAtt"][0]
    return str(network.content["Resources"][id]["Properties"]["GroupDescription"])
