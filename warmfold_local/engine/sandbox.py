"""Walls around a container, where this machine can build them; never required, never pretended.

- ``bubblewrap``: its own processes, a private ``/opt/ml`` at the real path, a private ``/tmp``,
  everything else read-only, the local cloud's state and the user's keys out of sight.
- ``unshare`` (util-linux): its own processes; the local cloud's secret out of sight.
- ``none``: a plain child process.

With the first two a job's hosts have names (``/etc/hosts``), and network isolation is real. They
contain programs that err; against hostile code use a virtual machine.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from warmfold_local.engine.hosts import own_addresses
from warmfold_local.engine.process import Child
from warmfold_local.engine.resources import children
from warmfold_local.engine.walls import Builder, Walls, base_inside, bubblewrap_argv, unshare_argv

Kind = Literal["bubblewrap", "unshare", "none"]

_PROBE_SECONDS = 10.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_forced: Kind | None = None


@dataclass(frozen=True, kw_only=True)
class Isolation:
    """What holds a container here; ``remedy`` says how to get more, empty if there is no more."""

    kind: Kind
    files: bool
    processes: bool
    network: bool
    host_names: bool
    remedy: str

    def to_dict(self) -> dict[str, str | bool]:
        return asdict(self)


def isolation() -> Isolation:
    """What is in force, found out once by trying it."""
    kind = _forced or _detected()
    walled = kind != "none"
    return Isolation(
        kind=kind,
        files=kind == "bubblewrap",
        processes=walled,
        network=walled,
        host_names=walled,
        remedy="" if kind == "bubblewrap" else "install bubblewrap (Linux only)",
    )


def write_report(state_dir: Path) -> None:
    """``isolation.json``: what is in force, for whoever asks; the server writes it at its start."""
    values = {**isolation().to_dict(), "own_addresses": own_addresses()}
    text = json.dumps(values, indent=2) + "\n"
    (state_dir / "isolation.json").write_text(text, encoding="utf-8")


@contextmanager
def forced(kind: Kind) -> Iterator[None]:
    """Use this kind for now, whatever was found."""
    global _forced
    before, _forced = _forced, kind
    try:
        yield
    finally:
        _forced = before


@functools.cache
def usable(kind: Kind) -> bool:
    """Whether a program can be run that way here, with a network of its own."""
    with tempfile.TemporaryDirectory() as name:
        walls = Walls(base_dir=Path(name), state_dir=Path(name) / "state", no_network=True)
        try:
            probe = subprocess.run(
                _walled(kind, ["true"], walls),
                capture_output=True,
                env={"PATH": _PATH},
                timeout=_PROBE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return probe.returncode == 0 and bool(Path("/proc/self/ns/net").exists())


def enter(argv: Sequence[str], walls: Walls, environment: Mapping[str, str]) -> list[str]:
    """The vector that runs ``argv`` behind the walls.

    Raises ``FileNotFoundError`` if its program is not on the container's PATH: from behind the
    walls it would be an exit code.
    """
    return _walled(isolation().kind, [program(argv[0], environment), *argv[1:]], walls)


def program(name: str, environment: Mapping[str, str]) -> str:
    """The path of a container's program. Raises ``FileNotFoundError`` if its PATH has none."""
    found = shutil.which(name, path=environment.get("PATH", _PATH))
    if found is None:
        raise FileNotFoundError(f"{name!r} is not a program on the image's PATH")
    return found


def inside(base_dir: Path) -> Path:
    """Where the container finds ``base_dir``."""
    return base_inside(base_dir) if isolation().kind == "bubblewrap" else base_dir


def first_process(pid: int) -> int | None:
    """The container's own first process, of the program ``pid`` that built its walls.

    Behind walls process 1 only waits; what it started first is the container. ``None`` while
    there is none.
    """
    if isolation().kind == "none":
        return pid
    waiting = next(iter(children(pid)), None)
    return None if waiting is None else next(iter(children(waiting)), None)


@contextmanager
def peer_network(folder: Path) -> Iterator[int]:
    """A network with nothing but a loopback device, for several containers; whose process it is.

    Raises ``OSError`` if it cannot be made.
    """
    walls = Walls(base_dir=folder, state_dir=folder / "none", no_network=True)
    # Without root, bubblewrap's network belongs to a user namespace that nobody can enter.
    kind = isolation().kind if os.geteuid() == 0 else "unshare"
    holder = Child(
        _walled(kind, ["sleep", "infinity"], walls),
        environment={"PATH": _PATH},
        working_dir=folder,
        log_path=folder / "network.txt",
    )
    try:
        yield _waiting_process(holder)
    finally:
        holder.stop(0)
        (folder / "network.txt").unlink(missing_ok=True)


def readable(
    images_dir: Path, environment: Mapping[str, str], argv: Sequence[str]
) -> tuple[Path, ...]:
    """The image, the interpreter, and what else its search paths and its command name."""
    named = [
        Path(name)
        for variable in ("PATH", "PYTHONPATH")
        for name in environment.get(variable, "").split(os.pathsep)
        if name.startswith("/")
    ]
    folders = [images_dir, Path(sys.prefix), Path(sys.base_prefix), *named]
    kept = [path for path in dict.fromkeys(folders) if path.is_dir()]
    words = [Path(word) for word in argv if word.startswith("/")]
    files = [
        path
        for path in dict.fromkeys(words)
        if path.is_file() and not any(path.is_relative_to(folder) for folder in kept)
    ]
    return (*kept, *files)


def _waiting_process(holder: Child) -> int:
    """Process 1 behind the walls, once they stand: the program runs."""
    deadline = time.monotonic() + _PROBE_SECONDS
    while _name(first_process(holder.pid)) != "sleep":
        if time.monotonic() > deadline or holder.wait(0.002) is not None:
            raise OSError("the network of the job's hosts could not be made")
    return children(holder.pid)[0]


def _name(pid: int | None) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:  # not there yet, or not any more
        return ""


def _walled(kind: Kind, argv: Sequence[str], walls: Walls) -> list[str]:
    return _BUILDERS[kind](argv, walls)


def _plain(argv: Sequence[str], walls: Walls) -> list[str]:  # noqa: ARG001 - one of the builders
    return list(argv)


def _detected() -> Kind:
    if usable("bubblewrap"):
        return "bubblewrap"
    return "unshare" if usable("unshare") else "none"


_BUILDERS: dict[Kind, Builder] = {
    "bubblewrap": bubblewrap_argv,
    "unshare": unshare_argv,
    "none": _plain,
}
