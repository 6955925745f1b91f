"""One local cloud for all tests of this folder, and images that stand in for real ones."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from tests.sessions import shared_session
from warmfold_local import launcher
from warmfold_local.cloud import Settings
from warmfold_local.faults.client import FaultsClient
from warmfold_local.launcher import Instance

if TYPE_CHECKING:
    from tests.localcloud.hosting_aids import Hosting

TINY_SERVER = Path(__file__).with_name("tiny_server.py")
START_SECONDS = 30.0

# What tests that are not about permissions give to jobs, functions and stacks; see `with_role`.
ROLE = "arn:aws:iam::000000000000:role/tests"
FOLD_ROLE = "arn:aws:iam::000000000000:role/folds"
_SERVICES = ("cloudformation", "lambda", "sagemaker", "scheduler")


@dataclass(frozen=True)
class RunningCloud:
    """The running local cloud of a test session."""

    instance: Instance
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return self.instance.settings

    def client(self, service: str) -> Any:
        """A boto3 client that does not retry: a failure is to be seen at once."""
        if service not in self._clients:
            self._clients[service] = make_client(self.settings, service)
        return self._clients[service]

    def add_image(self, repository: str, tag: str, argv: list[str], **environment: str) -> str:
        """Put an image of one program in place; its URI."""
        folder = self.settings.images_dir / repository / tag
        folder.mkdir(parents=True, exist_ok=True)
        values = {"Entrypoint": argv, "Cmd": [], "Env": {"PATH": "/usr/bin:/bin", **environment}}
        (folder / "image.json").write_text(json.dumps(values), encoding="utf-8")
        return f"{self.settings.account}.dkr.ecr.us-east-1.amazonaws.com/{repository}:{tag}"

    def tiny_server(self, mode: str = "ok") -> str:
        """URI of an image that serves its model's text; ``mode`` is for `tiny_server.py`."""
        argv = [sys.executable, "-I", str(TINY_SERVER)]
        return self.add_image("tiny-server", mode, argv, TINY_MODE=mode)


def with_role(instance: Instance) -> RunningCloud:
    """The cloud, with the roles ``ROLE`` and ``FOLD_ROLE`` in it, which may do everything."""
    cloud = RunningCloud(instance)
    iam = cloud.client("iam")
    services = [f"{name}.amazonaws.com" for name in _SERVICES]
    trust = policy(Action="sts:AssumeRole", Principal={"Service": services})
    everything = policy(Action="*", Resource="*")
    for name in ("tests", "folds"):
        with suppress(iam.exceptions.EntityAlreadyExistsException):  # of a cloud's earlier life
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=everything)
    return cloud


def policy(**statement: Any) -> str:
    """A document of one statement, ``Effect`` being Allow unless it says otherwise."""
    allow = {"Effect": "Allow", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


# The attributes of a queue that rules may send to, as the CDK's targets write them.
FOR_EVENTS = {
    "Policy": policy(
        Action="sqs:SendMessage", Resource="*", Principal={"Service": "events.amazonaws.com"}
    )
}


def make_client(settings: Settings, service: str, **credentials: str) -> Any:
    members: dict[str, Any] = {
        "aws_access_key_id": settings.account,
        "aws_secret_access_key": settings.secret,
        "region_name": settings.region,
        **credentials,
    }
    session: Any = shared_session()
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        signature_version="s3v4" if service == "s3" else None,
    )
    return session.client(service, endpoint_url=settings.endpoint_url, config=config, **members)


def wait_for(condition: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> Any:
    """The first true value of ``condition``; fails the test if there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    root = tmp_path_factory.mktemp("local cloud")  # a path with a space
    instance = launcher.start(root / "state", root / "images")
    yield with_role(instance)
    assert launcher.stop(root / "state")


@pytest.fixture
def faults(cloud: RunningCloud) -> Iterator[FaultsClient]:
    """Faults of one test; none of them is left to the next."""
    client = FaultsClient(cloud.settings)
    client.clear()
    yield client
    client.clear()


@pytest.fixture(scope="module")
def store(cloud: RunningCloud) -> str:
    """A bucket of one module's tests."""
    name = f"store-{time.time_ns()}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def hosting(cloud: RunningCloud) -> "Iterator[Hosting]":
    from tests.localcloud.hosting_aids import Hosting  # which imports this file

    made = Hosting(cloud)
    yield made
    made.delete_all()
