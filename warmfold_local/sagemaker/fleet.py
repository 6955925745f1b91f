"""The servers behind an endpoint: one child process per variant, whatever its instance count.

Container contract: "Custom inference code with hosting services" in the SageMaker developer
guide. Each server listens on its own free port of 127.0.0.1, given by SAGEMAKER_BIND_TO_PORT.
"""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from warmfold_local.cloud import Cloud, Record
from warmfold_local.data_capture import Capture, Captures, CaptureSettings
from warmfold_local.engine.artifacts import ArtifactError
from warmfold_local.engine.images import ImageNotFound, resolve_image
from warmfold_local.engine.model_server import ModelServer, ServerError, install_model
from warmfold_local.engine.s3 import TransferError, upload_bytes
from warmfold_local.errors import AccessDenied, ValidationError
from warmfold_local.sagemaker.models import ModelContainer, container_of
from warmfold_local.sagemaker.role_use import use_of_container

# SageMaker waits eight minutes for the first ping; a process without an image to pull needs less.
STARTUP_TIMEOUT_SECONDS = 120.0


class FleetError(Exception):
    """A fleet that did not come up; the message is the endpoint's ``FailureReason``."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """One running container."""

    variant: str
    image: str
    container: ModelServer
    capture: Capture | None = None

    @property
    def exit_code(self) -> int | None:
        return self.container.child.wait(0)


def every_variant(config: Record) -> list[dict[str, Any]]:
    """Those that answer, then the shadow."""
    return [*config["ProductionVariants"], *(config.get("ShadowProductionVariants") or ())]


class Fleet:
    """The servers of one endpoint configuration; ``generation`` numbers an endpoint's fleets."""

    def __init__(self, cloud: Cloud, endpoint: str, generation: int, config: Record) -> None:
        self.config = config
        self.servers: dict[str, Server] = {}
        self.shadows: dict[str, Server] = {}
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
        variants = every_variant(self.config)
        try:
            with ThreadPoolExecutor(len(variants)) as pool:
                list(pool.map(self._start_or_give_up, variants))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every server, and write what was captured of it; safe to repeat."""
        self._stopped.set()
        for server in (*self.servers.values(), *self.shadows.values()):
            server.container.stop()
            if server.capture is not None:
                self._cloud.part(Captures).retire(server.capture)

    def _start_or_give_up(self, variant: dict[str, Any]) -> None:
        """One variant's failure ends the others' waiting."""
        try:
            self._start_variant(variant)
        except BaseException:
            self._stopped.set()
            raise

    def _start_variant(self, variant: dict[str, Any]) -> None:
        name = variant["VariantName"]
        try:
            container = container_of(self._cloud, variant["ModelName"])
        except ValidationError as error:  # deleted since the configuration was made
            raise FleetError(error.message) from error
        base_dir = self._folder / f"{self._generation:03d}" / name
        shutil.rmtree(base_dir, ignore_errors=True)  # of an earlier endpoint of this name
        self._use_role(container, name)
        self._install_model(container, base_dir)
        server = self._launch(name, container, base_dir)
        answers = variant in self.config["ProductionVariants"]
        (self.servers if answers else self.shadows)[name] = server
        asked = variant.get("ContainerStartupHealthCheckTimeoutInSeconds")
        self._wait_healthy(server, STARTUP_TIMEOUT_SECONDS if asked is None else float(asked))

    def _use_role(self, container: ModelContainer, variant: str) -> None:
        acting = self._cloud.acting_as(container.role_arn)
        try:
            use_of_container(acting, container.image, f"Endpoints/{self._folder.name}", variant)
        except AccessDenied as error:
            raise FleetError(
                f"Unable to pull the image for variant {variant}: {error.message}"
            ) from error

    def _install_model(self, container: ModelContainer, base_dir: Path) -> None:
        try:
            install_model(
                self._cloud.acting_as(container.role_arn), container.model_data_url, base_dir
            )
        except (TransferError, ArtifactError, ClientError) as error:
            raise FleetError(
                f"Failed to load model data from {container.model_data_url}: {error}"
            ) from error

    def _launch(self, variant: str, container: ModelContainer, base_dir: Path) -> Server:
        try:
            image = resolve_image(self._cloud.settings.images_dir, container.image)
            container_server = ModelServer(
                self._cloud.acting_as(container.role_arn),
                image,
                base_dir=base_dir,
                log_path=self.log_path,
                environment=container.environment,
                isolated=container.isolated or bool(self.config.get("EnableNetworkIsolation")),
            )
        except ImageNotFound as error:
            raise FleetError(f"Unable to pull the image for variant {variant}: {error}") from error
        except OSError as error:
            raise FleetError(
                f"The container for production variant {variant} could not be started: {error}"
            ) from error
        return Server(
            variant=variant,
            image=container.image,
            container=container_server,
            capture=self._capture(variant, container.role_arn),
        )

    def _capture(self, variant: str, role_arn: str | None) -> Capture | None:
        """What is captured is written with the model's role."""
        settings = CaptureSettings.of(self.config.get("DataCaptureConfig"))
        if settings is None:
            return None
        acting = self._cloud.acting_as(role_arn)
        put = partial(upload_bytes, acting, kms=settings.key_id)
        folder = f"{self._folder.name}/{variant}"
        capture = Capture(settings=settings, folder=folder, put=put)
        return self._cloud.part(Captures).add(capture)

    def _wait_healthy(self, server: Server, timeout_seconds: float) -> None:
        try:
            server.container.wait_ready(
                timeout_seconds=timeout_seconds, give_up=self._stopped.is_set
            )
        except ServerError as error:
            if not self._stopped.is_set():
                raise FleetError(self._unhealthy(server.variant, str(error))) from error

    def _unhealthy(self, variant: str, detail: str) -> str:
        place = self.log_path.relative_to(self._cloud.settings.state_dir)
        return (
            f"The primary container for production variant {variant} did not pass the ping health "
            f"check ({detail}). Please check the log of this endpoint: {place}"
        )
