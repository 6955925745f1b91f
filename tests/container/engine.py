"""Docker or podman, whichever works here, driven by its command line."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warmfold.container_images import BASE_IMAGE

ROOT = Path(__file__).parents[2]
CONTAINERS = ROOT / "containers"
PROJECT = ROOT / "examples" / "german_credit"

# Set by install_engine.sh or by hand: "docker" or "podman".
ENGINE_VARIABLE = "WARMFOLD_ENGINE"

# Less than SageMaker grants; the images must not need more.
HARDENED = (
    *("--user", "1000:1000"),
    "--read-only",
    *("--tmpfs", "/tmp"),
    *("--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges"),
    *("--memory", "1g"),
)
ISOLATED = ("--network", "none")


class NoEngineError(Exception):
    """Says why containers cannot be tested here."""


@dataclass(frozen=True)
class Engine:
    program: str

    def call(
        self, *arguments: str | Path, check: bool = True, timeout_seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Raises ``AssertionError`` with the engine's output if it fails and ``check`` is set."""
        result = subprocess.run(
            [self.program, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def build(self, kind: str, tag: str) -> str:
        """Build a Dockerfile as its own head says; returns the image's name."""
        name = f"localhost/warmfold-test-{kind}:{tag}"
        command = {
            "docker": ("buildx", "build", "--provenance=false", "--output", "type=docker"),
            "podman": ("build", "--format", "docker"),
        }[self.program]
        self.call(
            *command,
            *("--build-context", f"project={PROJECT}"),
            *_certificates(),
            *("--build-arg", f"BASE_IMAGE={_base_image()}"),
            *("--file", CONTAINERS / kind / "Dockerfile", "--tag", name, CONTAINERS),
            timeout_seconds=900,
        )
        return name

    def run(
        self, image: str, *command: str, options: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """A container that ends by itself; its exit code is not checked."""
        variables = [f"--env={name}={value}" for name, value in environment.items()]
        return self.call("run", "--rm", *options, *variables, image, *command, check=False)

    @contextmanager
    def running(self, image: str, *command: str, options: tuple[str, ...]) -> Iterator[str]:
        """A container in the background, by its id; removed at the end."""
        container = self.call("run", "--detach", *options, image, *command).stdout.strip()
        try:
            yield container
        finally:
            self.call("rm", "--force", container)

    def ended(self, container: str) -> int:
        """Stop as SageMaker does (SIGTERM, 30 s) and return the exit code."""
        self.call("stop", "--time", "30", container)
        return int(self.inspect(container, "{{.State.ExitCode}}"))

    def inspect(self, name: str, template: str) -> str:
        return self.call("inspect", "--format", template, name).stdout.strip()


def volume(folder: Path, target: str, *, read_only: bool = False) -> str:
    return f"--volume={folder}:{target}{':ro' if read_only else ''}"


def find_engine(environment: Mapping[str, str] = os.environ) -> Engine:
    """The chosen engine, else the first that works. Raises ``NoEngineError``."""
    chosen = environment.get(ENGINE_VARIABLE)
    reasons = []
    for program in [chosen] if chosen else ["docker", "podman"]:
        reason = _fault(program)
        if reason is None:
            return Engine(program)
        reasons.append(f"{program}: {reason}")
    raise NoEngineError("no container engine (" + "; ".join(reasons) + ")")


def require_base_image(engine: Engine) -> None:
    """Raises ``NoEngineError`` if the Dockerfiles' base image is neither here nor to be had."""
    base = _base_image()
    if engine.call("image", "inspect", base, check=False).returncode == 0:
        return
    pulled = engine.call("pull", base, check=False, timeout_seconds=300)
    if pulled.returncode != 0:
        raise NoEngineError(f"{base} cannot be pulled: see tests/container/install_engine.sh")


def _base_image() -> str:
    """The Dockerfiles' own, or the stand-in that install_engine.sh has made."""
    lines = (CONTAINERS / "trainer" / "Dockerfile").read_text().splitlines()
    own = next(line.partition("=")[2] for line in lines if line.startswith("ARG BASE_IMAGE="))
    return os.environ.get(BASE_IMAGE, own)


def _fault(program: str) -> str | None:
    """Why an engine cannot be used."""
    if shutil.which(program) is None:
        return "not installed"
    checks = {
        "docker": (("docker", "version"), ("docker", "buildx", "version")),
        "podman": (("podman", "info"),),
    }[program]
    for check in checks:
        result = subprocess.run(check, capture_output=True, text=True, check=False, timeout=60)
        if result.returncode != 0:
            return f"`{' '.join(check)}` failed"
    return None


def _certificates() -> tuple[str, ...]:
    """The user's own certificate authorities, as the secret that the Dockerfiles read."""
    path = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    return ("--secret", f"id=ca_bundle,src={path}") if path else ()
