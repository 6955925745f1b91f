"""Images for the container engines: the Dockerfiles really built, by docker or podman.

The local cloud finds them as it finds the process engine's: ``image.json`` in the image's folder,
which here names the engine and the image's id in it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from warmfold.image_steps import ImageBuildError, Steps, published, put_aside

ContainerEngine = Literal["docker", "podman"]

IMAGE_FILE = "image.json"

# Media types of Docker and no provenance: endpoints refuse OCI manifests (docs/decisions/0006).
_BUILD: dict[ContainerEngine, tuple[str, ...]] = {
    "docker": ("buildx", "build", "--provenance=false", "--output=type=docker"),
    "podman": ("build", "--format=docker"),
}
_CHECKS: dict[ContainerEngine, tuple[tuple[str, ...], ...]] = {
    "docker": (("version",), ("buildx", "version")),
    "podman": (("info",),),
}
_CHECK_SECONDS = 60.0

# Names a mirror of the Dockerfiles' base, where their own registry is not to be had.
BASE_IMAGE = "WARMFOLD_BASE_IMAGE"

# What the engines' clients read of a user's surroundings; another base is another image.
_CLIENT_VARIABLES = (
    BASE_IMAGE,
    "PATH",
    "HOME",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "CONTAINER_HOST",
    "CONTAINER_SSHKEY",
    "CONTAINER_CONNECTION",
)
_CLIENT_PREFIXES = ("DOCKER_", "CONTAINERS_", "BUILDAH_", "BUILDX_")


@dataclass(frozen=True, kw_only=True)
class EngineClient:
    """A container engine that works here: its program, and the variables it needs."""

    name: ContainerEngine
    program: str
    environment: dict[str, str]

    def inspected(self, image: str) -> dict[str, Any] | None:
        """The image's id and configuration, or ``None`` if the engine does not have it."""
        result = self._call("image", "inspect", image)
        return dict(json.loads(result.stdout)[0]) if result.returncode == 0 else None

    def fault(self) -> str | None:
        """Why it cannot be used."""
        for check in _CHECKS[self.name]:
            result = self._call(*check)
            if result.returncode != 0:
                told = (result.stderr.strip().splitlines() or ["it said nothing"])[-1]
                return f"`{self.name} {' '.join(check)}` failed: {told}"
        return None

    def _call(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CHECK_SECONDS,
            check=False,
        )


def engine_client(name: ContainerEngine) -> EngineClient:
    """Raises ``ImageBuildError`` if the engine is not installed, or does not work."""
    if sys.platform != "linux":
        raise ImageBuildError(
            f"the local cloud runs containers on Linux only: elsewhere {name} keeps them in a "
            "virtual machine that does not reach 127.0.0.1; leave out --engine"
        )
    program = shutil.which(name)
    if program is None:
        raise ImageBuildError(f"{name} is not installed: install it, or leave out --engine")
    environment = {
        key: value
        for key, value in os.environ.items()
        if key in _CLIENT_VARIABLES or key.startswith(_CLIENT_PREFIXES)
    }
    client = EngineClient(name=name, program=program, environment=environment)
    fault = client.fault()
    if fault is not None:
        raise ImageBuildError(f"{name} does not work here: {fault}")
    return client


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One Dockerfile and the project that goes into its image; ``name`` is ``repository:tag``."""

    name: str
    dockerfile: Path
    project_dir: Path

    @property
    def local_name(self) -> str:
        return f"localhost/{self.name}"


def up_to_date(client: EngineClient, folder: Path) -> bool:
    """Whether ``folder`` describes an image that this engine still has."""
    path = folder / IMAGE_FILE
    engine = json.loads(path.read_text(encoding="utf-8")).get("Engine") if path.is_file() else None
    return (
        engine is not None
        and engine["Program"] == client.program
        and engine["Environment"] == client.environment
        and client.inspected(engine["ImageId"]) is not None
    )


def build_container_image(
    client: EngineClient, recipe: Recipe, target: Path, workshop: Path, log_path: Path
) -> None:
    """Build, and describe the image in ``target``. Raises ``ImageBuildError``."""
    steps = Steps(recipe.name, log_path)
    steps.run(f"building it with {client.name}", _build_argv(client, recipe), client.environment)
    found = client.inspected(recipe.local_name)
    if found is None:
        raise ImageBuildError(f"image {recipe.name}: {client.name} built it and does not have it")
    put_aside(target, workshop)
    with published(target, workshop) as folder:
        text = json.dumps(_description(client, found), indent=2) + "\n"
        (folder / IMAGE_FILE).write_text(text, encoding="utf-8")


def _build_argv(client: EngineClient, recipe: Recipe) -> Sequence[str | Path]:
    return [
        client.program,
        *_BUILD[client.name],
        f"--build-context=project={recipe.project_dir}",
        *_certificates(),
        *_base(client),
        f"--file={recipe.dockerfile}",
        f"--tag={recipe.local_name}",
        recipe.dockerfile.parents[1],
    ]


def _base(client: EngineClient) -> tuple[str, ...]:
    mirror = client.environment.get(BASE_IMAGE)
    return (f"--build-arg=BASE_IMAGE={mirror}",) if mirror else ()


def _certificates() -> tuple[str, ...]:
    """The user's own certificate authorities, as the secret that the Dockerfiles read."""
    path = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    return (f"--secret=id=ca_bundle,src={path}",) if path else ()


def _description(client: EngineClient, found: dict[str, Any]) -> dict[str, Any]:
    configuration = found["Config"]
    return {
        "Entrypoint": configuration["Entrypoint"],
        "Cmd": configuration["Cmd"],
        "Engine": {
            "Program": client.program,
            "ImageId": found["Id"],
            "Environment": client.environment,
        },
    }
