"""The CDK's own command line on the local environment: deploy, diff, deploy again, destroy."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.conftest import ROOT, Client
from tests.localcloud.conftest import RunningCloud, with_role
from warmfold.demo.cdk import cdk_environment
from warmfold_local import launcher

pytestmark = pytest.mark.clients

CDK = str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk")
IMAGES = ROOT / "build" / "images"


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A cloud of its own: what is deployed must not meet other tests' resources."""
    state = tmp_path_factory.mktemp("a cdk cloud") / "state"
    yield with_role(launcher.start(state, IMAGES))
    assert launcher.stop(state)


@pytest.fixture(scope="module")
def cdk(own_cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Any:
    output = tmp_path_factory.mktemp("cdk.out")
    client = Client(cdk_environment(own_cloud.settings, ROOT))
    common = ["--no-notices", "--no-color", "--output", str(output), "-c", "env=local"]

    def run(command: str, *arguments: str) -> str:
        return client.run("node", CDK, command, *arguments, *common, seconds=300)

    run("bootstrap", f"aws://{own_cloud.settings.account}/{own_cloud.settings.region}")
    return run


def stacks(cloud: RunningCloud) -> dict[str, str]:
    pages = cloud.client("cloudformation").get_paginator("describe_stacks").paginate()
    found = {s["StackName"]: s["StackStatus"] for page in pages for s in page["Stacks"]}
    return {name: status for name, status in found.items() if name.startswith("warmfold-")}


def test_the_environment_is_deployed_found_unchanged_and_destroyed(
    cdk: Any, own_cloud: RunningCloud
) -> None:
    cdk("deploy", "--all", "--require-approval", "never", "--concurrency", "3")
    deployed = stacks(own_cloud)
    assert len(deployed) >= 5
    assert set(deployed.values()) == {"CREATE_COMPLETE"}
    cdk("diff", "--all", "--fail")  # exit code 1 if anything differs
    again = cdk("deploy", "--all", "--require-approval", "never", "--concurrency", "3")
    assert stacks(own_cloud) == deployed, again
    cdk("destroy", "--all", "--force")
    assert stacks(own_cloud) == {}
