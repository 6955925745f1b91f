"""What docs/network.md says about taking something out of a created network."""

import json
import re
from pathlib import Path

from config.load import REPOSITORY
from tests.unit.infrastructure.assembly import Assembly, Template
from tests.unit.infrastructure.networks import CREATED, NETWORK, synthesized

STACKS = ("training", "delivery", "serving", "batch")
ZONES = [
    {"zone": f"eu-west-1{zone}", "cidr": f"10.42.{n * 16}.0/20"} for n, zone in enumerate("ab")
]


def imports(template: Template) -> set[str]:
    found = re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(template.content))
    return {name for name in found if name.startswith("warmfold-prod-network:")}


def exports(template: Template) -> set[str]:
    outputs = template.content["Outputs"].values()
    return {output["Export"]["Name"] for output in outputs if "Export" in output}


def importing(assembly: Assembly) -> set[str]:
    return {name.rpartition("-")[2] for name, each in assembly.templates.items() if imports(each)}


def test_a_subnet_is_left_by_the_models_stacks_before_the_networks_gives_it_up(
    prod: Assembly, tmp_path: Path
) -> None:
    fewer = synthesized(tmp_path, ((*CREATED, "subnets"), ZONES))
    before, after = exports(prod.stack("network")), exports(fewer.stack("network"))
    used = set().union(*(imports(each) for each in prod.templates.values()))

    # The network's stack first, as with --all: it gives up what is still imported.
    assert (before - after) & used
    # The models' stacks first: they need nothing that is not there, and let go of the rest.
    for template in fewer.templates.values():
        assert imports(template) <= before & after, template.name


def test_without_a_network_of_ours_nothing_of_it_is_imported(tmp_path: Path) -> None:
    without = synthesized(tmp_path, (NETWORK, {"mode": "none"}))
    assert importing(without) == set()


def test_the_stacks_to_deploy_first_are_all_that_import_from_the_networks(prod: Assembly) -> None:
    assert importing(prod) <= set(STACKS)
    page = (REPOSITORY / "docs" / "network.md").read_text(encoding="utf-8")
    command = next(line for line in page.splitlines() if "--exclusively" in line)
    assert re.findall(r"'warmfold-prod-\*-(\w+)'", command) == list(STACKS)
