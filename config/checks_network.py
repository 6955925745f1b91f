"""What the settings say about the network: address ranges, zones, and which table goes with which
mode."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from config.aws_lists import regions
from config.decode import close_match
from config.errors import Fault
from config.partial import as_far_as_known, known
from config.settings import Environment
from config.settings_network import CreatedNetwork, ImportedNetwork, Network, Subnet

# A VPC and a subnet have 16 to 65,536 addresses (Amazon VPC user guide, "VPC CIDR blocks").
_LARGEST_PREFIX, _SMALLEST_PREFIX = 28, 16
# Fewer would make the loss of one zone the loss of the platform.
_FEWEST_ZONES = 2
# VpcConfig (SageMaker API reference).
_MAX_SUBNETS, _MAX_SECURITY_GROUPS = 16, 5


def network_faults(value: Network) -> Iterator[Fault]:
    """Each mode has its own table, and no other."""
    tables = {"imported": value.imported, "created": value.created}
    for name, table in tables.items():
        if table is None and value.mode == name:
            yield Fault(
                key=name,
                problem=f'is missing, and mode is "{name}"',
                remedy=f"add [environment.network.{name}], or set another mode",
            )
        if table is not None and value.mode != name:
            yield Fault(
                key=name,
                problem=f'means nothing when mode is "{value.mode}"',
                remedy=f'remove the table, or set mode = "{name}"',
            )


def subnet_ids_faults(value: ImportedNetwork) -> Iterator[Fault]:
    yield from _ids("subnet_ids", value.subnet_ids, _MAX_SUBNETS)


def security_group_ids_faults(value: ImportedNetwork) -> Iterator[Fault]:
    yield from _ids("security_group_ids", value.security_group_ids, _MAX_SECURITY_GROUPS)


def _ids(key: str, ids: Sequence[str], most: int) -> Iterator[Fault]:
    yield from _repeated(key, ids)
    if len(ids) > most:
        yield Fault(
            key=key,
            value=len(ids),
            problem="are too many",
            remedy=f"SageMaker takes {most} at most",
        )


def _repeated(key: str, names: Sequence[str]) -> Iterator[Fault]:
    if len(set(names)) < len(names):
        yield Fault(key=key, value=names, problem="has one of them twice", remedy="name each once")


def endpoints_faults(value: CreatedNetwork) -> Iterator[Fault]:
    yield from _repeated("more_interface_endpoints", value.more_interface_endpoints)


def vpc_faults(value: CreatedNetwork) -> Iterator[Fault]:
    whole = _range(value.cidr)
    if whole is None:
        yield _no_range("cidr", value.cidr)
        return
    if whole.is_loopback or whole.is_link_local or whole.is_multicast:
        yield Fault(
            key="cidr",
            value=value.cidr,
            problem="is reserved for loopback, link-local or multicast addresses",
            remedy="use a private range such as 10.40.0.0/16",
        )
    elif value.subnets and not any(_lies_in(whole, subnet) for subnet in value.subnets):
        yield Fault(
            key="cidr",
            value=value.cidr,
            problem="holds none of the subnets",
            remedy="write the range that they are parts of, or move them into this one",
        )


def _lies_in(whole: IPv4Network, subnet: Subnet) -> bool:
    part = _range(subnet.cidr)
    return part is None or part.subnet_of(whole)


def subnets_faults(value: CreatedNetwork) -> Iterator[Fault]:
    lost = any(True for _ in as_far_as_known(vpc_faults(value)))
    earlier: dict[str, IPv4Network] = {}
    for index, cidr in known(value.subnets, "cidr"):
        key = f"subnets[{index}].cidr"
        part = _range(cidr)
        if part is None:
            yield _no_range(key, cidr)
            continue
        if not lost:
            yield from as_far_as_known(_outside(key, part, value))
        yield from _overlaps(key, part, earlier)
        earlier[key] = part


def _outside(key: str, part: IPv4Network, value: CreatedNetwork) -> Iterator[Fault]:
    whole = _range(value.cidr)
    if whole is not None and not part.subnet_of(whole):
        yield Fault(
            key=key,
            value=str(part),
            problem=f"does not lie in the VPC's {value.cidr}",
            remedy="choose a part of it, or widen cidr",
        )


def _overlaps(key: str, part: IPv4Network, earlier: dict[str, IPv4Network]) -> Iterator[Fault]:
    for other_key, other in earlier.items():
        if part.overlaps(other):
            yield Fault(
                key=key,
                value=str(part),
                problem=f"overlaps {other_key} ({other})",
                remedy="give each subnet addresses of its own",
            )


def zones_faults(value: CreatedNetwork) -> Iterator[Fault]:
    zones = [subnet.zone for subnet in value.subnets]
    if len(set(zones)) < len(zones):
        yield Fault(
            key="subnets",
            value=zones,
            problem="name an availability zone twice",
            remedy="one subnet a zone: interface endpoints take no more",
        )
    if len(set(zones)) < _FEWEST_ZONES:
        yield Fault(
            key="subnets",
            value=zones,
            problem="lie in too few availability zones",
            remedy=f"use {_FEWEST_ZONES} or more, so that the loss of one is not the loss of all",
        )


def _range(cidr: str) -> IPv4Network | None:
    """``None`` for what is no range that a VPC or a subnet may have."""
    try:
        found = IPv4Network(cidr)
    except ValueError:
        return None
    return found if _SMALLEST_PREFIX <= found.prefixlen <= _LARGEST_PREFIX else None


def _no_range(key: str, cidr: str) -> Fault:
    return Fault(
        key=key,
        value=cidr,
        problem="is no range of a VPC",
        remedy=f"use /{_SMALLEST_PREFIX} to /{_LARGEST_PREFIX}, with zeros after the prefix",
    )


def region_faults(value: Environment) -> Iterator[Fault]:
    if value.region not in regions():
        yield Fault(
            key="region",
            value=value.region,
            problem=f"is no region with SageMaker{close_match(value.region, regions())}",
            remedy="write one such as eu-west-1",
        )
        return
    subnets = () if value.network.created is None else value.network.created.subnets
    for index, zone in known(subnets, "zone"):
        if zone[:-1] != value.region:
            yield Fault(
                key=f"network.created.subnets[{index}].zone",
                value=zone,
                problem=f"is no zone of {value.region}",
                remedy=f"use one such as {value.region}a",
            )


def boundary_faults(value: Environment) -> Iterator[Fault]:
    boundary = value.permissions_boundary
    if boundary is not None and boundary.split(":")[4] != value.account:
        yield Fault(
            key="permissions_boundary",
            value=boundary,
            problem=f"is no policy of account {value.account}",
            remedy="name a policy of the environment's own account",
        )
