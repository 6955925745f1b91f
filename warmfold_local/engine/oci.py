"""Containers by docker or podman, driven by their command lines.

The client (``docker run``) stands for its container: it gives its output, passes SIGTERM on and
ends with its exit code. A kill goes to the container, which a killed client would leave running.
"""

import os
import subprocess
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from warmfold_local.engine import relay
from warmfold_local.engine.container import BASE_DIR
from warmfold_local.engine.images import Engine
from warmfold_local.engine.leftovers import Cleanup
from warmfold_local.engine.process import Child
from warmfold_local.engine.wires import RelayWire

_COMMAND_SECONDS = 60.0
_INSPECT_SECONDS = 0.02
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class OciChild(Child):
    """A container as a child: ``pid`` is its client's, ``measured_pid`` its own first process."""

    def __init__(
        self,
        engine: Engine,
        arguments: Sequence[str],
        *,
        variables: Mapping[str, str],
        working_dir: Path,
        log_path: Path,
        on_line: Callable[[str], None] | None,
    ) -> None:
        self.name = f"warmfold-{uuid.uuid4().hex}"
        self.engine = engine
        self._measured: int | None = None
        secrets = {name: variables[name] for name in _SECRETS if name in variables}
        self._remove = ["rm", "--force", *(["--time=0"] if engine.is_podman else []), self.name]
        super().__init__(
            [
                *(engine.program, "run", "--rm", f"--name={self.name}"),
                *_environment_options(variables),
                *arguments,
            ],
            environment={**engine.environment, **secrets},
            working_dir=working_dir,
            log_path=log_path,
            on_line=on_line,
            cleanup=Cleanup(
                command=[engine.program, *self._remove], environment=engine.environment
            ),
        )

    @property
    def measured_pid(self) -> int:
        """The container's first process, as this machine counts; waits until there is one."""
        while self._measured is None and self.wait(_INSPECT_SECONDS) is None:
            found = _call(self.engine, "inspect", "--format={{.State.Pid}}", self.name).strip()
            self._measured = int(found) if found.isdigit() and found != "0" else None
        return self.pid if self._measured is None else self._measured

    @property
    def network(self) -> str:
        """What ``--network`` is told to share this container's. Waits until there is one.

        Not by name for podman: a container that another depends on keeps its client waiting for
        20 s at its end (podman 4.3).
        """
        if self.engine.is_podman:
            return f"ns:/proc/{self.measured_pid}/ns/net"
        return f"container:{self.name}"

    def _force_end(self) -> None:
        _call(self.engine, "kill", self.name)

    def _after(self, code: int) -> None:
        """The client's account of itself says nothing of the container."""
        self.used = None
        if code < 0:
            _call(self.engine, *self._remove)


def run_arguments(
    engine: Engine,
    argv: Sequence[str],
    *,
    base_dir: Path,
    hosts_path: Path | None,
    isolated: bool,
    peer: "OciChild | None",
) -> list[str]:
    """What follows ``docker run`` and the variables. ``peer``: whose network to share."""
    network = "host" if not isolated else "none" if peer is None else peer.network
    data = base_dir / "input" / "data"
    options = [
        *("--pull=never", f"--network={network}", "--security-opt=label=disable"),
        *_mount(base_dir, str(BASE_DIR)),
        *(_mount(data, f"{BASE_DIR}/input/data", read_only=True) if data.is_dir() else ()),
        *(() if hosts_path is None else _mount(hosts_path, "/etc/hosts", read_only=True)),
        *_user(engine),
    ]
    return [*options, f"--entrypoint={argv[0]}", engine.image_id, *argv[1:]]


def can_cut_off(engine: Engine) -> bool:
    """Whether a server in a network of its own can be reached: somebody must enter that."""
    return os.geteuid() == 0 or engine.is_podman


def relay_into(child: OciChild, wire: RelayWire, log_path: Path) -> Child:
    """A process in the container's network that relays the wire's connections to its server."""
    engine = child.engine
    enter = [] if os.geteuid() == 0 else [engine.program, "unshare"]
    enter += ["nsenter", f"--target={child.measured_pid}", "--net", "--"]
    (listening,) = wire.descriptors
    return Child(
        [*enter, *relay.relaying(listening=listening, port=wire.port)],
        environment={"PATH": os.environ.get("PATH", os.defpath), **engine.environment},
        working_dir=log_path.parent,
        log_path=log_path,
        descriptors=wire.descriptors,
    )


def _environment_options(variables: Mapping[str, str]) -> list[str]:
    """Secrets by name, as command lines can be read by everybody; the client sees no others."""
    return [
        f"--env={name}" if name in _SECRETS else f"--env={name}={value}"
        for name, value in variables.items()
    ]


def _mount(source: Path, target: str, *, read_only: bool = False) -> tuple[str, str]:
    return "--mount", f"type=bind,src={source},dst={target}" + (",readonly" if read_only else "")


def _user(engine: Engine) -> tuple[str, ...]:
    """SageMaker's containers run as root; docker would leave an ordinary user root's files."""
    if engine.is_podman or os.geteuid() == 0:
        return ()
    return (f"--user={os.geteuid()}:{os.getegid()}",)


def _call(engine: Engine, *arguments: str) -> str:
    """The command's output; empty if it failed, as when the container is gone already."""
    result = subprocess.run(
        [engine.program, *arguments],
        env=dict(engine.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    return result.stdout if result.returncode == 0 else ""
