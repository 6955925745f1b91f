"""The hosts of a training job, out of ``resourceconfig.json``, and where they find each other."""

import ipaddress
import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from warmfold_contract.documents import json_object
from warmfold_contract.errors import UserError
from warmfold_contract.paths import Paths

LOGGER = logging.getLogger(__name__)

# Where names are not enough (hosts that share a machine without namespaces of their own):
# ``algo-1=127.0.0.1:4001,algo-2=127.0.0.1:4002``; a port only where it must be that one.
ADDRESSES_VARIABLE = "WARMFOLD_HOST_ADDRESSES"

# Every host listens on the same port of its own address, but on a shared loopback device on one
# that its address gives.
_PORT = 12_400

# Hosts of a job start at different moments, and a name may not be known before its host has.
NAMES_SECONDS = 600.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """``names`` are sorted, as SageMaker gives them; ``current`` is this host."""

    names: tuple[str, ...]
    current: str

    @property
    def size(self) -> int:
        return len(self.names)

    @property
    def rank(self) -> int:
        """From 0; that host writes the model."""
        return self.names.index(self.current)

    def places(
        self,
        *,
        find: Callable[[str], str] = socket.gethostbyname,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> list[tuple[str, int]]:
        """Address and port of every host, by rank.

        Raises ``UserError`` for a name that is still unknown after ``NAMES_SECONDS``, which are
        those of all names together.
        """
        given = _given_addresses()
        names = _Names(find=find, clock=clock, sleep=sleep, until=clock() + NAMES_SECONDS)
        return [given.get(name) or _at(names.address(name)) for name in self.names]


def read_cluster(paths: Paths) -> Cluster:
    """One host if there is no ``resourceconfig.json``. Raises ``UserError`` for a broken one."""
    path = paths.resource_config
    if not path.is_file():
        return Cluster(names=("algo-1",), current="algo-1")
    values = json_object(path.name, path.read_text(encoding="utf-8"))
    names, current = values.get("hosts"), values.get("current_host")
    if not isinstance(names, list) or current not in names:
        raise UserError(f"{path.name} does not name this host among the job's hosts")
    return Cluster(names=tuple(sorted(map(str, names))), current=str(current))


def require_one_host(paths: Paths, work: str) -> None:
    """Raises ``UserError`` if the job has several hosts."""
    size = read_cluster(paths).size
    if size > 1:
        raise UserError(
            f"{work} runs on one instance, and this job has {size}: set its instance_count to 1 "
            "(only the final training of lightgbm uses several)"
        )


def _given_addresses() -> dict[str, tuple[str, int]]:
    found = {}
    for entry in filter(None, os.environ.get(ADDRESSES_VARIABLE, "").split(",")):
        name, _, place = entry.partition("=")
        address, _, port = place.partition(":")
        found[name] = (address, int(port)) if port else _at(address)
    return found


@dataclass(frozen=True, kw_only=True)
class _Names:
    """Asked again and again, until the clock shows ``until``."""

    find: Callable[[str], str]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    until: float

    def address(self, name: str) -> str:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return self.find(name)
            except OSError as error:
                if self.clock() + pause > self.until:
                    raise _not_found(name, error) from error
                LOGGER.info("host %s is not known by its name yet: %s", name, error)
            self.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _not_found(name: str, error: OSError) -> UserError:
    return UserError(
        f"host {name} of this job cannot be found by its name, after {NAMES_SECONDS / 60:g} "
        f"minutes ({error}): see in that host's log whether it started, and run the job again"
    )


def _at(address: str) -> tuple[str, int]:
    """LightGBM recognises itself by an address of a network device: of loopback's only the first
    one counts, and hosts there differ by port."""
    if ipaddress.ip_address(address).is_loopback:
        return "127.0.0.1", _PORT + int(address.rpartition(".")[2])
    return address, _PORT
