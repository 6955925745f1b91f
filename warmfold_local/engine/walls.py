"""The argument vectors that put walls around a program: bubblewrap's, or ``unshare``'s."""

import os
import pwd
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# What lies in a home and opens something elsewhere.
_KEYS = (".aws", ".ssh", ".gnupg", ".docker", ".kube", ".config/gcloud", ".azure")

_OPT, _ML, _TMP = Path("/opt"), Path("/opt/ml"), Path("/tmp")  # noqa: S108 - mounted over

# As root of its namespace: names the hosts, hides the secret, wakes the loopback device.
_SCRIPT = """
[ -z "$1" ] || mount --bind "$1" /etc/hosts || exit 125
[ ! -e "$2" ] || mount --bind /dev/null "$2" || exit 125
[ -z "$3" ] || ip link set lo up 2>/dev/null
shift 3
"$@"
exit $?
"""


@dataclass(frozen=True, kw_only=True)
class Walls:
    """Around one container. ``base_dir`` alone is writable; ``state_dir`` is hidden but for it.

    ``readable``: folders under a hidden or private one that the program needs all the same.
    ``no_network``: only a loopback device of its own. ``network_of``: instead, the network of
    that process, which the hosts of an isolated job share.
    """

    base_dir: Path
    state_dir: Path
    readable: tuple[Path, ...] = ()
    hosts_file: Path | None = None
    no_network: bool = False
    network_of: int | None = None


Builder = Callable[[Sequence[str], Walls], list[str]]


def bubblewrap_argv(argv: Sequence[str], walls: Walls) -> list[str]:
    """Everything read-only, keys and state hidden, ``/tmp`` and ``/opt/ml`` the container's own.

    Without ``--die-with-parent``: it is bound to the thread that forked, which a model server
    outlives. The end of the process group ends process 1, and with it all the others.
    """
    base = str(walls.base_dir)
    options = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    options += [word for path in _secrets(walls) for word in ("--tmpfs", str(path))]
    for path in walls.readable:
        options += ["--ro-bind", str(path), str(path)]
    options += ["--bind", base, base, *_opt(walls.base_dir), *_read_only_data(walls.base_dir)]
    if walls.hosts_file is not None:
        options += ["--ro-bind", str(walls.hosts_file), "/etc/hosts"]
    options += ["--unshare-pid", "--as-pid-1", "--unshare-ipc"]
    options += ["--chdir", str(base_inside(walls.base_dir))]
    if walls.no_network and walls.network_of is None:
        options.append("--unshare-net")
    return [*_joined(walls), "bwrap", *options, "--", *_waiting(argv)]


def unshare_argv(argv: Sequence[str], walls: Walls) -> list[str]:
    """Processes, host names and network of its own; files are as on the machine."""
    own_network = walls.no_network and walls.network_of is None
    flags = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    flags += [] if os.geteuid() == 0 or walls.network_of else ["--user", "--map-root-user"]
    flags += ["--net"] if own_network else []
    hosts = "" if walls.hosts_file is None else str(walls.hosts_file)
    given = [hosts, str(walls.state_dir / "instance.json"), "lo" if own_network else ""]
    return [*_joined(walls), "unshare", *flags, "--", "sh", "-c", _SCRIPT, "sh", *given, *argv]


def base_inside(base_dir: Path) -> Path:
    """Where a program behind bubblewrap finds ``base_dir``: at ``/opt/ml`` if it can be there."""
    return _ML if _opt(base_dir) else base_dir


def _waiting(argv: Sequence[str]) -> list[str]:
    """A shell as process 1, which waits for the program.

    As process 1 itself the program would not end by a SIGTERM that it does not handle, and
    behind bubblewrap's own process 1 the kernel's count of what it used would be lost.
    """
    return ["sh", "-c", '"$@"; exit $?', "sh", *argv]


def _secrets(walls: Walls) -> list[Path]:
    home = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    keys = [path for name in _KEYS if (path := home / name).is_dir()]
    sockets = [Path("/run")] if walls.no_network and Path("/run").is_dir() else []
    return [*keys, *sockets, _TMP, walls.state_dir]


def _opt(base_dir: Path) -> list[str]:
    """A new ``/opt`` with all that is in it, and ``ml``: to a read-only one nothing is added."""
    if not _OPT.is_dir() or _OPT.is_symlink():
        return []
    options = ["--tmpfs", str(_OPT)]
    for path in sorted(_OPT.iterdir()):
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path != _ML:
            options += ["--ro-bind", str(path), str(path)]
    return [*options, "--bind", str(base_dir), str(_ML)]


def _read_only_data(base_dir: Path) -> list[str]:
    data = base_dir / "input" / "data"
    if not data.is_dir():
        return []
    places = [data, *([_ML / "input" / "data"] if _opt(base_dir) else [])]
    return [word for place in places for word in ("--ro-bind", str(data), str(place))]


def _joined(walls: Walls) -> list[str]:
    if walls.network_of is None:
        return []
    user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    return ["nsenter", f"--target={walls.network_of}", *user, "--net", "--"]
