"""The servers behind an endpoint: one child process per variant, whatever its instance count.

Container contract: "Custom inference code with hosting services" in the SageMaker developer
guide. Each server listens on its own free port of 127.0.0.1, given by SAGEMAKER_BIND_TO_PORT.
"""

import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.engine.artifacts import ArtifactError, extract_model
from warmfold_local.engine.container import command_line, container_environment
from warmfold_local.engine.images import ImageNotFound, resolve_image
from warmfold_local.engine.process import Child
from warmfold_local.engine.s3 import TransferError, download_object
from warmfold_local.sagemaker.models import ModelContainer, container_of

# "/ping … within 2 seconds" (developer guide, as above).
PING_TIMEOUT_SECONDS = 2.0
PING_INTERVAL_SECONDS = 0.1

# SageMaker waits eight minutes for the first ping; a process without an image to pull needs less.
STARTUP_TIMEOUT_SECONDS = 120.0

# SIGKILL follows SIGTERM after 30 seconds (developer guide, as above).
STOP_GRACE_SECONDS = 30.0


class FleetError(Exception):
    """A fleet that did not come up; the message is the endpoint's ``FailureReason``."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """One running container, reached at ``http://127.0.0.1:{port}``."""

    variant: str
    image: str
    port: int
    child: Child

    @property
    def exit_code(self) -> int | None:
        return self.child.wait(0)


class Fleet:
    """The servers of one endpoint configuration; ``generation`` numbers an endpoint's fleets."""

    def __init__(self, cloud: Cloud, endpoint: str, generation: int, config: Record) -> None:
        self.config = config
        self.servers: dict[str, Server] = {}
        self._cloud = cloud
        self._stopped = threading.Event()
        self._folder = cloud.settings.state_dir / "jobs" / "endpoint" / endpoint
        self._generation = generation

    @property
    def log_path(self) -> Path:
        """One log for all servers that an endpoint ever had."""
        return self._folder / "log.txt"

    def start(self) -> None:
        """Start every variant's server and wait until all answer /ping.

        Raises ``FleetError``; what had been started is stopped again then.
        """
        variants = self.config["ProductionVariants"]
        try:
            with ThreadPoolExecutor(len(variants)) as pool:
                list(pool.map(self._start_or_give_up, variants))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every server; safe to repeat."""
        self._stopped.set()
        for server in list(self.servers.values()):
            server.child.stop(STOP_GRACE_SECONDS)

    def _start_or_give_up(self, variant: dict[str, Any]) -> None:
        """One variant's failure ends the others' waiting."""
        try:
            self._start_variant(variant)
        except BaseException:
            self._stopped.set()
            raise

    def _start_variant(self, variant: dict[str, Any]) -> None:
        name = variant["VariantName"]
        container = container_of(self._cloud, variant["ModelName"])
        base_dir = self._folder / f"{self._generation:03d}" / name
        self._install_model(container, base_dir)
        server = self._launch(name, container, base_dir)
        self.servers[name] = server
        asked = variant.get("ContainerStartupHealthCheckTimeoutInSeconds")
        self._wait_healthy(server, STARTUP_TIMEOUT_SECONDS if asked is None else float(asked))

    def _install_model(self, container: ModelContainer, base_dir: Path) -> None:
        folder = base_dir / "model"
        folder.mkdir(parents=True, exist_ok=True)
        if container.model_data_url is None:
            return
        archive = base_dir / "model.tar.gz"
        try:
            download_object(self._cloud, container.model_data_url, archive)
            extract_model(archive, folder)
        except (TransferError, ArtifactError) as error:
            raise FleetError(
                f"Failed to load model data from {container.model_data_url}: {error}"
            ) from error
        finally:
            archive.unlink(missing_ok=True)

    def _launch(self, variant: str, container: ModelContainer, base_dir: Path) -> Server:
        port = _free_port()
        try:
            image = resolve_image(self._cloud.settings.images_dir, container.image)
        except ImageNotFound as error:
            raise FleetError(f"Unable to pull the image for variant {variant}: {error}") from error
        platform = {"SAGEMAKER_BIND_TO_PORT": str(port), "WARMFOLD_BIND_HOST": "127.0.0.1"}
        environment = container_environment(
            self._cloud,
            image,
            base_dir=base_dir,
            extra={**container.environment, **platform},
            isolated=container.isolated,
        )
        argv = command_line(image, default=("serve",))
        try:
            child = Child(
                argv, environment=environment, working_dir=base_dir, log_path=self.log_path
            )
        except OSError as error:
            raise FleetError(
                f"The container for production variant {variant} could not be started: {error}"
            ) from error
        return Server(variant=variant, image=container.image, port=port, child=child)

    def _wait_healthy(self, server: Server, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline and not self._stopped.is_set():
            if _ping(server.port):
                return
            code = server.child.wait(PING_INTERVAL_SECONDS)
            if code is not None:
                raise FleetError(self._unhealthy(server.variant, f"it ended with exit code {code}"))
        if not self._stopped.is_set():
            raise FleetError(self._unhealthy(server.variant, f"waited {timeout_seconds:.0f} s"))

    def _unhealthy(self, variant: str, detail: str) -> str:
        place = self.log_path.relative_to(self._cloud.settings.state_dir)
        return (
            f"The primary container for production variant {variant} did not pass the ping health "
            f"check ({detail}). Please check the log of this endpoint: {place}"
        )


def _ping(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PING_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    """A port that was free a moment ago; a server that loses it to another fails its ping."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
