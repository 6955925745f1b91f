"""A model's ``serve`` container: started, pinged until it answers, invoked, stopped.

Hosting contract (SageMaker developer guide, "Custom inference code with hosting services" and
"… with batch transform"): ``GET /ping``, ``POST /invocations``, ``GET /execution-parameters``.
"""

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from warmfold_local.cloud import Cloud
from warmfold_local.engine import sandbox
from warmfold_local.engine.artifacts import extract_model
from warmfold_local.engine.container import command_line
from warmfold_local.engine.images import Image
from warmfold_local.engine.launch import Launch, start
from warmfold_local.engine.oci import OciChild, can_cut_off, relay_into
from warmfold_local.engine.process import Child
from warmfold_local.engine.s3 import download_object
from warmfold_local.engine.wires import PortWire, RelayWire, Wire

# SIGTERM, then SIGKILL 30 s later (hosting; training has 120).
STOP_GRACE_SECONDS = 30.0

# A container that does not answer within 8 minutes of its start has failed.
START_SECONDS = 480.0
PING_SECONDS = 2.0


class ServerError(Exception):
    """The container did not start, or ended; the message says which, and where the log is."""


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    body: bytes


class ModelServer:
    """One running container. ``base_dir/model`` holds the unpacked model before it starts.

    ``isolated``: without credentials and, where this machine can do that, without a network.
    """

    def __init__(
        self,
        cloud: Cloud,
        image: Image,
        *,
        base_dir: Path,
        log_path: Path,
        environment: Mapping[str, str],
        isolated: bool,
    ) -> None:
        self.log_path = log_path
        self._wire = _wire(image, base_dir, isolated=isolated)
        self._relay: Child | None = None
        launch = Launch(
            image=image,
            argv=command_line(image, default=("serve",)),
            variables={
                **environment,
                "SAGEMAKER_BIND_TO_PORT": str(self._wire.port),
                "WARMFOLD_BIND_HOST": "127.0.0.1",
            },
            base_dir=base_dir,
            log_path=log_path,
            isolated=isolated,
        )
        try:
            self.child = start(cloud, launch, wire=self._wire)
            if isinstance(self.child, OciChild) and isinstance(self._wire, RelayWire):
                self._relay = relay_into(self.child, self._wire, log_path)
        except BaseException:
            self._wire.close()
            raise
        self._wire.started()

    def wait_ready(
        self, *, timeout_seconds: float = START_SECONDS, give_up: Callable[[], bool]
    ) -> None:
        """Ping until the answer is 200; ``give_up`` is asked between pings.

        Raises ``ServerError`` if the container ends, or does not answer in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self.ping():
            code = self.child.wait(0.02)
            if code is not None:
                raise ServerError(f"the model container ended with exit code {code}")
            if give_up():
                raise ServerError("the model container was stopped before it was ready")
            if time.monotonic() > deadline:
                raise ServerError(
                    f"the model container did not answer /ping with 200 in {timeout_seconds:g} s"
                )

    def ping(self) -> bool:
        try:
            return self.request("GET", "/ping", timeout_seconds=PING_SECONDS).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        """A new one to the container's server, not yet opened."""
        return self._wire.connection(timeout_seconds)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float,
    ) -> Reply:
        """One exchange on a connection of its own. Raises ``OSError`` or ``HTTPException``."""
        connection = self.connection(timeout_seconds)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            content_type = response.headers.get("Content-Type", "")
            return Reply(response.status, content_type, response.read())
        finally:
            connection.close()

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> int:
        code = self.child.stop(grace_seconds)
        if self._relay is not None:
            self._relay.stop(0)
        self._wire.close()
        return code


def _wire(image: Image, base_dir: Path, *, isolated: bool) -> Wire:
    """A port, or a socket for a container that can be kept from the network."""
    can = sandbox.isolation().network if image.engine is None else can_cut_off(image.engine)
    return RelayWire(base_dir.with_suffix(".sock")) if isolated and can else PortWire()


def install_model(cloud: Cloud, model_data_url: str | None, base_dir: Path) -> None:
    """Unpack a model's ``model.tar.gz``, if it has one, into ``base_dir/model``.

    Raises ``TransferError`` or ``ArtifactError``.
    """
    folder = base_dir / "model"
    folder.mkdir(parents=True, exist_ok=True)
    if model_data_url is None:
        return
    archive = base_dir / "model.tar.gz"
    try:
        download_object(cloud, model_data_url, archive)
        extract_model(archive, folder)
    finally:
        archive.unlink(missing_ok=True)
