"""The hosts of a job: ``algo-1`` …, each with a loopback address of its own where there are any.

Linux answers on all of 127.0.0.0/8; macOS only on 127.0.0.1, unless an administrator adds
addresses. There the hosts share 127.0.0.1 and differ by port, and the container is told so.
"""

import functools
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

# ``algo-1=127.18.52.1,algo-2=127.18.52.2``; with ``:port`` where the addresses are shared.
ADDRESSES_VARIABLE = "WARMFOLD_HOST_ADDRESSES"

_SHARED = "127.0.0.1"
_LAST = 254

_lock = threading.Lock()
_leased: set[str] = set()


class NoAddress(Exception):
    """Every loopback address of this cloud is in use; the message says how many there are."""


@dataclass(frozen=True)
class Host:
    """``port`` is set only where hosts share one address: then it is this host's own."""

    name: str
    address: str
    port: int | None = None

    @property
    def place(self) -> str:
        return self.address if self.port is None else f"{self.address}:{self.port}"


@functools.cache
def own_addresses() -> bool:
    """Whether a program may listen on loopback addresses other than 127.0.0.1."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.1.2", 0))
        except OSError:
            return False
    return True


@contextmanager
def leased_hosts(cloud_port: int, count: int) -> Iterator[tuple[Host, ...]]:
    """Hosts for one job, given back at the end; a single host is 127.0.0.1.

    The two middle bytes of an address are the cloud's port, so that clouds side by side never
    hand out the same one. Raises ``NoAddress`` if too many are in use.
    """
    names = [f"algo-{number}" for number in range(1, count + 1)]
    if count == 1:
        yield (Host(names[0], _SHARED),)
    elif not own_addresses():
        yield tuple(
            Host(name, _SHARED, port) for name, port in zip(names, free_ports(count), strict=True)
        )
    else:
        addresses = _lease(cloud_port, count)
        try:
            yield tuple(map(Host, names, addresses))
        finally:
            with _lock:
                _leased.difference_update(addresses)


def _lease(cloud_port: int, count: int) -> list[str]:
    network = f"127.{cloud_port >> 8}.{cloud_port & 255}"
    with _lock:
        free = [
            address
            for number in range(1, _LAST + 1)
            if (address := f"{network}.{number}") not in _leased and address != _SHARED
        ]
        if len(free) < count:
            raise NoAddress(
                f"{count} hosts need as many loopback addresses, and {len(free)} of the {_LAST} "
                "of this local cloud are free"
            )
        _leased.update(free[:count])
    return free[:count]


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that nobody listens on just now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((_SHARED, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def address_variable(hosts: Sequence[Host]) -> Mapping[str, str]:
    return {ADDRESSES_VARIABLE: ",".join(f"{host.name}={host.place}" for host in hosts)}


def hosts_file(hosts: Sequence[Host]) -> str:
    """``/etc/hosts`` of a container in the job."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    return "\n".join([*lines, *(f"{host.address} {host.name}" for host in hosts), ""])
