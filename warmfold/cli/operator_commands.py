"""``pin``, ``rollback``, ``freeze`` and ``unfreeze``: on a running local cloud, or on AWS."""

import argparse
from dataclasses import replace

from config.names import ModelNames, Names
from config.settings import Model
from warmfold.cli.model_commands import target
from warmfold.demo import promote
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws
from warmfold.runs.orders import (
    Orders,
    approved_versions,
    deployed_version,
    give_orders,
    read_orders,
    require_approved,
    shadow_version,
)

LATEST, OFF = "latest", "off"


def version_or_latest(text: str) -> int | None:
    """``None`` for ``latest``. Raises ``ArgumentTypeError``, which argparse reports."""
    return _version_or(text, LATEST)


def version_or_off(text: str) -> int | None:
    """The same for ``off``."""
    return _version_or(text, OFF)


def _version_or(text: str, word: str) -> int | None:
    if text == word:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no version: a number such as 3, or {word}")
    return int(text)


def shadow(options: argparse.Namespace) -> None:
    """Have a version get a copy of the requests, or end that, and wait until it is so."""
    aws, names = _place(options)
    orders = read_orders(aws, names)
    _require_thawed(orders)
    wanted: int | None = options.version
    now, deployed = shadow_version(aws, names), deployed_version(aws, names)
    _require_shadowable(aws, names, wanted, deployed)
    before = promote.last_update(aws, names.serving_stack)
    give_orders(aws, names, replace(orders, shadow=wanted))
    if now != wanted:
        print("waiting for the endpoint")
        promote.wait_until_shadowed(
            aws, names, lambda: shadow_version(aws, names) == wanted, after=before
        )
    said = "has no shadow" if wanted is None else f"copies requests to version {wanted}"
    print(f"endpoint {names.endpoint} {said}")


def pin(options: argparse.Namespace) -> None:
    """Stay at a version, whatever is approved; ``latest`` follows approvals again."""
    aws, names = _place(options)
    _require_thawed(read_orders(aws, names))
    _pin(aws, names, options.version)


def rollback(options: argparse.Namespace) -> None:
    """Pin the approved version before the one that is deployed."""
    aws, names = _place(options)
    _require_thawed(read_orders(aws, names))
    deployed = deployed_version(aws, names)
    if deployed is None:
        raise WarmfoldError("nothing is deployed yet: approve a version with `warmfold approve`")
    before = [version for version in approved_versions(aws, names) if version < deployed]
    if not before:
        raise WarmfoldError(
            f"version {deployed} is deployed and no version before it is approved: approve one "
            "with `warmfold approve VERSION`, or train another"
        )
    print(f"version {deployed} is deployed; back to version {max(before)}")
    _pin(aws, names, max(before))


def freeze(options: argparse.Namespace) -> None:
    """Deploy nothing more; what is being deployed now is brought to its end."""
    _freeze(options, frozen=True)
    print("frozen: approvals are not deployed until `warmfold unfreeze`")


def unfreeze(options: argparse.Namespace) -> None:
    """Deploy again what is wanted: a pinned version, or the latest approved one."""
    orders = _freeze(options, frozen=False)
    wanted = "the latest approved version" if orders.version is None else f"v{orders.version}"
    print(f"not frozen any more: {wanted} is deployed next, unless it is already")


def _require_shadowable(
    aws: Aws, names: ModelNames, version: int | None, deployed: int | None
) -> None:
    if version is None:
        return
    if deployed is None:
        raise WarmfoldError("nothing is deployed yet: approve a version with `warmfold approve`")
    require_approved(approved_versions(aws, names), version, names.model_package_group)
    if version == deployed:
        raise WarmfoldError(
            f"version {version} answers the requests already: pin the version that is to answer "
            f"them with `warmfold pin VERSION`, and then shadow version {version}"
        )


def _place(options: argparse.Namespace) -> tuple[Aws, ModelNames]:
    model: Model
    aws, model = target(options)
    return aws, Names(aws.environment).model(model.name)


def _freeze(options: argparse.Namespace, *, frozen: bool) -> Orders:
    aws, names = _place(options)
    orders = replace(read_orders(aws, names), frozen=frozen)
    give_orders(aws, names, orders)
    return orders


def _require_thawed(orders: Orders) -> None:
    if orders.frozen:
        raise WarmfoldError("promotion is frozen: `warmfold unfreeze` first")


def _pin(aws: Aws, names: ModelNames, version: int | None) -> None:
    """Give the order, and wait until the endpoint serves what it asks for."""
    approved = approved_versions(aws, names)
    orders = replace(read_orders(aws, names), frozen=False, version=version)
    wanted = max(approved, default=None) if version is None else version
    before = promote.last_update(aws, names.serving_stack)
    if wanted is None:
        give_orders(aws, names, orders)
        print("following approvals; no version is approved yet")
        return
    package = require_approved(approved, wanted, names.model_package_group)
    give_orders(aws, names, orders)
    said = "following approvals" if version is None else f"pinned to version {version}"
    print(f"{said}; waiting for the endpoint")
    promote.wait_until_serving(aws, names.endpoint, package, names.serving_stack, after=before)
    print(f"endpoint {names.endpoint} is InService with {package}")
