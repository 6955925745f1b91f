"""Starts one container: as a process behind walls, or by the container engine its image is for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warmfold_local.cloud import Cloud
from warmfold_local.engine import sandbox
from warmfold_local.engine.container import BASE_DIR, container_environment
from warmfold_local.engine.images import Image
from warmfold_local.engine.oci import OciChild, run_arguments
from warmfold_local.engine.process import Child
from warmfold_local.engine.walls import Walls
from warmfold_local.engine.wires import Wire


@dataclass(frozen=True, kw_only=True)
class Launch:
    """``argv`` with ``variables`` beside the image's own and the platform's.

    ``isolated``: without credentials and network. ``hosts_path``: the ``/etc/hosts`` of a job's
    containers.
    """

    image: Image
    argv: Sequence[str]
    variables: Mapping[str, str]
    base_dir: Path
    log_path: Path
    isolated: bool
    hosts_path: Path | None = None


def start(
    cloud: Cloud,
    launch: Launch,
    *,
    peer: Child | None = None,
    network: int | None = None,
    wire: Wire | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Child:
    """The running container; raises ``OSError`` if it cannot be started.

    An isolated one shares the network of ``peer``, a container of an engine, or of the process
    ``network``, if there is one. ``wire`` is the way to its server.
    """
    if launch.image.engine is not None:
        return _by_engine(cloud, launch, peer, wire, on_line)
    return _as_process(cloud, launch, network, wire, on_line)


def _environment(cloud: Cloud, launch: Launch, inside: Path) -> dict[str, str]:
    return container_environment(
        cloud,
        launch.image,
        base_dir=launch.base_dir,
        extra=launch.variables,
        isolated=launch.isolated,
        inside=inside,
    )


def _as_process(
    cloud: Cloud,
    launch: Launch,
    network: int | None,
    wire: Wire | None,
    on_line: Callable[[str], None] | None,
) -> Child:
    values = _environment(cloud, launch, sandbox.inside(launch.base_dir))
    argv = [sandbox.program(launch.argv[0], values), *launch.argv[1:]]
    command = argv if wire is None else wire.command(argv)
    walls = Walls(
        base_dir=launch.base_dir,
        state_dir=cloud.settings.state_dir,
        readable=sandbox.readable(cloud.settings.images_dir, values, command),
        hosts_file=launch.hosts_path,
        no_network=launch.isolated,
        network_of=network,
    )
    return Child(
        sandbox.enter(command, walls, values),
        environment=values,
        working_dir=launch.base_dir,
        log_path=launch.log_path,
        on_line=on_line,
        first_process=sandbox.first_process,
        descriptors=() if wire is None else wire.descriptors,
    )


def _by_engine(
    cloud: Cloud,
    launch: Launch,
    peer: Child | None,
    wire: Wire | None,
    on_line: Callable[[str], None] | None,
) -> Child:
    engine = launch.image.engine
    if engine is None:
        raise ValueError(f"{launch.image.uri} is not a container engine's image")
    own_network = wire is None or wire.cut_off
    arguments = run_arguments(
        engine,
        launch.argv,
        base_dir=launch.base_dir,
        hosts_path=launch.hosts_path,
        isolated=launch.isolated and own_network,
        peer=peer if isinstance(peer, OciChild) else None,
    )
    return OciChild(
        engine,
        arguments,
        variables=_environment(cloud, launch, Path(BASE_DIR)),
        working_dir=launch.base_dir,
        log_path=launch.log_path,
        on_line=on_line,
    )
